"""An experiment: several configs and overrides, each with several seeds, compared in one table."""

import hashlib
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.config import Config, ConfigError
from pipeline.config import load as load_config
from pipeline.corpus.schema import read_labelled, write_json
from pipeline.evaluation.metrics import evaluate
from pipeline.labels import LABELS
from pipeline.model.classifier import load as load_classifier


class Arm(BaseModel):
    """One row of the comparison: a config file and what differs from it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$")  # MLflow takes no other characters in a metric
    config: str
    overrides: list[str] = []


class Experiment(BaseModel):
    """A file under ``experiments/``.

    Attributes:
        question: What the experiment is to answer; printed above its table.
        arms: The rows of the comparison.
        seeds: Each arm is trained once with each; the table shows means and the spread.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(min_length=1)
    question: str
    arms: list[Arm] = Field(min_length=1)
    seeds: list[int] = [1]

    @model_validator(mode="after")
    def _no_repeats(self) -> "Experiment":
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError("two arms have one name, or a seed stands twice")
        return self

    def configs(self, overrides: list[str]) -> list[tuple[Arm, Config]]:
        """Every run of the experiment, checked; ``overrides`` apply to all of them."""
        for override in overrides:
            if override.split("=")[0] in ("name", "seed"):
                raise ConfigError(f"{override}: an experiment sets name and seed itself; change its file.")
        runs = []
        for arm, seed in product(self.arms, self.seeds):
            name = f"{arm.name}-seed{seed}" if len(self.seeds) > 1 else arm.name
            # Only the main command's model is registered; an experiment would flood the registry with versions.
            fixed = [f"name={name}", f"seed={seed}", "tracking.log_model=false"]
            runs.append((arm, load_config(Path(arm.config), [*arm.overrides, *fixed, *overrides])))
        return runs


@dataclass(frozen=True, slots=True)
class Row:
    """Mean and range over the seeds of one arm, on the test split; ``also`` has mean macro-F1 on other files."""

    name: str
    runs: int
    macro_f1: float
    spread: float
    per_class_f1: dict[str, float]
    also: dict[str, float]
    seconds: float


def load_experiment(path: Path) -> Experiment:
    """Load and check an experiment file.

    Raises:
        ConfigError: The file cannot be read or has a wrong key.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Experiment.model_validate(values)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except ValidationError as error:
        allowed = {"top": list(Experiment.model_fields), "arms": list(Arm.model_fields)}
        problems = "\n".join(f"  {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{path}: {error.error_count()} problem(s); allowed keys: {allowed}\n{problems}") from error


def evaluate_on(folder: Path, file: Path) -> float:
    """Macro-F1 of a finished run's model on a labelled file; kept in the run folder, and read from there next time.

    Raises:
        CorpusError: The file has a wrong record.
    """
    kept = folder / "evaluations" / f"{file.stem}.json"
    records = read_labelled(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if kept.is_file() and (known := json.loads(kept.read_text(encoding="utf-8")))["sha256"] == digest:
        return float(known["macro_f1"])
    classifier = load_classifier(folder / "model")
    predictions = classifier.predict(
        [r.text for r in records], [r.context for r in records], [r.title for r in records]
    )
    metrics = evaluate([r.label for r in records], predictions.probabilities)
    write_json(kept, {"sha256": digest, **metrics})
    return float(metrics["macro_f1"])


def compare(folders: dict[str, list[Path]], also: Sequence[Path] = ()) -> list[Row]:
    """One row an arm from its finished run folders, best macro-F1 on the test split first."""
    rows = []
    for name, runs in folders.items():
        tests: list[dict[str, Any]] = [json.loads((run / "metrics.json").read_text())["test"] for run in runs]
        scores = [test["macro_f1"] for test in tests]
        rows.append(
            Row(
                name=name,
                runs=len(runs),
                macro_f1=statistics.mean(scores),
                spread=max(scores) - min(scores),
                per_class_f1={label: statistics.mean(t["per_class"][label]["f1"] for t in tests) for label in LABELS},
                also={file.stem: statistics.mean(evaluate_on(run, file) for run in runs) for file in also},
                seconds=statistics.median(json.loads((run / "run.json").read_text())["seconds"] for run in runs),
            )
        )
    return sorted(rows, key=lambda row: -row.macro_f1)


def markdown(plan: Experiment, rows: list[Row]) -> str:
    """The comparison as a Markdown table."""
    head = f"### {plan.name}\n\n{plan.question}\n\n"
    others = list(rows[0].also) if rows else []
    names = ["runs", "macro-F1", "max - min", *(f"F1 {label}" for label in LABELS), *others, "seconds"]
    head += f"| arm | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}\n"
    lines = [
        f"| {row.name} | {row.runs} | {row.macro_f1:.3f} | {row.spread:.3f} | "
        + " | ".join(f"{score:.3f}" for score in [*(row.per_class_f1[label] for label in LABELS), *row.also.values()])
        + f" | {row.seconds:.0f} |"
        for row in rows
    ]
    return head + "\n".join(lines) + "\n"
