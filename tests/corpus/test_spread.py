import pytest

from pipeline.corpus.schema import LabelledStatement
from pipeline.corpus.spread import WINDOW_WORDS, spread
from pipeline.labels import LABELS


def statement(number, text, label, **fields):
    given = {"event": "e1", "part": "article", "construction": "article", "domain": "sport", "genre": "dispatch"}
    return LabelledStatement(id=f"s{number}", text=text, label=label, **(given | fields))


def cues(text):
    """Needs normalised typography to find the second."""
    return {label for label, cue in (("accusation", "accuse"), ("denial", "n'a jamais")) if cue in text}


RECORDS = [
    statement(0, "Il accuse le club de triche.", "accusation", role="rival"),
    statement(1, "Le club n’a jamais triché et accuse.", "accusation", event="e2", domain="police", role="rival"),
    statement(2, "Le club n’a jamais triché.", "denial", construction="lawyer-denies", role="lawyer", genre="tabloid"),
    statement(3, "Le match est reporté.", "neutral"),
]


def test_each_label_and_all_are_counted():
    accusation, denial, neutral, everything = spread(RECORDS, cues).labels
    assert [accusation.label, denial.label, neutral.label, everything.label] == [*LABELS, "all"]
    assert (accusation.statements, accusation.events, accusation.domains, accusation.roles) == (2, 2, 2, 1)
    assert (denial.constructions, denial.genres, neutral.roles) == (1, 1, 0)
    assert (everything.statements, everything.constructions, everything.genres, everything.roles) == (4, 2, 2, 2)


def test_a_cue_of_another_label_is_found_in_any_typography():
    accusation, denial, neutral, everything = (row.other_cues for row in spread(RECORDS, cues).labels)
    assert (accusation, denial, neutral, everything) == (0.5, 0, 0, 0.25)


def test_any_cue_in_a_neutral_statement_is_of_another_label():
    row = spread([statement(0, "Nul n'accuse personne.", "neutral")], cues).labels[0]
    assert row.other_cues == 1


def test_lengths_are_quantiles_of_words():
    records = [statement(i, " ".join(["mot"] * (i + 1)), "neutral") for i in range(101)]
    assert spread(records, cues).labels[0].words == (11, 51, 91)


def test_the_type_token_ratio_does_not_depend_on_the_size_of_the_corpus():
    text = " ".join(f"mot{i % 500}" for i in range(WINDOW_WORDS))
    few, many = ([statement(i, text, "neutral") for i in range(n)] for n in (1, 5))
    assert spread(few, cues).labels[0].type_token_ratio == spread(many, cues).labels[0].type_token_ratio == 0.5


def test_the_nearest_pair_comes_first():
    copied = "La cour d'appel de Limoges rendra sa décision le 4 mars prochain à midi."
    others = ["Un cargo chargé de blé tendre a quitté le port hier vers minuit.", "Trois skieurs manquent encore."]
    records = [statement(i, text, "neutral") for i, text in enumerate([copied, *others, copied.replace("4", "6")])]
    pair = spread(records, cues, pairs=1).nearest[0]
    assert {pair.first.id, pair.second.id} == {"s0", "s3"}
    assert pair.similarity > 0.8


def test_rows_are_cells_by_column():
    row = spread(RECORDS, cues).labels[0].row()
    assert (row["label"], row["statements"], row["words 10/50/90 %"]) == ("accusation", "2", "6/6/7")
    assert row["other label's cue"] == "50%"


@pytest.mark.parametrize("records", [[], RECORDS[3:]])
def test_labels_that_do_not_occur_have_no_row(records):
    assert [row.label for row in spread(records, cues).labels] == (["neutral", "all"] if records else [])
