"""The command as a user runs it: exit codes, messages, bad input, interruption."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT, tiny_overrides

TEXT = "Le syndicat accuse la direction d'avoir caché le rapport. La direction dément. La réunion est prévue mardi."


@pytest.fixture
def stance(cli, tmp_path):
    def run(*arguments: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MLFLOW_TRACKING_URI": ""}
        command = [str(cli), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, **kwargs
        )

    return run


@pytest.fixture(scope="module")
def cues_model(tmp_path_factory):
    from pipeline.model.classifier import Classifier, CueNetwork

    folder = tmp_path_factory.mktemp("cues")
    Classifier(CueNetwork(), name="cues").save(folder)
    return folder


def test_help_names_every_command(stance):
    text = stance("--help").stdout
    for command in ("segment", "train", "evaluate", "score", "promote", "experiment", "data", "encoder"):
        assert command in text
        assert stance(command, "--help").returncode == 0


def test_segment_prints_statements_that_the_text_gives_back(stance, tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    result = stance("segment", "a.txt", "--format", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0
    assert len(rows) == 3
    assert all(TEXT[row["start"] : row["end"]] == row["text"] for row in rows)
    assert "La direction dément." in stance("segment", "a.txt").stdout


def test_segment_shows_residue_on_request(stance, tmp_path):
    (tmp_path / "a.txt").write_text(f"{TEXT}\n\nLire aussi : Le maire répond\n")
    assert "Lire aussi" not in stance("segment", "a.txt").stdout
    assert "Lire aussi" in stance("segment", "a.txt", "--residue").stdout


def test_score_writes_tables_and_exits_by_what_was_set_aside(stance, cues_model, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TEXT)
    clean = stance("score", "in", "--model", cues_model, "--out", "out", "--show", "a")
    assert clean.returncode == 0, clean.stderr
    assert "1 accusation, 1 denial, 1 neutral" in clean.stdout
    assert "démenti" in clean.stdout
    (tmp_path / "in" / "b.txt").write_bytes(b"\xe9t\xe9")
    dirty = stance("score", "in", "--model", cues_model, "--out", "out", "--format", "csv")
    assert dirty.returncode == 3
    assert "1 records were set aside" in dirty.stderr
    assert len(pd.read_csv(tmp_path / "out" / "statements.csv")) == 3


def test_the_script_is_the_same_code(cues_model, tmp_path):
    import sys

    (tmp_path / "a.txt").write_text(TEXT)
    command = [sys.executable, ROOT / "scripts" / "score_articles.py", "a.txt", "--model", cues_model, "--out", "out"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "statements.parquet", "articles.parquet", "rejects.jsonl", "run.json",
    }  # fmt: skip


def test_evaluate_writes_predictions_and_metrics(stance, cues_model, tmp_path):
    rows = [
        {"text": "Il dément.", "label": "denial", "desk": "sport"},
        {"text": "On l'accuse.", "label": "accusation", "desk": "sport"},
        {"text": "Il pleut.", "label": "neutral", "desk": "une"},
    ]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = stance("evaluate", "f.jsonl", "--model", cues_model, "--out", "out", "--by", "desk")
    assert result.returncode == 0, result.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["macro_f1"] == 1.0
    assert metrics["by_desk"]["sport"]["n"] == 2
    predictions = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    assert predictions[0]["desk"] == "sport"
    assert predictions[0]["predicted"] == "denial"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["train", ROOT / "configs" / "cues.yaml", "trainin.epochs=1"], "trainin: unknown key"),
        (["train", "nothing.yaml"], "cannot read this config"),
        (["train", ROOT / "configs" / "cues.yaml", "data.corpus=nowhere"], "train.jsonl: cannot be read"),
        (["score", "nothing.txt"], "no such file or folder"),
        (["score", "a.txt", "--model", "a/b/c"], "no such model folder"),
        (["score", "a.txt"], "models:/stance@champion: not found"),
        (["evaluate", "bad.jsonl", "--model", "."], "bad.jsonl:2: label is 'acusation'"),
        (["experiment", "bad.jsonl"], "bad.jsonl"),
        (["segment", "a.txt", "--format", "xml"], "expected table or jsonl"),
        (["track", "."], "not a finished run folder"),
    ],
    ids=lambda value: str(value)[-40:] if isinstance(value, list) else None,
)
def test_a_users_mistake_ends_with_a_message_and_no_stack_trace(stance, tmp_path, arguments, what):
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "bad.jsonl").write_text('{"text": "a", "label": "denial"}\n{"text": "a", "label": "acusation"}\n')
    result = stance(*arguments)
    assert result.returncode in (2, 4)
    assert what in result.stderr
    assert "Traceback" not in result.stderr


def test_a_tracking_server_that_does_not_answer_has_its_own_exit_code(stance, small_corpus):
    config = ROOT / "configs" / "cues.yaml"
    result = stance("train", config, f"data.corpus={small_corpus}", "tracking.uri=http://127.0.0.1:9")
    assert result.returncode == 4
    assert "does not answer" in result.stderr


def interrupt(command, tmp_path, when, timeout=60):
    """Start a command, send Ctrl-C once ``when()`` holds, and return it finished."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": ""}
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests started in the background of a script inherit that Ctrl-C is ignored; a terminal's command does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + timeout
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def test_ctrl_c_during_training_closes_the_run_and_training_can_be_resumed(
    stance, cli, tiny_encoder, small_corpus, tmp_path, monkeypatch
):
    import mlflow

    overrides = [*tiny_overrides(tiny_encoder, small_corpus, tmp_path), "training.epochs=200", "training.patience=200"]
    command = [str(cli), "train", str(ROOT / "configs" / "embedded.yaml"), *overrides]
    code, stderr = interrupt(
        command, tmp_path, lambda: any((tmp_path / "runs").glob("*/checkpoints/*/trainer_state.json"))
    )
    assert code == 130, stderr
    assert "Traceback" not in stderr
    (folder,) = (tmp_path / "runs").iterdir()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    run_id = (folder / "mlflow_run_id").read_text()
    assert mlflow.get_run(run_id).info.status == "KILLED"
    saved = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(
        saved.replace("epochs: 200", "epochs: 2").replace("patience: 200", "patience: 2")
    )
    resumed = stance("train", folder / "config.yaml", "--resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert mlflow.get_run(run_id).info.status == "FINISHED"


def test_ctrl_c_during_scoring_leaves_nothing_half_written(cli, cues_model, tmp_path):
    with (tmp_path / "a.jsonl").open("w") as out:
        for i in range(20_000):
            out.write(json.dumps({"id": str(i), "text": TEXT * 3}) + "\n")
    command = [str(cli), "score", "a.jsonl", "--model", str(cues_model), "--out", "out"]
    code, stderr = interrupt(command, tmp_path, lambda: any((tmp_path / "out").glob(".statements*")))
    assert code == 130, stderr
    assert "Traceback" not in stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_no_space_left_is_said_and_leaves_nothing(cli, cues_model, tmp_path):
    """On a 1 MB file system, where the tests may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        with (tmp_path / "a.jsonl").open("w") as out:
            for i in range(3000):
                out.write(json.dumps({"id": str(i), "text": f"Le maire {i} dément. {os.urandom(300).hex()}."}) + "\n")
        command = [str(cli), "score", "a.jsonl", "--model", str(cues_model), "--out", str(small / "out")]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert "No space left" in result.stderr
        assert "Traceback" not in result.stderr
        assert not list(Path(small / "out").iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.slow
def test_two_processes_give_the_same_result_as_one(stance, cli, tiny_encoder, small_corpus, tmp_path):
    import sys

    overrides = [*tiny_overrides(tiny_encoder, small_corpus, tmp_path), "encoder.dropout=0.0"]
    config = ROOT / "configs" / "embedded.yaml"
    assert stance("train", config, *overrides, "name=one").returncode == 0
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29511"]
    script = ROOT / "scripts" / "train.py"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": "", "OMP_NUM_THREADS": "1"}
    command = [*torchrun, str(script), str(config), *overrides, "name=two"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    one, two = (
        json.loads(next((tmp_path / "runs").glob(f"{name}-*/metrics.json")).read_text())["test"]["log_loss"]
        for name in ("one", "two")
    )
    assert two == pytest.approx(one, abs=0.05)


def test_promotion_compares_on_one_test_split_and_refuses_the_worse_one_unless_forced(stance, small_corpus, tmp_path):
    import mlflow

    def champion():
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
        return str(mlflow.MlflowClient().get_model_version_by_alias("stance", "champion").version)

    for name in ("cues", "tfidf"):
        trained = stance("train", ROOT / "configs" / f"{name}.yaml", f"data.corpus={small_corpus}")
        assert trained.returncode == 0, trained.stderr
    assert champion() == "1"  # the first model, until a better one is promoted
    first = stance("promote", "--corpus", small_corpus)
    assert "version 1" in first.stdout
    assert "version 2" in first.stdout
    assert champion() == ("2" if first.returncode == 0 else "1")
    worse = "1" if first.returncode == 0 else "2"
    refused = stance("promote", worse, "--corpus", small_corpus)
    assert refused.returncode == 3
    assert "is worse than the champion" in refused.stderr
    assert champion() != worse
    assert stance("promote", worse, "--corpus", small_corpus, "--force").returncode == 0
    assert champion() == worse


def test_an_experiment_ends_in_a_table_and_nests_its_runs(stance, small_corpus, tmp_path):
    import mlflow

    (tmp_path / "e.yaml").write_text(
        "name: tiny\nquestion: Which?\nseeds: [1, 2]\narms:\n"
        f"  - {{name: words, config: {ROOT}/configs/tfidf.yaml}}\n"
        f"  - {{name: rules, config: {ROOT}/configs/cues.yaml, overrides: [training.epochs=1]}}\n"
    )
    (tmp_path / "mine.jsonl").write_text(json.dumps({"text": "Le maire dément.", "label": "denial"}) + "\n")
    result = stance(
        "experiment", "e.yaml", f"data.corpus={small_corpus}", "--result", "table.md", "--also", "mine.jsonl"
    )
    assert result.returncode == 0, result.stderr
    table = (tmp_path / "table.md").read_text()
    assert "| words | 2 |" in table
    assert "| rules | 2 |" in table
    head, _, *rows = [line.split(" | ") for line in table.splitlines() if line.startswith("|")]
    own = {row[0].strip("| "): row[head.index("mine")] for row in rows}
    assert own["rules"] == "0.333"  # one label of three, and that one right
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    runs = mlflow.search_runs(experiment_names=["stance"])
    parents = runs["tags.mlflow.parentRunId"].dropna()
    assert len(runs) == 5
    assert len(parents) == 4
    assert parents.nunique() == 1
    again = stance("experiment", "e.yaml", f"data.corpus={small_corpus}")
    assert again.stderr.count("reusing") == 4


def test_statements_go_to_a_labelling_tool_and_come_back_into_the_corpus(stance, tmp_path, small_corpus, cues_model):
    (tmp_path / "a.txt").write_text(TEXT)
    assert stance("score", "a.txt", "--model", cues_model, "--format", "csv").returncode == 0
    result = stance("data", "export", "out/statements.csv", "--for", "doccano", "--count", 2)
    assert result.returncode == 0, result.stderr
    assert "2 statements written to to-label.jsonl" in result.stdout
    (tmp_path / "to-label.jsonl").rename(tmp_path / "ana.jsonl")
    result = stance("data", "import", "ana.jsonl")
    assert result.returncode == 0, result.stderr
    for split in ("train", "validation", "test"):
        (tmp_path / "corpus").mkdir(exist_ok=True)
        (tmp_path / "corpus" / f"{split}.jsonl").write_bytes((small_corpus / f"{split}.jsonl").read_bytes())
    result = stance("data", "add", "labelled.jsonl", "--corpus", "corpus")
    assert result.returncode == 0, result.stderr
    assert "2 statements added" in result.stdout
    again = stance("data", "add", "labelled.jsonl", "--corpus", "corpus")
    assert again.returncode == 3
    assert "the same text as" in again.stderr
    assert (tmp_path / "rejects.jsonl").is_file()


def test_export_without_guesses_asks_for_none_and_says_so(stance, tmp_path):
    (tmp_path / "s.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
    result = stance("data", "export", "s.jsonl", "--for", "label-studio")
    assert result.returncode == 0
    assert "no guesses in the file" in result.stderr
    assert '<Choices name="label"' in result.stdout
    assert "predictions" not in json.loads((tmp_path / "to-label.json").read_text())[0]


def test_import_of_two_peoples_labels_prints_kappa_and_keeps_the_open_ones(stance, tmp_path):
    result = stance("data", "import", ROOT / "tests" / "corpus" / "exports" / "label-studio.json")
    assert result.returncode == 3
    assert "2 statements, 50.0% equal, Cohen's kappa 0.33" in result.stdout
    assert "labelled-disagreements.jsonl" in result.stderr
