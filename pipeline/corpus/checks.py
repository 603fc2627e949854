"""Whether a corpus may be trained on: schema, duplicates, events on two sides, damage, guideline version."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.corpus.schema import GUIDELINE_VERSION, SPLITS, CorpusError, LabelledStatement, read_split
from pipeline.typography import normalise

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams at and above which two statements of different events are near-duplicates."""

SAME_EVENT = 0.9
"""The same for two statements of one event: follow-ups repeat names and quotations, but are not copies."""

NEAR_VECTORS = 0.99
"""Cosine of the embedded encoder's vectors at and above which statements of different events say nearly the same."""

# UTF-8 read as Latin-1 leaves such pairs; a lone replacement character is a lost letter.
DAMAGE = re.compile(r"Ã[©¨ªÂ«®´»§\u00a0¢¹]|â€[™œ\x9d“”¦]|Â[«»\u00a0°]|\ufffd|\x00|&(?:amp|nbsp|quot|eacute);")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two statements and their similarity (Jaccard of character 5-grams, 0 to 1)."""

    similarity: float
    first: LabelledStatement
    second: LabelledStatement


def check(corpus: Path) -> list[str]:
    """All problems of a corpus folder, each with file, line and id; empty when it may be used."""
    problems: list[str] = []
    splits: dict[str, list[LabelledStatement]] = {}
    for split in SPLITS:
        try:
            splits[split] = read_split(corpus, split)
        except CorpusError as error:
            problems.append(str(error))
    seen_ids: dict[str, str] = {}
    sides: dict[str, dict[str, str]] = defaultdict(dict)
    texts: dict[str, str] = {}
    for split, records in splits.items():
        for line, record in enumerate(records, 1):
            where = f"{corpus / split}.jsonl:{line} (id {record.id})"
            if record.id in seen_ids:
                problems.append(f"{where}: this id also stands at {seen_ids[record.id]}")
            seen_ids[record.id] = where
            sides[record.event].setdefault(split, where)
            if not record.text.strip():
                problems.append(f"{where}: empty text")
            for name in ("text", "context", "title"):
                if found := DAMAGE.search(getattr(record, name)):
                    problems.append(f"{where}: {name} has encoding damage or markup: {found.group()!r}")
            if record.guideline != GUIDELINE_VERSION:
                problems.append(f"{where}: labelled by guideline {record.guideline}, current is {GUIDELINE_VERSION}")
            if len(record.text.split()) >= 5:  # "C'est faux." may stand in many articles
                key = normalise(record.text).lower()
                if key in texts:
                    problems.append(f"{where}: the same text as {texts[key]}")
                texts.setdefault(key, where)
    for event, places in sides.items():
        if len(places) > 1:
            problems.append(f"event {event} is on two sides: {', '.join(sorted(places.values()))}")
    for pair in near_pairs([record for records in splits.values() for record in records]):
        bound = SAME_EVENT if pair.first.event == pair.second.event else NEAR_DUPLICATE
        if pair.similarity >= bound and normalise(pair.first.text) != normalise(pair.second.text):
            problems.append(f"{pair.second.id} is a near-duplicate ({pair.similarity:.2f}) of {pair.first.id}")
    return problems


def near_pairs(records: Sequence[LabelledStatement], limit: int = 1000) -> list[Pair]:
    """The nearest pairs of statements of at least eight words, by character 5-grams, nearest first.

    Candidates share rare 5-grams; exact Jaccard is computed for those only, which keeps this linear in practice.
    """
    grams: list[tuple[LabelledStatement, frozenset[str]]] = []
    for record in records:
        text = normalise(record.text).lower()
        if len(text.split()) >= 8:
            grams.append((record, frozenset(text[i : i + 5] for i in range(len(text) - 4))))
    frequency: dict[str, int] = defaultdict(int)
    for _, own in grams:
        for gram in own:
            frequency[gram] += 1
    holders: dict[str, list[int]] = defaultdict(list)
    for i, (_, own) in enumerate(grams):
        # Two texts with Jaccard >= 0.5 share at least one of the rarer half of their grams.
        for gram in sorted(own, key=lambda g: (frequency[g], g))[: len(own) // 2 + 1]:
            if 1 < frequency[gram] <= 50:
                holders[gram].append(i)
    candidates: dict[tuple[int, int], int] = defaultdict(int)
    for members in holders.values():
        for a, i in enumerate(members):
            for j in members[a + 1 :]:
                candidates[i, j] += 1
    pairs = []
    for (i, j), shared in candidates.items():
        if shared >= 5:
            (one, first), (other, second) = grams[i], grams[j]
            pairs.append(Pair(len(first & second) / len(first | second), one, other))
    return sorted(pairs, key=lambda pair: -pair.similarity)[:limit]


def near_vectors(records: Sequence[LabelledStatement], vectors: NDArray[np.float32], limit: int = 20) -> list[Pair]:
    """The pairs of statements of different events whose vectors are nearest, nearest first.

    Args:
        records: n statements; those under eight words are left out, as in :func:`near_pairs`.
        vectors: Unit vectors (n, dimensions); the similarity is their cosine.
        limit: Number of pairs.
    """
    kept = np.array([i for i, record in enumerate(records) if len(record.text.split()) >= 8], dtype=int)
    events = np.unique([records[i].event for i in kept], return_inverse=True)[1]
    best: list[tuple[float, int, int]] = []
    for start in range(0, len(kept), 1024):  # a block of the similarity matrix at a time
        block = np.arange(start, min(start + 1024, len(kept)))
        cosines = vectors[kept[block]] @ vectors[kept].T
        apart = (events[block][:, None] != events[None, :]) & (block[:, None] < np.arange(len(kept))[None, :])
        cosines[~apart] = -1
        top = np.argpartition(cosines, -min(limit, cosines.size), axis=None)[-limit:]
        best += [(float(cosines.flat[i]), int(kept[block[i // len(kept)]]), int(kept[i % len(kept)])) for i in top]
    return [Pair(cosine, records[i], records[j]) for cosine, i, j in sorted(best, reverse=True)[:limit] if cosine > -1]
