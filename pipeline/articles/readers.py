"""Articles out of files: plain text, HTML, JSONL, CSV, Parquet; single files, folders or globs.

Readers stream, and never raise for a bad record: it becomes a :class:`Reject` with its place and reason.
"""

import csv
import glob
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.articles.html import read_html
from pipeline.errors import StanceError
from pipeline.records import Article, Reject

SUFFIXES = (".txt", ".html", ".htm", ".jsonl", ".csv", ".parquet")


class InputError(StanceError):
    """The inputs as a whole cannot be read: nothing is there, or no such kind of file."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the fields that hold an article in JSONL, CSV and Parquet; only ``text`` must be there."""

    text: str = "text"
    id: str = "id"
    title: str = "title"
    date: str = "date"
    url: str = "url"


def find_files(inputs: list[str]) -> list[Path]:
    """Files named by paths, folders (searched through) and globs, each once, in a stable order.

    Raises:
        InputError: A path or glob matches nothing, or a named file is of no known kind.
    """
    found: dict[Path, None] = {}
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            matches = [p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix.lower() in SUFFIXES]
            if not matches:
                raise InputError(f"{name}: no article files in this folder (looked for {', '.join(SUFFIXES)}).")
        elif path.is_file():
            matches = [path]
        else:
            matches = [Path(p) for p in sorted(glob.glob(name, recursive=True)) if Path(p).is_file()]  # noqa: PTH207
            if not matches:
                raise InputError(f"{name}: no such file or folder, and as a glob it matches nothing.")
        for match in matches:
            if match.suffix.lower() not in SUFFIXES:
                raise InputError(f"{match}: unknown kind of file; known are {', '.join(SUFFIXES)}.")
            found.setdefault(match)
    return list(found)


def read_articles(files: list[Path], columns: Columns | None = None) -> Iterator[Article | Reject]:
    """Every article of ``files`` in order, and a :class:`Reject` for everything that is not one.

    Ids come from the records or, where there are none, from the file's name and line; a second article with the same id
    is set aside.
    """
    columns = columns or Columns()
    places: dict[str, str] = {}
    for path in files:
        for item in _read(path, columns):
            if isinstance(item, Article):
                if not item.text.strip():
                    item = Reject(item.source, "the article has no text", item.id)
                elif item.id in places:
                    item = Reject(item.source, f"duplicate id, first seen at {places[item.id]}", item.id)
                else:
                    places[item.id] = item.source
            yield item


def _read(path: Path, columns: Columns) -> Iterator[Article | Reject]:
    try:
        if path.suffix.lower() == ".parquet":
            yield from _read_parquet(path, columns)
            return
        if path.stat().st_size == 0:
            yield Reject(str(path), "the file is empty")
        elif path.suffix.lower() == ".jsonl":
            yield from _read_jsonl(path, columns)
        elif path.suffix.lower() == ".csv":
            yield from _read_csv(path, columns)
        else:
            text = _decode(path.read_bytes())
            yield _read_text(path, text) if path.suffix.lower() == ".txt" else read_html(path, text)
    except _BadBytesError as error:
        yield Reject(str(path), str(error))
    except OSError as error:
        yield Reject(str(path), f"cannot be read: {error.strerror or error}")


class _BadBytesError(Exception):
    pass


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BadBytesError(
            f"not UTF-8 text (byte {error.start} is 0x{raw[error.start]:02x}); if it is Latin-1 or Windows text, "
            "convert it: iconv -f windows-1252 -t utf-8"
        ) from error
    if "\x00" in text:
        raise _BadBytesError(f"holds a NUL byte (at {raw.index(0)}): not a text file")
    return text


def _read_text(path: Path, text: str) -> Article:
    """The file is the article; a first paragraph that looks like a headline is also its title."""
    first, gap, _rest = text.strip().partition("\n\n")
    is_title = bool(gap) and len(first) <= 200 and "\n" not in first and not first.endswith((".", "…", "»", '"'))
    return Article(id=path.stem, text=text, title=first if is_title else "", source=str(path))


def _read_jsonl(path: Path, columns: Columns) -> Iterator[Article | Reject]:
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            where = f"{path}:{number}"
            if not raw.strip():
                continue
            try:
                record = json.loads(_decode(raw))
            except _BadBytesError as error:
                yield Reject(where, str(error))
            except json.JSONDecodeError as error:
                yield Reject(where, f"broken JSON: {error.msg} at column {error.colno}")
            except RecursionError:
                yield Reject(where, "broken JSON: nested too deeply")
            else:
                yield _article(record, columns, where, f"{path.stem}-{number}")


def _read_csv(path: Path, columns: Columns) -> Iterator[Article | Reject]:
    csv.field_size_limit(2**31 - 1)
    rows = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            sample = lines.read(8192)
            lines.seek(0)
            header = sample.split("\n", 1)[0]
            delimiter = max(",;\t", key=header.count)
            reader = csv.DictReader(lines, delimiter=delimiter)
            if columns.text not in (reader.fieldnames or []):
                yield Reject(
                    f"{path}:1",
                    f"no column {columns.text!r}; columns here are {', '.join(reader.fieldnames or [])}. "
                    "Name the right one with --text-column",
                )
                return
            for record in reader:
                rows += 1
                yield _article(record, columns, f"{path}:{reader.line_num}", f"{path.stem}-{rows}")
    except UnicodeDecodeError as error:
        yield Reject(
            str(path), f"not UTF-8 text after row {rows} ({error.reason}); convert it: iconv -f windows-1252 -t utf-8"
        )
    except csv.Error as error:
        yield Reject(str(path), f"broken CSV after row {rows}: {error}")


def _read_parquet(path: Path, columns: Columns) -> Iterator[Article | Reject]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        if columns.text not in names:
            yield Reject(str(path), f"no column {columns.text!r}; columns here are {', '.join(names)}")
            return
        wanted = [
            name for name in (columns.text, columns.id, columns.title, columns.date, columns.url) if name in names
        ]
        row = 0
        for batch in file.iter_batches(batch_size=256, columns=wanted):
            for record in batch.to_pylist():
                row += 1
                yield _article(record, columns, f"{path}:{row}", f"{path.stem}-{row}")
    except pa.ArrowInvalid as error:
        yield Reject(str(path), f"not a readable Parquet file: {error}")


def _article(record: Any, columns: Columns, where: str, fallback_id: str) -> Article | Reject:
    if not isinstance(record, Mapping):
        return Reject(where, f"expected an object with fields, found {type(record).__name__}")
    identity = str(record.get(columns.id) or fallback_id)
    text = record.get(columns.text)
    if columns.text not in record:
        fields = ", ".join(map(str, record)) or "none"
        return Reject(where, f"no field {columns.text!r}; fields here are {fields}", identity)
    if text is not None and not isinstance(text, str):
        return Reject(where, f"field {columns.text!r} is {type(text).__name__}, expected text", identity)
    if text and "\x00" in text:
        return Reject(where, f"field {columns.text!r} holds a NUL byte", identity)

    def value(name: str) -> str:
        return str(record.get(name) or "")

    title, date, url = value(columns.title), value(columns.date), value(columns.url)
    return Article(id=identity, text=text or "", title=title, date=date, url=url, source=where)
