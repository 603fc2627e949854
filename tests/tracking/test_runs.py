import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline.model.classifier import load as load_model
from pipeline.tracking import registry
from pipeline.tracking.runs import Tracker, TrackingError, connect, tracked
from pipeline.training.recipe import train


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    """Each test has the store of its config, and leaves no run active."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture(scope="module")
def done(tiny_encoder, small_corpus, tmp_path_factory):
    """One tracked training, shared by the tests that look at it."""
    from pipeline.config import load
    from tests.conftest import ROOT, tiny_overrides

    tmp = tmp_path_factory.mktemp("tracked")
    config = load(ROOT / "configs" / "embedded.yaml", tiny_overrides(tiny_encoder, small_corpus, tmp))
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tracked(config, tmp / "runs" / "tiny-1") as tracker:
        train(config, tmp / "runs" / "tiny-1", tracker.log)
    return config, tmp / "runs" / "tiny-1", tracker.run_id


@pytest.fixture
def run(done):
    connect(done[0])
    return mlflow.get_run(done[2])


def test_every_setting_is_a_parameter(done, run):
    assert run.data.params == {k: "null" if v is None else str(v) for k, v in done[0].flat().items()}
    assert run.info.run_name == "tiny"
    assert run.info.status == "FINISHED"


def test_tags_inputs_curves_and_test_metrics_are_there(done, run):
    assert len(run.data.tags["git_commit"]) >= 7
    assert len(run.data.tags["dataset_digest"]) == 64
    contexts = {tag.value for d in run.inputs.dataset_inputs for tag in d.tags if tag.key == "mlflow.data.context"}
    assert contexts == {"train", "validation", "test"}
    history = mlflow.MlflowClient().get_metric_history(done[2], "validation.macro_f1")
    assert len(history) == 2
    assert len(mlflow.MlflowClient().get_metric_history(done[2], "train.loss")) >= 4
    metrics = json.loads((done[1] / "metrics.json").read_text())
    assert run.data.metrics["test.macro_f1"] == metrics["test"]["macro_f1"]
    assert run.data.metrics["test.denial.f1"] == metrics["test"]["per_class"]["denial"]["f1"]


def test_artifacts_are_there(done, run):
    names = {
        a.path for folder in ("", "figures", "tables") for a in mlflow.MlflowClient().list_artifacts(done[2], folder)
    }
    assert {
        "figures/confusion.png", "figures/precision_recall.png", "tables/predictions.jsonl", "tables/errors.jsonl",
        "config.yaml", "MODEL_CARD.md",
    } <= names  # fmt: skip


def test_the_first_model_is_champion_and_found_by_every_reference(done, run):
    assert registry.champion("stance") == "1"
    model_folder = done[1] / "model"
    expected = load_model(model_folder).predict(["Il nie."]).probabilities
    for reference in ("models:/stance@champion", "models:/stance/1", done[2], str(done[1])):
        np.testing.assert_allclose(registry.open_model(reference).predict(["Il nie."]).probabilities, expected)


@pytest.mark.parametrize("reference", ["models:/stance@nobody", "models:/other/1", "0" * 32])
def test_references_that_name_nothing_are_explained(done, reference):
    connect(done[0])
    with pytest.raises(registry.RegistryError, match=reference.replace("/", ".")):
        registry.open_model(reference)


def test_the_logged_model_works_without_this_repository_and_gives_the_same_numbers(done, tmp_path):
    frame = pd.DataFrame({"text": ["Il nie tout.", "Il pleut. " * 80], "context": ["On l'accuse.", None]})
    frame.to_json(tmp_path / "in.json")
    script = (
        "import sys, mlflow, pandas as pd\n"
        "mlflow.set_tracking_uri(sys.argv[1])\n"
        "model = mlflow.pyfunc.load_model('models:/stance@champion')\n"
        "import pipeline; assert 'code' in pipeline.__file__, pipeline.__file__\n"
        "model.predict(pd.read_json('in.json')).to_json('out.json')\n"
    )
    # -S leaves out site hooks such as the editable install; the libraries come by path.
    paths = os.pathsep.join(p for p in sys.path if "site-packages" in p)
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-S", "-c", script, done[0].tracking.uri]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    found = pd.read_json(tmp_path / "out.json")
    expected = load_model(done[1] / "model").predict(frame["text"].tolist(), ["On l'accuse.", ""])
    np.testing.assert_allclose(found[["p_accusation", "p_denial", "p_neutral"]], expected.probabilities, atol=1e-6)
    assert list(found["label"]) == expected.labels
    assert list(found["flags"]) == ["", "windowed"]


def test_the_logged_model_has_signature_example_and_pinned_requirements(done, run):
    info = mlflow.models.get_model_info("models:/stance@champion")
    assert info.signature.inputs.input_names() == ["text", "context", "title"]
    folder = Path(mlflow.artifacts.download_artifacts("models:/stance@champion"))
    assert all("==" in line for line in (folder / "requirements.txt").read_text().split())
    assert (folder / "input_example.json").is_file()
    assert not list(folder.rglob("*.pkl"))


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")])
def test_a_run_that_does_not_end_well_is_not_left_running(tiny_config, tmp_path, error, status):
    with pytest.raises(error), tracked(tiny_config, tmp_path / "run") as tracker:
        raise error
    assert mlflow.get_run(tracker.run_id).info.status == status


def test_a_resumed_training_continues_its_run(tiny_config, tmp_path):
    with pytest.raises(KeyboardInterrupt), tracked(tiny_config, tmp_path / "run") as first:
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), tracked(tiny_config, tmp_path / "run") as second:
        raise KeyboardInterrupt
    assert first.run_id == second.run_id


def test_a_server_that_goes_away_does_not_stop_the_training(tiny_config, tmp_path, monkeypatch):
    real = mlflow.log_metrics
    connect(tiny_config)
    with mlflow.start_run() as run:
        tracker = Tracker(run.info.run_id)
        monkeypatch.setattr(mlflow, "log_metrics", lambda *a, **k: (_ for _ in ()).throw(ConnectionError("gone")))
        tracker.log({"train.loss": 1.0}, 1)
        tracker.log({"train.loss": 0.5}, 2)
        assert len(tracker.pending) == 2
        monkeypatch.setattr(mlflow, "log_metrics", real)
        assert tracker.flush()
    values = [m.value for m in mlflow.MlflowClient().get_metric_history(run.info.run_id, "train.loss")]
    assert values == [1.0, 0.5]


def test_a_tracking_uri_that_does_not_answer_is_explained_at_once(tiny_config, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="does not answer"):
        connect(tiny_config)


def test_the_environment_wins_over_the_config(tiny_config, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    assert connect(tiny_config).endswith("other.db")
