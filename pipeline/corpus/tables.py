"""Statements of anybody's tables: JSONL, CSV or Parquet, one row a statement. A bad row becomes a :class:`Reject`."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.corpus.schema import CorpusError
from pipeline.records import Reject

SUFFIXES = (".jsonl", ".csv", ".parquet")


def table_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]] | Reject]:
    """Place (``file:line``) and fields of each row; empty cells are left out.

    Raises:
        CorpusError: The file as a whole cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CorpusError(f"{path}: unknown kind of file; known are {', '.join(SUFFIXES)}.")
    try:
        if suffix == ".parquet":
            yield from _parquet_rows(path)
            return
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}: not UTF-8 text (byte {error.start}). Convert it, e.g.: iconv -f windows-1252 -t utf-8 {path.name}"
        ) from error
    if not text.strip():
        raise CorpusError(f"{path}: the file is empty.")
    yield from jsonl_rows(str(path), text) if suffix == ".jsonl" else _csv_rows(path, text)


def jsonl_rows(name: str, text: str) -> Iterator[tuple[str, dict[str, Any]] | Reject]:
    """Place and fields of each line of JSONL text; ``name`` is the file's, for places."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            yield Reject(where, f"broken JSON: {error.msg} at column {error.colno}")
            continue
        if isinstance(row, dict):
            yield where, _filled(row)
        else:
            yield Reject(where, f"expected an object with fields, found {type(row).__name__}")


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]] | Reject]:
    csv.field_size_limit(2**31 - 1)
    header = text.split("\n", 1)[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row:
                yield Reject(where, "more cells than the header has columns; is a quotation mark missing?")
            else:
                yield where, _filled(row)
    except csv.Error as error:
        yield Reject(f"{path}:{reader.line_num}", f"broken CSV, the rest is not read: {error}")


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]] | Reject]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except pa.ArrowInvalid as error:
        raise CorpusError(f"{path}: not a readable Parquet file: {error}") from error
    for number, row in enumerate(rows, 1):
        yield f"{path}:{number}", _filled(row)


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value not in (None, "")}
