"""A run folder becomes an MLflow run: params, tags, inputs, curves, metrics, artifacts, the model."""

import json
import logging
import os
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

# A tracking server that does not answer must not hold a training for MLflow's default of many minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from pipeline.config import Config
from pipeline.config import load as load_config
from pipeline.corpus import splits as corpus_splits
from pipeline.corpus.schema import LabelledStatement
from pipeline.errors import StanceError
from pipeline.evaluation.metrics import flat
from pipeline.labels import LABELS
from pipeline.tracking import registry

logger = logging.getLogger(__name__)

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# MLflow's advice on type hints does not fit a model that takes a DataFrame with optional columns.
for _text in ("The specified dataset source can be interpreted", r"[\s\S]*Add type hints to the `predict` method"):
    warnings.filterwarnings("ignore", message=_text)
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

_RETRY_AFTER_SECONDS = 60.0
_RUN_ID = "mlflow_run_id"
_REQUIREMENTS = (
    "mlflow", "numpy", "pandas", "pydantic", "PyYAML", "safetensors", "scikit-learn", "scipy", "sentencepiece", "skops",
    "tokenizers", "torch", "transformers",
)  # fmt: skip

INPUT_EXAMPLE = pd.DataFrame(
    {
        "text": ["« C'est un pur mensonge », a réagi la directrice.", "La réunion a duré deux heures."],
        "context": ["Le syndicat lui reproche d'avoir caché le rapport.", ""],
        "title": ["", ""],
    }
)
_SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec("string", "text"),
            ColSpec("string", "context", required=False),
            ColSpec("string", "title", required=False),
        ]
    ),
    outputs=Schema(
        [ColSpec("string", "label"), *(ColSpec("double", f"p_{name}") for name in LABELS), ColSpec("string", "flags")]
    ),
)


class TrackingError(StanceError):
    """The tracking server does not answer or refuses."""


def connect(config: Config) -> str:
    """Choose the tracking store and check that it answers; returns its URI.

    Raises:
        TrackingError: It does not.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or config.tracking.uri
    _check_answers(uri)
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).resolve().parent.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(uri)
    try:
        if mlflow.get_experiment_by_name(config.tracking.experiment) is None:
            location = None
            if uri.startswith("sqlite:///"):
                location = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()
            mlflow.create_experiment(config.tracking.experiment, artifact_location=location)
        mlflow.set_experiment(config.tracking.experiment)
    except Exception as error:  # MLflow raises its own, requests' and sqlalchemy's errors alike
        raise TrackingError(f"{uri}: the tracking store cannot be used: {_first_line(error)}") from error
    return uri


def _check_answers(uri: str) -> None:
    parts = urlparse(uri)
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        raise TrackingError(
            f"{uri}: the tracking server does not answer ({error}). Start it, correct MLFLOW_TRACKING_URI or "
            "tracking.uri, or unset both to use the embedded store."
        ) from error


@dataclass
class Tracker:
    """The live side of a run: receives metrics while training; keeps them back while the server is away."""

    run_id: str
    pending: list[tuple[dict[str, float], int, int]] = field(default_factory=list)
    _silent_until: float = 0.0

    def log(self, values: dict[str, float], step: int) -> None:
        """Log metrics; never raises."""
        self.pending.append((values, step, int(time.time() * 1000)))
        if time.monotonic() >= self._silent_until:
            self.flush()

    def flush(self) -> bool:
        """Send what is pending; whether the server took everything."""
        while self.pending:
            values, step, stamp = self.pending[0]
            try:
                mlflow.log_metrics(values, step=step, run_id=self.run_id, timestamp=stamp)
            except Exception as error:  # whatever the tracker does, the training goes on
                self._silent_until = time.monotonic() + _RETRY_AFTER_SECONDS
                logger.warning("The tracking server does not take metrics (%s); training goes on.", _first_line(error))
                return False
            self.pending.pop(0)
        return True


@contextmanager
def tracked(config: Config, folder: Path, parent_id: str | None = None) -> Iterator[Tracker]:
    """An MLflow run around a training; it ends FINISHED, FAILED or KILLED, never RUNNING.

    A run folder that already belongs to an MLflow run (it was interrupted) continues that run.
    """
    data = corpus_splits.load_splits(config.data, config.seed)  # a wrong corpus must not leave a failed run behind
    connect(config)
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / _RUN_ID
    run_id = known.read_text().strip() if known.is_file() else None
    if config.tracking.system_metrics:
        mlflow.set_system_metrics_sampling_interval(5)
        mlflow.set_system_metrics_samples_before_logging(1)
    try:
        run = mlflow.start_run(
            run_id=run_id,
            run_name=None if run_id else config.name,
            parent_run_id=None if run_id else parent_id,
            nested=parent_id is not None,
            log_system_metrics=config.tracking.system_metrics,
        )
        known.write_text(run.info.run_id)
        if run_id is None:
            _describe(config, folder, data)
    except Exception as error:
        raise TrackingError(f"The tracking store refused the run: {_first_line(error)}") from error
    tracker = Tracker(run.info.run_id)
    try:
        yield tracker
        upload(folder, tracker)
    except KeyboardInterrupt:
        _end("KILLED")
        raise
    except BaseException:
        _end("FAILED")
        raise
    _end("FINISHED")


@contextmanager
def parent_run(config: Config, name: str, question: str) -> Iterator[tuple[str, Any]]:
    """The parent of an experiment's runs; yields its id and a function that records the comparison."""
    connect(config)
    with mlflow.start_run(run_name=name, description=question) as run:
        mlflow.set_tag("experiment_file", name)

        def finish(rows: list[Any], table: str) -> None:
            mlflow.log_text(table, "comparison.md")
            for row in rows:
                mlflow.log_metric(f"test.macro_f1.{row.name}", row.macro_f1)

        yield run.info.run_id, finish


def _end(status: str) -> None:
    try:
        mlflow.end_run(status)
    except Exception as error:
        logger.warning("The tracking server did not take the end of the run (%s).", _first_line(error))


def _describe(config: Config, folder: Path, data: dict[str, list[LabelledStatement]]) -> None:
    from pipeline.training.recipe import git_state

    mlflow.log_params({key: "null" if value is None else value for key, value in config.flat().items()})
    git = git_state()
    mlflow.set_tags(
        {
            "git_commit": git.get("commit", "unknown"),
            "git_dirty": str(git.get("dirty", "unknown")).lower(),
            "dataset_digest": corpus_splits.digest(Path(config.data.corpus)),
            "model": config.model,
            "run_folder": folder.name,
        }
    )
    for split, records in data.items():
        frame = pd.DataFrame([record.model_dump() for record in records])
        source = str(Path(config.data.corpus) / f"{split}.jsonl")
        mlflow.log_input(mlflow.data.from_pandas(frame, source=source, name=f"{split}", targets="label"), context=split)


def upload(folder: Path, tracker: Tracker) -> None:
    """Send a finished run folder to the active run and register its model.

    Raises:
        TrackingError: The server is away; the folder stays complete and can be sent again.
    """
    if not tracker.flush():
        raise _away(folder)
    config = load_config(folder / "config.yaml")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    results = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    try:
        values = {**flat(results["validation"], "best_validation"), **flat(results["test"], "test")}
        mlflow.log_metrics({**values, "train_seconds": run["seconds"]}, run_id=tracker.run_id)
        mlflow.set_tag("collapsed", str(results["test"]["collapsed"]).lower())
        if run["encoder_commit"]:
            mlflow.set_tag("encoder_commit", run["encoder_commit"])
        for name in ("config.yaml", "metrics.json", "run.json", "curves.jsonl", "MODEL_CARD.md"):
            if (folder / name).is_file():
                mlflow.log_artifact(str(folder / name))
        for name in ("predictions", "errors"):
            mlflow.log_artifact(str(folder / f"{name}.jsonl"), artifact_path="tables")
        table = pd.read_json(folder / "predictions.jsonl", lines=True)
        mlflow.log_table(table, "tables/predictions.json")
        mlflow.log_artifacts(str(folder / "figures"), artifact_path="figures")
        if config.tracking.log_model:
            log_model(folder / "model", config)
    except StanceError:
        raise
    except Exception as error:
        raise _away(folder) from error


def _away(folder: Path) -> TrackingError:
    return TrackingError(
        f"The training is complete in {folder}, but the tracking server did not take it. "
        f"When it is back, send it with: stance track {folder}"
    )


def log_model(model_folder: Path, config: Config) -> None:
    """Log the model folder once as a self-contained pyfunc and register it."""
    package = Path(__file__).resolve().parents[1]
    info = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(package / "tracking" / "pyfunc.py"),
        artifacts={"model": str(model_folder)},
        code_paths=[str(package)],
        signature=_SIGNATURE,
        input_example=INPUT_EXAMPLE,
        # Local version tags such as +cpu exist on no registry.
        pip_requirements=[f"{name}=={version(name).split('+')[0]}" for name in _REQUIREMENTS],
    )
    registry.register(info.model_uri, config.tracking.registered_model)


def resend(folder: Path) -> None:
    """Send a finished run folder again, into its old run if that exists."""
    if not (folder / "run.json").is_file():
        raise TrackingError(f"{folder}: not a finished run folder (it has no run.json).")
    config = load_config(folder / "config.yaml")
    with tracked(config, folder) as tracker:
        for line in (folder / "curves.jsonl").read_text().splitlines() if (folder / "curves.jsonl").is_file() else []:
            values: dict[str, Any] = json.loads(line)
            tracker.log(values, values.pop("step"))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
