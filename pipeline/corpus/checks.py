"""Whether a corpus may be trained on: schema, duplicates, events on two sides, damage, guideline version."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpus.schema import GUIDELINE_VERSION, SPLITS, CorpusError, LabelledStatement, read_split
from pipeline.typography import normalise

NEAR_DUPLICATE = 0.7
"""Jaccard similarity of character 5-grams at and above which two statements of different splits are near-duplicates."""

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
    for pair in near_pairs(splits, across_splits=True):
        if pair.similarity >= NEAR_DUPLICATE and normalise(pair.first.text) != normalise(pair.second.text):
            problems.append(
                f"{pair.second.id} is a near-duplicate ({pair.similarity:.2f}) of {pair.first.id} across splits"
            )
    return problems


def near_pairs(splits: dict[str, list[LabelledStatement]], across_splits: bool, limit: int = 20) -> list[Pair]:
    """The nearest pairs of statements of at least eight words, by character 5-grams, nearest first.

    Candidates share rare 5-grams; exact Jaccard is computed for those only, which keeps this linear in practice.
    """
    grams: list[tuple[str, LabelledStatement, frozenset[str]]] = []
    for split, records in splits.items():
        for record in records:
            text = normalise(record.text).lower()
            if len(text.split()) >= 8:
                grams.append((split, record, frozenset(text[i : i + 5] for i in range(len(text) - 4))))
    frequency: dict[str, int] = defaultdict(int)
    for _, _, own in grams:
        for gram in own:
            frequency[gram] += 1
    holders: dict[str, list[int]] = defaultdict(list)
    for i, (_, _, own) in enumerate(grams):
        # Two texts with Jaccard >= 0.5 share at least one of the rarer half of their grams.
        for gram in sorted(own, key=lambda g: (frequency[g], g))[: len(own) // 2 + 1]:
            if 1 < frequency[gram] <= 50:
                holders[gram].append(i)
    candidates: dict[tuple[int, int], int] = defaultdict(int)
    for members in holders.values():
        for a, i in enumerate(members):
            for j in members[a + 1 :]:
                if not across_splits or grams[i][0] != grams[j][0]:
                    candidates[i, j] += 1
    pairs = []
    for (i, j), shared in candidates.items():
        if shared >= 5:
            first, second = grams[i][2], grams[j][2]
            pairs.append(Pair(len(first & second) / len(first | second), grams[i][1], grams[j][1]))
    return sorted(pairs, key=lambda pair: -pair.similarity)[:limit]
