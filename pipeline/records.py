"""What travels through the pipeline: articles, statements, residue, rejects and scored statements."""

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it was read.

    Attributes:
        id: Unique in its batch.
        text: The body. Offsets of statements and residue point into this string.
        headings: Spans of ``text`` known to be headings because the source marked them up (HTML).
        source: Where it came from, for messages: ``file`` or ``file:line``.
    """

    id: str
    text: str
    title: str = ""
    date: str = ""
    url: str = ""
    source: str = ""
    headings: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, or one direct quotation with its attributing clause; ``article.text[start:end] == text``."""

    article_id: str
    index: int
    start: int
    end: int
    text: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Residue:
    """A web leftover that is not a statement; ``article.text[start:end] == text``."""

    article_id: str
    start: int
    end: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Reject:
    """An input that was set aside, with the reason."""

    source: str
    reason: str
    article_id: str = ""


@dataclass(frozen=True, slots=True)
class ScoredStatement:
    """A statement with its stance. Probabilities follow the order of :data:`pipeline.labels.LABELS`."""

    statement: Statement
    title: str
    label: str
    probabilities: tuple[float, float, float]
    model: str
    flags: tuple[str, ...] = field(default=())

    def row(self) -> dict[str, object]:
        """The row of the statements table; its columns are :data:`STATEMENT_SCHEMA`."""
        accusation, denial, neutral = self.probabilities
        return {
            "article_id": self.statement.article_id,
            "title": self.title,
            "statement_index": self.statement.index,
            "start": self.statement.start,
            "end": self.statement.end,
            "text": self.statement.text,
            "label": self.label,
            "p_accusation": accusation,
            "p_denial": denial,
            "p_neutral": neutral,
            "confidence": max(self.probabilities),
            "flags": list(self.flags),
            "model": self.model,
        }


STATEMENT_SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("title", pa.string()),
        ("statement_index", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("p_accusation", pa.float32()),
        ("p_denial", pa.float32()),
        ("p_neutral", pa.float32()),
        ("confidence", pa.float32()),
        ("flags", pa.list_(pa.string())),
        ("model", pa.string()),
    ]
)

ARTICLE_SCHEMA = pa.schema(
    [
        ("article_id", pa.string()),
        ("title", pa.string()),
        ("date", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("statements", pa.int32()),
        ("accusations", pa.int32()),
        ("denials", pa.int32()),
        ("neutrals", pa.int32()),
        ("share_accusation", pa.float32()),
        ("share_denial", pa.float32()),
        ("top_accusation", pa.string()),
        ("top_accusation_p", pa.float32()),
        ("top_denial", pa.string()),
        ("top_denial_p", pa.float32()),
        ("flags", pa.list_(pa.string())),
        ("model", pa.string()),
    ]
)
