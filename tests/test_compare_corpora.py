import json
import runpy
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import StanceError

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "compare_corpora.py"
COMPARISON = runpy.run_path(str(SCRIPT))
MEASURES, Statement = COMPARISON["MEASURES"], COMPARISON["Statement"]

PLACES = ["la gare", "le port", "la mairie", "le stade", "la halle", "le musée", "la plage"]
NEWS = [f"Le maire a inauguré {place} de Brest en {year}." for year in range(1990, 2010) for place in PLACES]
TALK = [f"Moi, franchement, {place}, j'y vais pas, {i} fois non !" for i in range(20) for place in PLACES]


def corpus(texts, name="a", article_size=7):
    return [Statement(text, f"{name}{i // article_size}") for i, text in enumerate(texts)]


def auc(first, second):
    separation = COMPARISON["separate"](first, second, seed=0)
    return np.mean(separation.words), np.mean(separation.surface)


def test_a_corpus_cannot_be_told_from_itself():
    assert auc(corpus(NEWS), corpus(NEWS)) == pytest.approx((0.5, 0.5), abs=0.02)


def test_halves_of_one_corpus_are_hard_to_tell_apart():
    words, surface = auc(corpus(NEWS[0::2], "a"), corpus(NEWS[1::2], "b"))
    assert 0.3 < words < 0.7
    assert 0.3 < surface < 0.7


def test_different_corpora_are_told_apart():
    words, surface = auc(corpus(NEWS, "a"), corpus(TALK, "b"))
    assert words > 0.99
    assert surface > 0.99


def test_names_and_numbers_alone_do_not_give_a_corpus_away():
    other = [text.replace("Brest", "Nice").replace("19", "18").replace("20", "17") for text in NEWS]
    assert auc(corpus(NEWS, "a"), corpus(other, "b"))[0] < 0.6


def test_too_few_articles_are_not_measured():
    assert COMPARISON["separate"](corpus(NEWS[:20]), corpus(NEWS), seed=0) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'Le 12 mai, M. Roux (Nantes) n\'a pas nié : "Cela serait arrivé, selon ceux qui étaient là."',
            {
                "quotation marks": 2,
                "unpaired quotation marks": 0,
                "digits": 1,
                "proper names": 2,
                "the conditional": 1,
                "negation": 2,
                "subordinate clauses": 1,
                "commas": 2,
                "brackets": 1,
                "colons or semicolons": 1,
                "no final punctuation": 0,
            },
        ),
        ('Pourquoi partir ? "On verra bien', {"unpaired quotation marks": 1, "question or exclamation marks": 1}),
        ("Un port - celui de Sète - sans trafic", {"dashes between words": 2, "no final punctuation": 1}),
    ],
)
def test_what_is_counted(text, expected):
    assert {name: MEASURES[name](text) for name in expected} == expected


CONDITIONAL = (
    "aurait serait ferait pourrait devrait dirait viendrait mettrait connaîtrait verrait mentirait préférerait"
)
NOT_CONDITIONAL = (
    "avait était espérait tirait respirait livrait montrait encadrait restaurait attrait vrais ouvrait sera"
)


@pytest.mark.parametrize(("text", "expected"), [(CONDITIONAL, 12), (NOT_CONDITIONAL, 0), ("Iriez-vous ?", 1)])
def test_the_conditional_is_told_from_the_imperfect(text, expected):
    assert COMPARISON["conditionals"](text) == expected


def test_names_and_numbers_are_masked():
    masked = COMPARISON["masked"]
    common = COMPARISON["common_words"](["il a dit que le vent d'aujourd'hui tombera"])
    assert masked("Le 3 mars 2021, Mme Anne Le Gall a dit : \"Le vent de Jean-Paul\".", common) == [
        *("le", "<nombre>", "mars", "<nombre>", "mme", "<nom>", "<nom>", "<nom>", "a", "dit", "le", "vent", "de"),
        "<nom>",
    ]  # fmt: skip
    assert masked("Macron a dit", common) == ["<nom>", "a", "dit"]
    assert masked("Macron a dit") == ["macron", "a", "dit"]
    assert masked("C'est aujourd'hui à 14h30", common) == ["c'", "est", "aujourd'hui", "à", "<nombre>"]


def test_log_odds_put_over_used_words_first_and_under_used_ones_last():
    scores = COMPARISON["log_odds"](Counter(le=500, selon=40, vent=10), Counter(le=500, selon=10, pluie=40))
    assert next(iter(scores)) == "selon"
    assert list(scores)[-1] == "pluie"
    assert scores["selon"] > 1.96 > abs(scores["le"])
    reverse = COMPARISON["log_odds"](Counter(le=500, selon=10, pluie=40), Counter(le=500, selon=40, vent=10))
    assert reverse["selon"] == pytest.approx(-scores["selon"])


def test_coverage_counts_running_and_distinct_words_without_masks():
    known, counts = Counter(le=1, vent=1), Counter({"le": 6, "vent": 1, "pluie": 3, "<nom>": 9})
    assert COMPARISON["coverage"](known, counts) == (0.7, pytest.approx(2 / 3))


def test_openers_are_two_words():
    opened = COMPARISON["openers"]([["il", "a", "dit"], ["il", "a", "vu"], ["non"], []])
    assert opened == {"il a": 2, "non": 1}


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_statements_are_read_with_their_articles_and_conditions(tmp_path):
    rows = [
        {"text": "Il pleut.", "article": "a1", "part": "article"},
        {"text": "Il «neige».", "article": "", "event": "e1", "part": "hard"},
        {"text": "Il vente."},
    ]
    path = write(tmp_path / "corpus.jsonl", rows)
    read = COMPARISON["read_corpus"]
    assert read(path) == [
        Statement("Il pleut.", "a1"),
        Statement('Il "neige".', "e1"),
        Statement("Il vente.", "Il vente."),
    ]
    assert [s.text for s in read(path, {"part": "article"})] == ["Il pleut.", "Il vente."]


def test_articles_are_cut_into_statements(tmp_path):
    read = COMPARISON["read_corpus"]
    text = "Le vent est tombé. La pluie a cessé."
    expected = [Statement("Le vent est tombé.", "a1"), Statement("La pluie a cessé.", "a1")]
    assert read(write(tmp_path / "short.jsonl", [{"id": "a1", "text": text}]), articles=True) == expected
    assert len(read(write(tmp_path / "short.jsonl", [{"id": "a1", "text": text}]))) == 1
    assert len(read(write(tmp_path / "long.jsonl", [{"id": "a1", "text": " ".join([text] * 20)}]))) == 40
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a1.txt").write_text(text, encoding="utf-8")
    assert read(tmp_path / "folder") == expected


@pytest.mark.parametrize(
    ("row", "where", "message"),
    [({"body": "x"}, {}, ":1: no text"), ({"text": "x", "part": "a"}, {"part": "b"}, "no statements")],
)
def test_what_cannot_be_compared_is_said(tmp_path, row, where, message):
    with pytest.raises(StanceError, match=message):
        COMPARISON["read_corpus"](write(tmp_path / "corpus.jsonl", [row]), where)


def test_the_sample_is_seeded():
    sample, statements = COMPARISON["sample"], corpus(NEWS)
    assert sample(statements, 10, seed=1) == sample(statements, 10, seed=1) != sample(statements, 10, seed=2)
    assert sample(statements, 1000, seed=1) == statements


def test_the_script_prints_all_tables(tmp_path, monkeypatch, capsys):
    first = write(tmp_path / "first.jsonl", [{"text": s.text, "article": s.group} for s in corpus(NEWS)])
    second = write(tmp_path / "second.jsonl", [{"text": s.text, "article": s.group} for s in corpus(TALK, "b")])
    monkeypatch.setattr(sys, "argv", ["compare_corpora.py", str(first), str(second), "--sample", "100"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    for title in ("words, mean", "parts of speech", "sentence openers", "over-used", "surface only"):
        assert title in printed


def test_help_names_its_arguments(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["compare_corpora.py", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "--where FIELD=VALUE" in capsys.readouterr().out
