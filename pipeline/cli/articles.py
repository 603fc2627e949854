"""Commands on articles: segment them, score them."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.common import CHAMPION, REJECTED, Inputs, ModelRef, TrackingUri, err, open_classifier, out
from pipeline.errors import StanceError


class TableFormat(StrEnum):
    """Formats of the scored tables."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"


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
        table = Table(title=escape(f"{item.id}  {item.title}"), title_justify="left")
        for name in ("start", "end"):
            table.add_column(name, justify="right")
        table.add_column("kind")
        table.add_column("text")
        for row in rows:
            kind = "" if row["kind"] == "statement" else f"[dim]{row['kind']}[/]"
            table.add_row(str(row["start"]), str(row["end"]), kind, escape(row["text"]))
        out.print(table)
    return REJECTED if rejected else 0


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
    classifier = open_classifier(model, tracking_uri)
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

    path, ids = folder / f"statements.{format}", {"article_id": str}  # "007" is an id, not a number
    if format == "parquet":
        table = pd.read_parquet(path)
    elif format == "csv":
        table = pd.read_csv(path, dtype=ids, keep_default_na=False)
    else:
        table = pd.read_json(path, lines=True, dtype=ids)
    own = table[table["article_id"].astype(str) == article_id]
    if own.empty:
        err.print(f"--show: no article {article_id!r} in the result.")
        return
    print_article(
        out,
        str(own["title"].iloc[0] or article_id),
        [{str(k): v for k, v in row.items()} for row in own.to_dict("records")],
    )
