"""Weak supervision: the user's own unlabelled articles, labelled by the cue lexicon, for a first stage of training."""

from pipeline.articles.readers import find_files, read_articles
from pipeline.articles.segmentation import segment
from pipeline.corpus.schema import CorpusError, LabelledStatement
from pipeline.model.cues import stance_of
from pipeline.records import Article
from pipeline.typography import normalise


def weak_statements(source: str) -> list[LabelledStatement]:
    """Every statement of the articles in ``source``, labelled by :func:`pipeline.model.cues.stance_of`.

    Args:
        source: A file, folder or glob of articles, as ``stance score`` takes them.

    Raises:
        InputError: ``source`` names nothing.
        CorpusError: It holds no readable article.
    """
    statements: list[LabelledStatement] = []
    for article in read_articles(find_files([source])):
        if not isinstance(article, Article):
            continue
        for statement in segment(article)[0]:
            statements.append(
                LabelledStatement(
                    id=f"weak-{len(statements)}",
                    text=statement.text,
                    context=statement.context,
                    title=article.title,
                    label=stance_of(normalise(statement.text)).value,
                    event="weak",
                    part="article",
                    construction="weak",
                    domain="national-politics",
                    genre="dispatch",
                )
            )
    if not statements:
        raise CorpusError(f"{source}: no readable article in it (data.unlabelled).")
    return statements
