"""Scores a stream of articles on this machine into tables; memory does not grow with the corpus."""

import csv
import errno
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import py3langid
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.articles.segmentation import segment
from pipeline.errors import StanceError
from pipeline.labels import Stance
from pipeline.model.classifier import Classifier
from pipeline.records import ARTICLE_SCHEMA, STATEMENT_SCHEMA, Article, Reject, ScoredStatement

Format = Literal["parquet", "jsonl", "csv"]

_CHUNK_ARTICLES = 64
_LANGUAGE_SAMPLE = 2000
"""Characters by which the language of an article is told."""


class ScoringError(StanceError):
    """The output cannot be written."""


@dataclass
class Summary:
    """What a scoring run did; ``run.json`` holds it."""

    articles: int = 0
    statements: int = 0
    rejects: int = 0
    reject_reasons: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def score(
    articles: Iterable[Article | Reject],
    classifier: Classifier,
    out: Path,
    format: Format = "parquet",
    on_article: Callable[[Article | Reject, int], None] = lambda article, statements: None,
) -> Summary:
    """Score a stream of articles into ``statements``, ``articles``, ``rejects.jsonl`` and ``run.json`` under ``out``.

    Tables get their final names only when the run is complete.

    Args:
        articles: From :func:`pipeline.articles.readers.read_articles`.
        classifier: Any model of this project.
        out: Output folder; tables of an earlier run in it are replaced.
        format: Of the two tables.
        on_article: Called after each article or reject, with its number of statements.

    Raises:
        ScoringError: The output cannot be written (no space left, no permission).
    """
    summary, started = Summary(), time.time()
    temporary: list[tuple[Path, Path]] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:

            def table(name: str, schema: pa.Schema) -> _Table:
                final = out / f"{name}.{format}"
                partial = out / f".{final.name}.partial"
                temporary.append((partial, final))
                writer = _WRITERS[format](partial, schema)
                stack.callback(writer.close)
                return writer

            statement_table = table("statements", STATEMENT_SCHEMA)
            article_table = table("articles", ARTICLE_SCHEMA)
            reject_path = out / ".rejects.jsonl.partial"
            temporary.append((reject_path, out / "rejects.jsonl"))
            reject_file = stack.enter_context(reject_path.open("w", encoding="utf-8"))
            for chunk in _chunks(articles, _CHUNK_ARTICLES):
                good = [item for item in chunk if isinstance(item, Article)]
                scored = _score_chunk(good, classifier)
                statement_table.write([s.row() for statements in scored for s in statements])
                article_table.write([_article_row(a, s, classifier.name) for a, s in zip(good, scored, strict=True)])
                by_id = dict(zip((a.id for a in good), scored, strict=True))
                for item in chunk:
                    if isinstance(item, Reject):
                        reject = {"source": item.source, "article_id": item.article_id, "reason": item.reason}
                        reject_file.write(json.dumps(reject, ensure_ascii=False) + "\n")
                        summary.rejects += 1
                        summary.reject_reasons[item.reason.split(":")[0].split(",")[0]] += 1
                        on_article(item, 0)
                    else:
                        own = by_id[item.id]
                        summary.articles += 1
                        summary.statements += len(own)
                        summary.labels.update(s.label for s in own)
                        summary.flags.update(flag for s in own for flag in s.flags)
                        on_article(item, len(own))
        summary.seconds = time.time() - started
        for partial, final in temporary:
            partial.replace(final)
        _write_run(out, classifier, format, summary)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise
        raise ScoringError(
            f"{out}: cannot write the tables: {error.strerror}. Nothing half-written was kept."
        ) from error
    finally:
        for partial, _final in temporary:
            partial.unlink(missing_ok=True)
    return summary


def is_french(text: str) -> bool:
    """Whether a text reads as French; too short ones count as French."""
    sample = text[:_LANGUAGE_SAMPLE]
    return len(sample) < 40 or py3langid.classify(sample)[0] == "fr"


def _score_chunk(articles: list[Article], classifier: Classifier) -> list[list[ScoredStatement]]:
    segmented = [segment(article)[0] for article in articles]
    everything = [(article, s) for article, own in zip(articles, segmented, strict=True) for s in own]
    predictions = classifier.predict(
        [s.text for _, s in everything], [s.context for _, s in everything], [a.title for a, _ in everything]
    )
    foreign = {article.id for article in articles if not is_french(article.text)}
    scored: dict[str, list[ScoredStatement]] = {article.id: [] for article in articles}
    for (article, statement), p, label, long in zip(
        everything, predictions.probabilities, predictions.labels, predictions.windowed, strict=True
    ):
        flags = (("not_french",) if article.id in foreign else ()) + (("windowed",) if long else ())
        accusation, denial, neutral = (float(value) for value in p)
        scored[article.id].append(
            ScoredStatement(statement, article.title, label, (accusation, denial, neutral), classifier.name, flags)
        )
    return [scored[article.id] for article in articles]


def _article_row(article: Article, scored: list[ScoredStatement], model: str) -> dict[str, Any]:
    counts = Counter(s.label for s in scored)
    n = len(scored)
    row: dict[str, Any] = {
        "article_id": article.id,
        "title": article.title,
        "date": article.date,
        "url": article.url,
        "source": article.source,
        "statements": n,
        "accusations": counts[Stance.ACCUSATION],
        "denials": counts[Stance.DENIAL],
        "neutrals": counts[Stance.NEUTRAL],
        "share_accusation": counts[Stance.ACCUSATION] / n if n else 0.0,
        "share_denial": counts[Stance.DENIAL] / n if n else 0.0,
        "flags": sorted({flag for s in scored for flag in s.flags} | (set() if n else {"no_statements"})),
        "model": model,
    }
    for stance in (Stance.ACCUSATION, Stance.DENIAL):
        own = [s for s in scored if s.label == stance]
        top = max(own, key=lambda s: s.probabilities[stance.id], default=None)
        row[f"top_{stance}"] = top.statement.text if top else None
        row[f"top_{stance}_p"] = top.probabilities[stance.id] if top else None
    return row


def _write_run(out: Path, classifier: Classifier, format: Format, summary: Summary) -> None:
    run = {
        "model": classifier.name,
        "kind": classifier.network.kind,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": format,
        "articles": summary.articles,
        "statements": summary.statements,
        "rejects": summary.rejects,
        "labels": dict(summary.labels),
        "flags": dict(summary.flags),
        "seconds": round(summary.seconds, 2),
    }
    partial = out / ".run.json.partial"
    partial.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(out / "run.json")


def _chunks(items: Iterable[Article | Reject], size: int) -> Iterator[list[Article | Reject]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


class _Table(Protocol):
    def __init__(self, path: Path, schema: pa.Schema) -> None: ...

    def write(self, rows: list[dict[str, Any]]) -> None: ...

    def close(self) -> None: ...


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema, self.writer = schema, pq.ParquetWriter(path, schema)

    def write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.writer.write_table(pa.Table.from_pylist(rows, schema=self.schema))

    def close(self) -> None:
        self.writer.close()


class _Jsonl:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.names, self.file = schema.names, path.open("w", encoding="utf-8")

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.file.write(json.dumps({name: row[name] for name in self.names}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self.file.close()


class _Csv:
    """Flags are joined by ``|``."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.names, self.file = schema.names, path.open("w", encoding="utf-8", newline="")
        self.writer = csv.writer(self.file)
        self.writer.writerow(self.names)

    def write(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            cells = [row[name] for name in self.names]
            self.writer.writerow(["|".join(cell) if isinstance(cell, list) else cell for cell in cells])

    def close(self) -> None:
        self.file.close()


_WRITERS: dict[Format, type[_Table]] = {"parquet": _Parquet, "jsonl": _Jsonl, "csv": _Csv}
