"""How widely the statements of each label are spread: over events, domains, constructions, genres, roles and words."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.corpus.checks import Pair, near_pairs
from pipeline.corpus.schema import LabelledStatement
from pipeline.labels import LABELS
from pipeline.typography import normalise

Cues = Callable[[str], Collection[str]]
"""The labels whose cue words stand in a text of normalised typography."""

WINDOW_WORDS = 1000
"""The type-token ratio is that of stretches of so many words: that of a whole corpus falls with its size."""


@dataclass(frozen=True, slots=True)
class LabelSpread:
    """The spread of one label's statements, or of ``all``.

    Attributes:
        events: Distinct values, as in the next four.
        roles: Statements without a role count as none.
        words: Words a statement, at 10, 50 and 90 %.
        other_cues: Share of the statements that carry a cue word of a label that is not theirs.
        type_token_ratio: Distinct words to words, mean over stretches of :data:`WINDOW_WORDS`.
    """

    label: str
    statements: int
    events: int
    domains: int
    constructions: int
    genres: int
    roles: int
    words: tuple[int, int, int]
    other_cues: float
    type_token_ratio: float

    def row(self) -> dict[str, str]:
        """The cells of a table's row by the names of their columns."""
        return {
            "label": self.label,
            "statements": str(self.statements),
            "events": str(self.events),
            "domains": str(self.domains),
            "constructions": str(self.constructions),
            "genres": str(self.genres),
            "roles": str(self.roles),
            "words 10/50/90 %": "/".join(map(str, self.words)),
            "other label's cue": f"{self.other_cues:.0%}",
            "type-token ratio": f"{self.type_token_ratio:.2f}",
        }


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of each label that occurs, then of all statements, and the most similar statements of all."""

    labels: list[LabelSpread]
    nearest: list[Pair]


def spread(records: Sequence[LabelledStatement], cues: Cues, pairs: int = 10) -> Spread:
    """How widely a corpus is spread.

    Args:
        records: Statements, of all splits together.
        cues: Tells the labels whose cue words stand in a text.
        pairs: Number of nearest pairs.
    """
    own = {label: [record for record in records if record.label == label] for label in LABELS}
    rows = [_label_spread(label, some, cues) for label, some in [*own.items(), ("all", records)] if some]
    return Spread(rows, near_pairs(records, limit=pairs))


def _label_spread(label: str, records: Sequence[LabelledStatement], cues: Cues) -> LabelSpread:
    texts = [normalise(record.text) for record in records]
    low, middle, high = np.percentile([len(text.split()) for text in texts], [10, 50, 90])
    return LabelSpread(
        label=label,
        statements=len(records),
        events=len({record.event for record in records}),
        domains=len({record.domain for record in records}),
        constructions=len({record.construction for record in records}),
        genres=len({record.genre for record in records}),
        roles=len({record.role for record in records} - {""}),
        words=(round(low), round(middle), round(high)),
        other_cues=sum(
            any(cue != record.label for cue in cues(text)) for record, text in zip(records, texts, strict=True)
        )
        / len(records),
        type_token_ratio=_type_token_ratio(" ".join(texts).lower().split()),
    )


def _type_token_ratio(words: Sequence[str]) -> float:
    """The mean ratio over whole stretches of :data:`WINDOW_WORDS`, or that of all words where there are fewer."""
    last = max(1, len(words) - WINDOW_WORDS + 1)
    stretches = [words[start : start + WINDOW_WORDS] for start in range(0, last, WINDOW_WORDS)]
    return float(np.mean([len(set(stretch)) / len(stretch) for stretch in stretches]))
