"""Commands on training runs and their models: train, compare, evaluate, promote, send again."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.common import (
    CHAMPION,
    REJECTED,
    ModelRef,
    Overrides,
    TrackingUri,
    err,
    open_classifier,
    out,
    progress,
    use_store,
)
from pipeline.errors import StanceError


def train(
    config: Annotated[Path, typer.Argument(help="A file under configs/", show_default=False)],
    overrides: Overrides = None,
    resume: Annotated[Path | None, typer.Option(help="Run folder of an interrupted training to go on with")] = None,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take a finished run with the same settings, data and code")
    ] = False,
) -> int:
    """Train one model, evaluate it on the test split, and record the run in MLflow."""
    from pipeline.config import load

    if resume is not None:
        if overrides:
            raise StanceError("--resume goes on with the settings of the run; overrides cannot change them.")
        settings = load(resume / "config.yaml")
        if (resume / "run.json").is_file():
            raise StanceError(f"{resume}: this run is finished; there is nothing to resume.")
    else:
        settings = load(config, overrides)
    result = _train(settings, resume, reuse)
    if result is not None:
        _print_results({settings.name: result})
    return 0


def _train(settings: Any, resume: Path | None = None, reuse: bool = False, parent: str | None = None) -> Path | None:
    """Train in a tracked run; the run folder, or ``None`` on the helper processes of a distributed training."""
    from pipeline.training.recipe import finished
    from pipeline.training.recipe import train as run_recipe

    if reuse and (known := finished(settings)):
        err.print(f"{settings.name}: reusing {known}, trained with the same settings, data and code")
        return known
    stamp = os.environ.get("TORCHELASTIC_RUN_ID", "") and os.environ.get("MASTER_PORT", "")
    folder = resume or Path(settings.output) / f"{settings.name}-{datetime.now():%Y%m%d-%H%M%S}"
    if stamp:  # all processes of a distributed training must agree on one folder
        folder = resume or Path(settings.output) / f"{settings.name}-ddp-{stamp}"
    if int(os.environ.get("RANK", "0")) > 0:
        from pipeline.training.recipe import assist

        assist(settings, folder)
        return None
    from pipeline.tracking.runs import tracked

    err.print(f"{settings.name}: training into {folder}")
    with tracked(settings, folder, parent) as tracker:
        run_recipe(settings, folder, tracker.log)
    return folder


def _print_results(folders: dict[str, Path]) -> None:
    from pipeline.report import metrics_table

    results = {name: json.loads((folder / "metrics.json").read_text())["test"] for name, folder in folders.items()}
    out.print(metrics_table(results, "test split"))
    for name, metrics in results.items():
        if metrics["collapsed"]:
            err.print(
                f"[bold red]{name} predicts one label for every statement.[/] It has not learned: lower "
                "training.learning_rate (1e-4 learns, 3e-4 collapses), or train longer."
            )


def experiment(
    file: Annotated[Path, typer.Argument(help="A file under experiments/", show_default=False)],
    overrides: Overrides = None,
    register: Annotated[bool, typer.Option("--register", help="Log and register the models, too")] = False,
    result: Annotated[Path | None, typer.Option(help="Write the table as Markdown, too")] = None,
    also: Annotated[
        list[Path] | None, typer.Option("--also", help="Labelled file to evaluate every arm on, too; repeatable")
    ] = None,
) -> int:
    """Train several settings under one parent run and compare them; finished runs are reused."""
    from pipeline.corpus.schema import read_labelled
    from pipeline.tracking.runs import parent_run
    from pipeline.training.experiments import compare, load_experiment, markdown

    plan = load_experiment(file)
    for path in also or []:
        read_labelled(path)  # a wrong file is better known before hours of training than after
    if len({path.stem for path in also or []}) < len(also or []):
        raise StanceError("--also: two files of one name; the table could not tell them apart.")
    if result:
        result.parent.mkdir(parents=True, exist_ok=True)
    runs = plan.configs([*(overrides or []), f"tracking.log_model={str(register).lower()}"])
    folders: dict[str, list[Path]] = {arm.name: [] for arm, _ in runs}
    with parent_run(runs[0][1], plan.name, plan.question) as (parent, finish):
        for number, (arm, settings) in enumerate(runs, 1):
            err.print(f"[bold]{number}/{len(runs)} {settings.name}[/]")
            folder = _train(settings, reuse=True, parent=parent)
            if folder:
                folders[arm.name].append(folder)
        rows = compare(folders, also or [])
        text = markdown(plan, rows)
        if result:
            result.write_text(text, encoding="utf-8")
        finish(rows, text)
    _print_results({name: runs[-1] for name, runs in folders.items()})
    out.print(text, markup=False)
    return 0


def evaluate(
    file: Annotated[
        Path, typer.Argument(help="JSONL with text and label, optionally id, context, title", show_default=False)
    ],
    model: ModelRef = CHAMPION,
    output: Annotated[Path, typer.Option("--out", "-o", help="Receives predictions.jsonl and metrics.json")] = Path(
        "out"
    ),
    slices: Annotated[list[str] | None, typer.Option("--by", help="Field to report by, repeatable")] = None,
    cluster: Annotated[str, typer.Option(help="Field whose values are resampled for the interval")] = "",
    group: Annotated[str, typer.Option(help="Field of a contrast set: report the share of groups all right")] = "",
    tracking_uri: TrackingUri = None,
) -> int:
    """Evaluate a model on any labelled file."""
    from pipeline.corpus.schema import read_labelled, write_jsonl
    from pipeline.evaluation.metrics import all_right, by_slice, interval
    from pipeline.evaluation.metrics import evaluate as measure
    from pipeline.labels import LABELS
    from pipeline.report import metrics_table

    records = read_labelled(file)
    extra = [record.model_dump() for record in records]
    for field in [*(slices or []), *(name for name in (cluster, group) if name)]:
        if not any(row.get(field) for row in extra):
            raise StanceError(f"{file}: no record has a field {field!r}; fields here are {', '.join(extra[0])}")
    classifier = open_classifier(model, tracking_uri)
    with progress("statements", len(records)) as advance:
        predictions = classifier.predict(
            [r.text for r in records], [r.context for r in records], [r.title for r in records], advance
        )
    labels, p = [r.label for r in records], predictions.probabilities
    metrics = measure(labels, p)
    groups = [str(row.get(cluster) or i) for i, row in enumerate(extra)]
    metrics["macro_f1_interval"] = interval(labels, p, groups)
    if group:
        metrics["groups_all_right"] = all_right(labels, p, [str(row.get(group)) for row in extra])
    for name in slices or []:
        metrics[f"by_{name}"] = by_slice(labels, p, [str(row.get(name)) for row in extra])
    rows = [
        {
            **row,
            "predicted": predicted,
            **{f"p_{name}": round(float(x), 6) for name, x in zip(LABELS, values, strict=True)},
        }
        for row, predicted, values in zip(extra, predictions.labels, p, strict=True)
    ]
    write_jsonl(output / "predictions.jsonl", rows)
    (output / "metrics.json").write_text(
        json.dumps({"model": classifier.name, "file": str(file), **metrics}, indent=2) + "\n"
    )
    out.print(metrics_table({classifier.name: metrics}, str(file)))
    low, high = metrics["macro_f1_interval"]
    out.print(f"macro-F1 {metrics['macro_f1']:.3f}, 95 % interval {low:.3f} to {high:.3f}; written to {output}/")
    if group:
        out.print(f"groups with every statement right: {metrics['groups_all_right']:.1%}")
    for name in slices or []:
        for value, scores in metrics[f"by_{name}"].items():
            figures = f"macro-F1 {scores['macro_f1']:.3f}, accuracy {scores['accuracy']:.3f}"
            out.print(f"  {name}={value}: n {scores['n']}, {figures}")
    return 0


def promote(
    version: Annotated[
        str | None, typer.Argument(help="Version to promote; default the newest", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="Registered model")] = "stance",
    corpus: Annotated[Path, typer.Option(help="Corpus folder whose test split decides")] = Path("data/corpus"),
    force: Annotated[bool, typer.Option("--force", help="Promote even if it is worse")] = False,
    tracking_uri: TrackingUri = None,
) -> int:
    """Make a model version champion if it is not worse than the present one on the same test split."""
    from pipeline.corpus.schema import read_split
    from pipeline.evaluation.metrics import evaluate as measure
    from pipeline.report import metrics_table
    from pipeline.tracking import registry

    use_store(tracking_uri)
    candidate, present = version or registry.latest(name), registry.champion(name)
    if candidate == present:
        out.print(f"version {candidate} is the champion already")
        return 0
    records = read_split(corpus, "test")
    results = {}
    for number in [candidate, *([present] if present else [])]:
        classifier = registry.open_model(f"models:/{name}/{number}")
        with progress(f"version {number}", len(records)) as advance:
            p = classifier.predict(
                [r.text for r in records], [r.context for r in records], [r.title for r in records], advance
            ).probabilities
        role = "champion" if number == present else "candidate"
        results[f"{role}: version {number}, {classifier.name}"] = measure([r.label for r in records], p)
    out.print(metrics_table(results, f"{corpus}, test split"))
    scores = [metrics["macro_f1"] for metrics in results.values()]
    if len(scores) == 2 and scores[0] < scores[1] and not force:
        err.print(
            f"version {candidate} is worse than the champion (version {present}); --force promotes it all the same"
        )
        return REJECTED
    registry.set_champion(name, candidate)
    out.print(f"version {candidate} is champion now")
    return 0


def track(folder: Annotated[Path, typer.Argument(help="A finished run folder", show_default=False)]) -> int:
    """Send a finished run folder to MLflow, for instance after the tracking server was away."""
    from pipeline.tracking.runs import resend

    resend(folder)
    out.print(f"{folder} is recorded")
    return 0
