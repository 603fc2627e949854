"""Splits by event: everything that was written about one event is on one side."""

import hashlib
from pathlib import Path
from typing import Any

from pipeline.config import Data
from pipeline.corpus.schema import SPLITS, CorpusError, LabelledStatement, read_split

TRAIN_SHARE, VALIDATION_SHARE = 0.72, 0.10


def split_of(event: str) -> str:
    """The split of an event, from its name alone, so that a growing corpus never moves one across."""
    point = int.from_bytes(hashlib.sha256(event.encode()).digest()[:8], "big") / 2**64
    if point < TRAIN_SHARE:
        return "train"
    return "validation" if point < TRAIN_SHARE + VALIDATION_SHARE else "test"


def load_splits(data: Data, seed: int) -> dict[str, list[LabelledStatement]]:
    """The three splits; the training split is cut to ``data.parts`` and, by events, to ``data.fraction``.

    Raises:
        CorpusError: A record is wrong, or nothing is left to train on.
    """
    splits = {split: read_split(Path(data.corpus), split) for split in SPLITS}
    kept = [record for record in splits["train"] if record.part in data.parts and _drawn(record.event, data, seed)]
    if not kept:
        raise CorpusError(f"{data.corpus}/train.jsonl: no statement left for data.parts={data.parts}.")
    return {**splits, "train": kept}


def as_datasets(splits: dict[str, list[LabelledStatement]]) -> Any:
    """The splits as a :class:`datasets.DatasetDict` with the columns that training and tracking use."""
    from datasets import Dataset, DatasetDict

    columns = ("id", "text", "context", "title", "label", "event", "part", "construction", "domain", "genre")
    return DatasetDict(
        {
            split: Dataset.from_dict({column: [getattr(r, column) for r in records] for column in columns})
            for split, records in splits.items()
        }
    )


def digest(corpus: Path) -> str:
    """SHA-256 over the whole files of a corpus folder, in the order of the splits.

    Raises:
        CorpusError: A file is missing.
    """
    sha = hashlib.sha256()
    for split in SPLITS:
        path = corpus / f"{split}.jsonl"
        try:
            sha.update(path.read_bytes())
        except OSError as error:
            raise CorpusError(f"{path}: cannot be read ({error.strerror}).") from error
    return sha.hexdigest()


def _drawn(event: str, data: Data, seed: int) -> bool:
    point = int.from_bytes(hashlib.sha256(f"{seed} {event}".encode()).digest()[:8], "big") / 2**64
    return point < data.fraction
