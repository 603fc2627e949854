"""One training run from config to a complete run folder. MLflow is not known here."""

import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.config import Config
from pipeline.corpus import splits as corpus_splits
from pipeline.corpus.schema import LabelledStatement, write_jsonl
from pipeline.evaluation import figures, metrics
from pipeline.evaluation.calibration import NEWS_SHARES, fit_temperature, news_shift
from pipeline.labels import LABELS
from pipeline.model.classifier import Classifier, CueNetwork, softmax
from pipeline.model.inputs import second_segments

LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn", "mlflow", "numpy")


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished run is known by."""

    folder: Path
    config: Config
    metrics: dict[str, Any]


def train(config: Config, folder: Path, log: Any) -> Result:
    """Fit one model and write its run folder.

    The folder is complete by itself: ``config.yaml``, ``model/``, ``metrics.json``, ``predictions.jsonl``,
    ``errors.jsonl``, ``figures/``, ``MODEL_CARD.md``, ``curves.jsonl``, ``run.json`` (written last).

    Args:
        config: The resolved config.
        folder: New, or that of an interrupted run, which then goes on from its last checkpoint.
        log: Called with named values and a step during training.

    Raises:
        StanceError: The corpus or the encoder cannot be used.
    """
    started = time.time()
    folder.mkdir(parents=True, exist_ok=True)
    config.save(folder / "config.yaml")
    data = corpus_splits.load_splits(config.data, config.seed)
    classifier = _fit(config, data, folder, _recorded(log, folder))
    classifier.name = folder.name
    validation = data["validation"]
    logits, _ = _logits(classifier, validation)
    classifier.temperature = fit_temperature(logits, [r.label for r in validation])
    if config.calibration.news_shares:
        classifier.shift = news_shift([r.label for r in data["train"]])
    classifier.lexicon = config.calibration.lexicon
    classifier.save(folder / "model")

    result: dict[str, Any] = {"validation": _metrics(validation, _calibrated(classifier, logits, validation))}
    logits, windowed = _logits(classifier, data["test"])
    probabilities = _calibrated(classifier, logits, data["test"])
    result["test"] = _metrics(data["test"], probabilities)
    # The lexicon's votes must not hide that the network itself has learned nothing.
    result["test"]["collapsed"] = metrics.evaluate([r.label for r in data["test"]], softmax(logits))["collapsed"]
    _write_predictions(folder, data["test"], probabilities, windowed)
    figures.confusion(result["test"], folder / "figures" / "confusion.png", f"{config.name}, test split")
    figures.precision_recall(
        [r.label for r in data["test"]], probabilities, folder / "figures" / "precision_recall.png", config.name
    )
    run = {
        "name": config.name,
        "folder": folder.name,
        "fingerprint": fingerprint(config),
        "seconds": round(time.time() - started, 1),
        "dataset_digest": corpus_splits.digest(Path(config.data.corpus)),
        "sizes": {split: len(records) for split, records in data.items()},
        "git": git_state(),
        "encoder_commit": getattr(classifier.network, "commit", None),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    (folder / "metrics.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (folder / "MODEL_CARD.md").write_text(model_card(config, result, run), encoding="utf-8")
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / "run.json").write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    return Result(folder, config, result)


def assist(config: Config, folder: Path) -> None:
    """The part of a distributed training that every process but the first does: fit, and write nothing."""
    _fit(config, corpus_splits.load_splits(config.data, config.seed), folder, lambda values, step: None)


def _fit(config: Config, data: dict[str, list[LabelledStatement]], folder: Path, log: Any) -> Classifier:
    train_records = data["train"]
    if config.model == "cues":
        return Classifier(CueNetwork(), config.inputs)
    if config.model == "tfidf":
        from pipeline.model.tfidf import TfidfNetwork

        seconds = second_segments([r.context for r in train_records], [r.title for r in train_records], config.inputs)
        labels = [r.label for r in train_records]
        return Classifier(
            TfidfNetwork.fit([r.text for r in train_records], seconds, labels, config.seed), config.inputs
        )
    from transformers import set_seed

    from pipeline.model.encoder import new_network
    from pipeline.training.fit import fine_tune

    set_seed(config.seed)  # the fresh head is drawn here
    network = new_network(config.encoder, config.inputs.max_tokens)
    if config.data.unlabelled:
        from pipeline.training.weak import weak_statements

        weak = weak_statements(config.data.unlabelled)
        fine_tune(network, config, weak, data["validation"], folder / "checkpoints" / "weak", log, epochs=1)
    return fine_tune(network, config, train_records, data["validation"], folder / "checkpoints", log)


def fingerprint(config: Config) -> str:
    """Digest of everything that decides a run's result: settings, corpus, code, library versions."""
    sha = hashlib.sha256()
    settings = config.model_dump(exclude={"name": True, "output": True, "tracking": True})
    # A run whose model was not registered cannot stand for one that registers it.
    settings["log_model"] = config.tracking.log_model
    sha.update(json.dumps(settings, sort_keys=True).encode())
    sha.update(corpus_splits.digest(Path(config.data.corpus)).encode())
    for path in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        sha.update(path.read_bytes())
    sha.update(" ".join(f"{name}={version(name)}" for name in LIBRARIES).encode())
    return sha.hexdigest()


def finished(config: Config) -> Path | None:
    """The newest finished run folder with this config's fingerprint."""
    wanted = fingerprint(config)
    for path in sorted(Path(config.output).glob("*/run.json"), key=lambda p: -p.stat().st_mtime):
        if json.loads(path.read_text(encoding="utf-8")).get("fingerprint") == wanted:
            return path.parent
    return None


def git_state() -> dict[str, Any]:
    """Commit of the working folder and whether it has uncommitted changes; empty outside of a repository."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit, "dirty": bool(changes.strip())}


def _recorded(log: Any, folder: Path) -> Any:
    """``log`` that also appends to ``curves.jsonl``, so that the folder is complete without a tracker."""

    def both(values: dict[str, float], step: int) -> None:
        with (folder / "curves.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"step": step, **values}) + "\n")
        log(values, step)

    return both


def _logits(classifier: Classifier, records: Sequence[LabelledStatement]) -> tuple[NDArray[np.float64], list[bool]]:
    with tqdm(total=len(records), desc="evaluating", unit=" statements", leave=False, disable=None) as bar:
        return classifier.logits(
            [r.text for r in records], [r.context for r in records], [r.title for r in records], bar.update
        )


def _calibrated(
    classifier: Classifier, logits: NDArray[np.float64], records: Sequence[LabelledStatement]
) -> NDArray[np.float64]:
    return classifier.calibrated(logits, [r.text for r in records])


def _metrics(records: Sequence[LabelledStatement], probabilities: NDArray[np.float64]) -> dict[str, Any]:
    labels = [r.label for r in records]
    result = metrics.evaluate(labels, probabilities)
    result["by_part"] = metrics.by_slice(labels, probabilities, [r.part for r in records])
    result["by_construction"] = metrics.by_slice(labels, probabilities, [r.construction for r in records])
    result["by_domain"] = metrics.by_slice(labels, probabilities, [r.domain for r in records])
    return result


def _write_predictions(
    folder: Path, records: Sequence[LabelledStatement], probabilities: NDArray[np.float64], windowed: list[bool]
) -> None:
    rows = []
    for record, p, long in zip(records, probabilities, windowed, strict=True):
        rows.append(
            {
                "id": record.id, "text": record.text, "context": record.context, "label": record.label,
                "predicted": LABELS[int(p.argmax())], "construction": record.construction, "domain": record.domain,
                **{f"p_{name}": round(float(value), 6) for name, value in zip(LABELS, p, strict=True)},
                "windowed": long,
            }
        )  # fmt: skip
    write_jsonl(folder / "predictions.jsonl", rows)
    wrong = [row for row in rows if row["label"] != row["predicted"]]
    write_jsonl(folder / "errors.jsonl", sorted(wrong, key=lambda row: -row[f"p_{row['predicted']}"]))


def _calibration(config: Config) -> str:
    said = []
    if config.calibration.news_shares:
        shares = ", ".join(f"{share:.0%} {label}" for label, share in NEWS_SHARES.items())
        said.append(f"expects the usual shares of news ({shares}), not those of its training data")
    if config.calibration.lexicon:
        said.append(f"is mixed with the vote of a lexicon of French cue words, weight {config.calibration.lexicon}")
    return f"- Its probability {'; it '.join(said)}.\n" if said else ""


def model_card(config: Config, result: dict[str, Any], run: dict[str, Any]) -> str:
    """A short model card in Markdown (Mitchell et al. 2019, arXiv:1810.03993)."""
    test = result["test"]
    what = {
        "cues": "a lexicon of French cue words with negation (no training)",
        "tfidf": "TF-IDF of words and characters with logistic regression",
        "encoder": f"the encoder `{config.encoder.source}`, fine-tuned",
    }[config.model]
    if config.model == "encoder" and config.encoder.source == "embedded":
        what += " (the embedded French encoder: CamemBERT architecture, 35 M parameters, not the hub's CamemBERT)"
    rows = "\n".join(
        f"| {label} | {s['precision']:.3f} | {s['recall']:.3f} | {s['f1']:.3f} | {s['support']} |"
        for label, s in test["per_class"].items()
    )
    commit = run["git"].get("commit", "unknown")[:12] + (" with changes" if run["git"].get("dirty") else "")
    sizes = ", ".join(f"{count} {split}" for split, count in run["sizes"].items())
    return f"""# {config.name}

Labels a statement of a French news article `accusation`, `denial` or `neutral`. It is {what}.

- Reads: the statement{", with the statement before as second segment" if config.inputs.context else " alone"}.
- Data: {sizes} statements, digest `{run["dataset_digest"][:12]}`; invented articles, labelled by language models to the
  guideline in `data/GUIDELINE.md`.
{_calibration(config)}- Code: commit `{commit}`.

## Test split (n = {test["n"]}, macro-F1 {test["macro_f1"]:.3f}, calibration error {test["calibration_error"]:.3f})

| label | precision | recall | F1 | statements |
| --- | --- | --- | --- | --- |
{rows}

## Limits

The label says what a statement does with an allegation, not whether the allegation is true. The test split is invented
text of the same kind as the training data; on real news expect less. Not for decisions about persons.
"""
