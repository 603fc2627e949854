import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.model.classifier import Classifier, CueNetwork
from pipeline.records import ARTICLE_SCHEMA, STATEMENT_SCHEMA, Article, Reject
from pipeline.scoring.local import ScoringError, is_french, score

ARTICLE = Article(
    "a1",
    "Le syndicat accuse la direction d'avoir caché le rapport. La direction dément. La réunion est prévue mardi à Vire.",
    title="Vire",
)
GERMAN = Article(
    "de", "Der Bürgermeister bestreitet die Vorwürfe. Die Sitzung des Gemeinderats findet am Dienstag statt."
)
CUES = Classifier(CueNetwork(), name="cues-1")


def test_tables_hold_a_row_a_statement_and_a_row_an_article(tmp_path):
    summary = score([ARTICLE, Reject("b.txt", "the file is empty")], CUES, tmp_path)
    statements, articles = pq.read_table(tmp_path / "statements.parquet"), pq.read_table(tmp_path / "articles.parquet")
    assert statements.schema.equals(STATEMENT_SCHEMA)
    assert articles.schema.equals(ARTICLE_SCHEMA)
    rows = statements.to_pylist()
    assert [row["label"] for row in rows] == ["accusation", "denial", "neutral"]
    assert all(ARTICLE.text[row["start"] : row["end"]] == row["text"] for row in rows)
    assert all(abs(row["p_accusation"] + row["p_denial"] + row["p_neutral"] - 1) < 1e-5 for row in rows)
    (article,) = articles.to_pylist()
    assert (article["statements"], article["accusations"], article["denials"]) == (3, 1, 1)
    assert article["top_denial"] == "La direction dément."
    (reject,) = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert reject["reason"] == "the file is empty"
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["model"], run["articles"], run["rejects"]) == ("cues-1", 1, 1)
    assert summary.labels == {"accusation": 1, "denial": 1, "neutral": 1}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_other_formats_hold_the_same(tmp_path, format):
    score([ARTICLE], CUES, tmp_path, format)
    path = tmp_path / f"statements.{format}"
    table = pd.read_csv(path) if format == "csv" else pd.read_json(path, lines=True)
    assert list(table.columns) == STATEMENT_SCHEMA.names
    assert list(table["label"]) == ["accusation", "denial", "neutral"]


def test_an_article_in_german_is_scored_and_flagged(tmp_path):
    score([GERMAN, ARTICLE], CUES, tmp_path)
    rows = pq.read_table(tmp_path / "statements.parquet").to_pylist()
    assert {tuple(row["flags"]) for row in rows if row["article_id"] == "de"} == {("not_french",)}
    assert {tuple(row["flags"]) for row in rows if row["article_id"] == "a1"} == {()}
    assert is_french("Oui.")


def test_an_article_of_residue_only_gives_an_article_row(tmp_path):
    score([Article("r", "Lire aussi : Le maire répond")], CUES, tmp_path)
    (row,) = pq.read_table(tmp_path / "articles.parquet").to_pylist()
    assert row["statements"] == 0
    assert row["flags"] == ["no_statements"]


def test_an_article_of_200_000_words_is_scored(tmp_path):
    long = Article("long", "Le maire a répondu aux questions du public. " * 25_000)
    assert score([long], CUES, tmp_path).statements == 25_000


def test_an_interruption_leaves_no_half_written_table_and_keeps_the_old(tmp_path):
    score([ARTICLE], CUES, tmp_path)
    before = (tmp_path / "statements.parquet").read_bytes()

    def broken():
        yield GERMAN
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(broken(), CUES, tmp_path)
    assert (tmp_path / "statements.parquet").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_an_output_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ScoringError, match="cannot write"):
        score([ARTICLE], CUES, tmp_path / "out")
