"""What the commands share: consoles, options, opening a model, progress, what was set aside."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.errors import StanceError

if TYPE_CHECKING:  # the import costs pyarrow, which most commands do not need
    from pipeline.records import Reject

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


def use_store(tracking_uri: str | None) -> None:
    """Turn to the given MLflow store, else that of the environment, else the default."""
    from pipeline.config import check
    from pipeline.tracking.runs import connect

    overrides = [f"tracking.uri={tracking_uri}"] if tracking_uri else []
    if tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    connect(check({"name": "none"}, "default", overrides))


def open_classifier(model: str, tracking_uri: str | None) -> Any:
    """A classifier by reference; a plain folder needs no tracking store, nor the time to import one."""
    if Path(model).is_dir():
        from pipeline.model.classifier import load

        folder = Path(model)
        return load(folder / "model" if (folder / "model" / "stance.json").is_file() else folder)
    if "/" in model and not model.startswith(("models:", "runs:")):
        raise StanceError(f"{model}: no such model folder.")
    from pipeline.tracking.registry import open_model

    use_store(tracking_uri)
    with err.status("loading the model"):
        return open_model(model)


@contextmanager
def progress(what: str, total: int) -> Iterator[Any]:
    """A bar on stderr; yields what advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=total)
        yield lambda n: progress.advance(task, n)


def set_aside(rejects: "Sequence[Reject]", path: Path) -> int:
    """Write what was set aside, say why, and give the exit code."""
    from pipeline.corpus.schema import write_jsonl

    if not rejects:
        return 0
    write_jsonl(path, [{"source": r.source, "reason": r.reason, "id": r.article_id} for r in rejects])
    err.print(f"{len(rejects)} rows were set aside, see {path}:")
    for reason, times in Counter(r.reason for r in rejects).most_common(10):
        err.print(f"  {times} x {escape(reason)}")
    return REJECTED
