"""The hub path for real: a tiny CamemBERT repository served over HTTP on localhost, as a hub serves it."""

import hashlib
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import ROOT, tiny_overrides

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "almanach/camembert-tiny"


@pytest.fixture
def hub(tiny_encoder):
    """Answers the three calls that loading a model makes: model info, file head, file content."""
    files = {path.name: path.read_bytes() for path in tiny_encoder.iterdir()}
    revisions = {"main", COMMIT}

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(body=True)

        def do_HEAD(self):
            self.answer(body=False)

        def answer(self, body):
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[:2] == ["api", "models"] and "/".join(parts[2:4]) == REPOSITORY:
                revision = parts[5] if parts[4:5] == ["revision"] else "main"
                if revision not in revisions:
                    return self.send(404, b"{}", body, {"X-Error-Code": "RevisionNotFound"})
                if parts[4:5] == ["tree"]:
                    listing = [{"type": "file", "path": n, "size": len(c), "oid": "0"} for n, c in files.items()]
                    return self.send(200, json.dumps(listing).encode(), body)
                siblings = [{"rfilename": name} for name in files]
                info = {"id": REPOSITORY, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
                return self.send(200, json.dumps(info).encode(), body)
            if "/".join(parts[:2]) == REPOSITORY and parts[2:3] == ["resolve"]:
                if parts[4] not in files:
                    return self.send(404, b"", body, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
                content = files[parts[4]]
                etag = f'"{hashlib.sha1(content).hexdigest()}"'
                return self.send(200, content, body, {"ETag": etag, "X-Repo-Commit": COMMIT})
            return self.send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

        def send(self, status, content, body, headers=None):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def stance(arguments, cli, tmp_path, endpoint):
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf"), "MLFLOW_TRACKING_URI": ""}
    environment.pop("HF_HUB_OFFLINE", None)
    return subprocess.run([cli, *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)


@pytest.fixture
def arguments(tiny_encoder, small_corpus, tmp_path):
    overrides = tiny_overrides(tiny_encoder, small_corpus, tmp_path)
    overrides = [o for o in overrides if not o.startswith("encoder.source")]
    return [
        "train",
        str(ROOT / "configs" / "embedded.yaml"),
        *overrides,
        "training.epochs=1",
        "tracking.log_model=false",
    ]


def test_training_starts_from_a_hub_id_and_records_the_commit(hub, cli, arguments, tmp_path):
    result = stance([*arguments, f"encoder.source={REPOSITORY}"], cli, tmp_path, hub)
    assert result.returncode == 0, result.stderr
    (run,) = (tmp_path / "runs").glob("*/run.json")
    assert json.loads(run.read_text())["encoder_commit"] == COMMIT
    # With the hub gone, the same training starts from the local cache.
    again = stance([*arguments, f"encoder.source={REPOSITORY}", "name=again"], cli, tmp_path, "http://127.0.0.1:9")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("source", "revision", "what"),
    [(REPOSITORY, "v9", "no revision 'v9'"), ("almanach/nothing", "main", "no such model")],
)
def test_what_the_hub_lacks_is_named(hub, cli, arguments, tmp_path, source, revision, what):
    result = stance([*arguments, f"encoder.source={source}", f"encoder.revision={revision}"], cli, tmp_path, hub)
    assert result.returncode == 2
    assert what in result.stderr
    assert "Traceback" not in result.stderr


def test_a_hub_that_cannot_be_reached_is_named_with_a_way_out(cli, arguments, tmp_path):
    result = stance([*arguments, f"encoder.source={REPOSITORY}"], cli, tmp_path, "http://127.0.0.1:9")
    assert result.returncode == 2
    assert "http://127.0.0.1:9 cannot be reached" in result.stderr
    assert "encoder.source=embedded" in result.stderr
    assert "Traceback" not in result.stderr
