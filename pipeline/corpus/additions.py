"""Merging statements of one's own into a corpus: checked, deduplicated, with ids, each on the side of its event."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.corpus.checks import DAMAGE, NEAR_DUPLICATE, SAME_EVENT, near_pairs
from pipeline.corpus.schema import GUIDELINE_VERSION, SPLITS, LabelledStatement, explain, read_split, write_jsonl
from pipeline.corpus.splits import split_of
from pipeline.records import Reject
from pipeline.typography import normalise

DEFAULTS = {"part": "article", "construction": "article"}
"""What a statement is taken for where its row does not say: one of a whole article, chosen for no construction."""


@dataclass(slots=True)
class Additions:
    """What an addition did.

    Attributes:
        added: New statements by split.
        rejects: Rows set aside, with place and reason.
    """

    added: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)


def add(corpus: Path, rows: Iterable[tuple[str, dict[str, Any]] | Reject]) -> Additions:
    """Merge rows into the corpus files; each file is replaced as a whole or not at all.

    A row needs ``text`` and ``label``. ``event`` (what must stay on one side of the splits) defaults to ``article``,
    then to the statement alone. An ``id`` that is missing or taken is replaced by one made from the text, so that
    adding the same file again adds nothing. Fields that the schema does not have are left out.

    Args:
        corpus: Folder with the three splits.
        rows: Place and fields of each row, from :func:`pipeline.corpus.tables.table_rows`.

    Raises:
        CorpusError: The corpus itself is broken.
    """
    splits = {split: read_split(corpus, split) for split in SPLITS}
    known = {_key(r.text, r.context): r for records in splits.values() for r in records}
    sides = {r.event: split for split, records in splits.items() for r in records}  # a corpus may be split by hand
    ids = {r.id for records in splits.values() for r in records}
    result = Additions()
    new: dict[str, list[tuple[str, LabelledStatement]]] = defaultdict(list)
    for row in rows:
        if isinstance(row, Reject):
            result.rejects.append(row)
            continue
        where, fields = row
        statement = _statement(where, fields, ids)
        if isinstance(statement, Reject):
            result.rejects.append(statement)
            continue
        if (twin := known.get(key := _key(statement.text, statement.context))) is not None:
            label = "" if twin.label == statement.label else f", there labelled {twin.label}"
            result.rejects.append(Reject(where, f"the same text as {twin.id}{label}", statement.id))
            continue
        known[key] = statement
        ids.add(statement.id)
        new[sides.get(statement.event) or split_of(statement.event)].append((where, statement))
    for split, where, statement, twin in _near_copies(splits, new):
        new[split].remove((where, statement))
        result.rejects.append(Reject(where, f"nearly the same text as {twin.id}", statement.id))
    for split, additions in new.items():
        if additions:
            merged = [*splits[split], *(statement for _, statement in additions)]
            write_jsonl(corpus / f"{split}.jsonl", [record.model_dump() for record in merged])
            result.added[split] = len(additions)
    return result


def _key(text: str, context: str) -> str:
    """What makes two statements the same: the text, and for a very short one ("C'est faux.") what stands before it."""
    text = normalise(text).lower()
    return text if len(text.split()) >= 5 else f"{text} < {normalise(context).lower()}"


def _statement(where: str, fields: dict[str, Any], taken: set[str]) -> LabelledStatement | Reject:
    # JSONL and Parquet have numbers where the schema has names: an article 17, a guideline 1.3.
    fields = {
        name: str(value) if isinstance(value, int | float) and name != "ambiguous" else value
        for name, value in fields.items()
    }
    given = str(fields.get("id", ""))
    text, context = fields.get("text"), fields.get("context", "")
    if not isinstance(text, str) or not text.strip():
        return Reject(where, f"no text; fields here are {', '.join(map(str, fields)) or 'none'}", given)
    try:
        made = f"added-{hashlib.sha256(_key(text, str(context)).encode()).hexdigest()[:12]}"
    except UnicodeEncodeError:
        return Reject(where, "the text holds half a character (a cut emoji?)", given)
    identity = given if re.fullmatch(r"[\w.-]+", given) and given not in taken else made
    article = fields.get("article") or fields.get("article_id") or ""  # article_id: in the tables of `stance score`
    values = {**DEFAULTS, **{name: fields[name] for name in LabelledStatement.model_fields if name in fields}}
    if not isinstance(values.get("ambiguous", False), bool):  # CSV has no booleans
        values["ambiguous"] = str(values["ambiguous"]).strip().lower() in ("true", "1", "yes")
    values |= {"id": identity, "article": article, "event": fields.get("event") or article or identity}
    try:
        statement = LabelledStatement.model_validate(values)
    except ValidationError as error:
        return Reject(where, "; ".join(dict.fromkeys(explain(item) for item in error.errors())), given)
    if statement.guideline != GUIDELINE_VERSION:
        return Reject(where, f"labelled by guideline {statement.guideline}, current is {GUIDELINE_VERSION}", given)
    for name in ("text", "context", "title"):
        if damage := DAMAGE.search(getattr(statement, name)):
            return Reject(where, f"{name} has encoding damage or markup: {damage.group()!r}", given)
    return statement


def _near_copies(
    splits: dict[str, list[LabelledStatement]], new: dict[str, list[tuple[str, LabelledStatement]]]
) -> list[tuple[str, str, LabelledStatement, LabelledStatement]]:
    """New statements that are near-duplicates of one that stays: split, place, statement, its twin."""
    places = {statement.id: (split, where) for split, additions in new.items() for where, statement in additions}
    # Old statements first, then the new ones in their order: the later one of a pair goes.
    everything = [record for split in SPLITS for record in splits[split]]
    everything += [statement for additions in new.values() for _, statement in additions]
    order = {record.id: i for i, record in enumerate(everything)}
    gone: set[str] = set()
    copies = []
    for pair in near_pairs(everything, limit=len(everything) ** 2):
        if pair.similarity < (SAME_EVENT if pair.first.event == pair.second.event else NEAR_DUPLICATE):
            continue
        twin, statement = sorted((pair.first, pair.second), key=lambda record: order[record.id])
        if statement.id in places and statement.id not in gone and twin.id not in gone:
            gone.add(statement.id)
            copies.append((*places[statement.id], statement, twin))
    return copies
