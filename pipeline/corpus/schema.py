"""One labelled statement as a JSONL record, and how files of them are read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import StanceError
from pipeline.labels import LABELS

Record = TypeVar("Record", bound=BaseModel)

GUIDELINE_VERSION = "1.3"
"""Version of ``data/GUIDELINE.md`` that labels must follow."""

SPLITS = ("train", "validation", "test")

Label = Literal["accusation", "denial", "neutral"]
Domain = Literal[
    "geopolitics", "war", "justice", "police", "national-politics", "local-politics", "business", "labour",
    "health", "environment", "sport", "science", "culture", "technology", "religion", "education", "agriculture",
    "transport",
]  # fmt: skip
Genre = Literal[
    "dispatch", "regional", "magazine", "tabloid", "broadcast", "press-release", "interview", "profile",
    "editorial", "court-report", "live-blog", "sports-report", "market-report", "science-page", "obituary",
    "listing", "fact-check",
]  # fmt: skip


class CorpusError(StanceError):
    """A labelled file has a wrong record; the message names file and line."""


class LabelledStatement(BaseModel):
    """A statement of the project's corpus.

    ``label`` is the settled label; ``first_label`` and ``second_label`` are those of two annotators who did not see
    each other's; ``""`` where one was not given yet. ``domain`` and ``genre`` are ``""`` where nobody stated them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    text: str = Field(min_length=1)
    context: str = ""
    title: str = ""
    label: Label
    first_label: Label | Literal[""] = ""
    second_label: Label | Literal[""] = ""
    ambiguous: bool = False
    event: str = Field(min_length=1)
    article: str = ""
    part: Literal["article", "hard"]
    construction: str = Field(min_length=1)
    domain: Domain | Literal[""] = ""
    genre: Genre | Literal[""] = ""
    role: str = ""
    guideline: str = GUIDELINE_VERSION


class GivenStatement(BaseModel):
    """A labelled statement of anybody's file: text and label, the rest optional, other fields kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True)

    text: str = Field(min_length=1)
    label: Label
    id: str = ""
    context: str = ""
    title: str = ""


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each non-empty line of a JSONL file.

    Raises:
        CorpusError: The file cannot be read, is not UTF-8, is empty, or a line is not a JSON object.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}: not UTF-8 text (byte {error.start}). Convert it, e.g.: iconv -f latin1 -t utf-8 {path.name}"
        ) from error
    if not any(line.strip() for line in lines):
        raise CorpusError(f"{path}: the file is empty.")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{path}:{number}: broken JSON ({error.msg} at column {error.colno}).") from error
        if not isinstance(value, dict):
            raise CorpusError(f"{path}:{number}: expected a JSON object, found {type(value).__name__}.")
        yield number, value


def read_split(corpus: Path, split: str) -> list[LabelledStatement]:
    """All records of one split of a corpus folder.

    Raises:
        CorpusError: Naming the first 20 wrong records by file, line and id.
    """
    return _validated(corpus / f"{split}.jsonl", LabelledStatement)


def read_labelled(path: Path) -> list[GivenStatement]:
    """All records of any labelled JSONL file; see :class:`GivenStatement`.

    Raises:
        CorpusError: Naming the first 20 wrong records by file, line and id.
    """
    return _validated(path, GivenStatement)


def _validated(path: Path, record: type[Record]) -> list[Record]:
    records, problems = [], []
    for number, value in json_lines(path):
        try:
            records.append(record.model_validate(value))
        except ValidationError as error:
            identity = f" (id {value['id']})" if value.get("id") else ""
            problems += [f"{path}:{number}{identity}: {explain(item)}" for item in error.errors()]
    if problems:
        more = f"\n... and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise CorpusError("\n".join(problems[:20]) + more)
    return records


def explain(item: Any) -> str:
    """One sentence for one error of pydantic."""
    key = ".".join(str(part) for part in item["loc"])
    if key == "label" and item["type"] == "literal_error":
        return f"label is {item['input']!r}, expected one of {', '.join(LABELS)}"
    if item["type"] == "missing":
        return f"{key} is missing"
    if item["type"] == "extra_forbidden":
        return f"{key} is not a field of the schema"
    return f"{key}: {item['msg']}, found {item['input']!r}"


def write_jsonl(path: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    """Write JSONL under a temporary name, then rename: a half-written file never has the final name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
