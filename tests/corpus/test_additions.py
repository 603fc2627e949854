"""Growing a corpus with one's own statements."""

import json

import pytest

from pipeline.corpus.additions import add
from pipeline.corpus.checks import check
from pipeline.corpus.schema import SPLITS, CorpusError, read_split
from pipeline.corpus.splits import split_of
from pipeline.corpus.tables import table_rows

OWN = "Le conseil départemental reproche au syndicat des eaux d'avoir laissé filer les fuites durant neuf ans."


@pytest.fixture
def corpus(small_corpus, tmp_path):
    for split in SPLITS:
        (tmp_path / f"{split}.jsonl").write_bytes((small_corpus / f"{split}.jsonl").read_bytes())
    return tmp_path


def everything(corpus):
    return {r.id: (split, r) for split in SPLITS for r in read_split(corpus, split)}


def test_a_csv_with_text_and_label_is_enough(corpus, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(f"text;label\n{OWN};accusation\n", encoding="utf-8")
    result = add(corpus, table_rows(file))
    assert result.rejects == []
    ((split, record),) = [v for k, v in everything(corpus).items() if k.startswith("added-")]
    assert record.text == OWN
    assert split_of(record.event) == split
    assert check(corpus) == []


def test_adding_the_same_file_again_adds_nothing(corpus, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps({"text": OWN, "label": "accusation", "id": "my-1", "article": "eaux"}) + "\n")
    assert sum(add(corpus, table_rows(file)).added.values()) == 1
    before = [(corpus / f"{split}.jsonl").read_bytes() for split in SPLITS]
    again = add(corpus, table_rows(file))
    assert sum(again.added.values()) == 0
    assert again.rejects[0].reason == "the same text as my-1"
    assert before == [(corpus / f"{split}.jsonl").read_bytes() for split in SPLITS]


def test_statements_of_one_article_stay_together_and_a_taken_id_is_replaced(corpus):
    taken = next(iter(everything(corpus)))
    rows = [
        (f"f:{i}", {"text": f"{OWN[:-1]} à {place}.", "label": "neutral", "article": "eaux", "id": taken})
        for i, place in enumerate(("Guéret", "Ussel sur la haute Corrèze, mardi soir", "Felletin où rien n'a bougé"))
    ]
    add(corpus, rows)
    new = [(split, r) for split, r in everything(corpus).values() if r.article == "eaux"]
    assert len({r.id for _, r in new}) == 3
    assert len({split for split, _ in new}) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"label": "denial"}, "no text"),
        ({"text": OWN}, "label is missing"),
        ({"text": OWN, "label": "acusation"}, "'acusation', expected one of accusation, denial, neutral"),
        ({"text": OWN, "label": "denial", "domain": "cuisine"}, "domain"),
        ({"text": "L'Ã©lu nie avoir signé ce papier.", "label": "denial"}, "encoding damage"),
    ],
)
def test_a_wrong_row_is_set_aside_with_its_reason(corpus, fields, reason):
    result = add(corpus, [("f:1", fields), ("f:2", {"text": OWN, "label": "accusation"})])
    assert sum(result.added.values()) == 1
    assert result.rejects[0].source == "f:1"
    assert reason in result.rejects[0].reason


def test_another_label_for_a_known_text_is_said(corpus):
    record = next(r for r in read_split(corpus, "train") if len(r.text.split()) > 5)
    other = "neutral" if record.label != "neutral" else "denial"
    result = add(corpus, [("f:1", {"text": record.text.replace("'", "’"), "label": other})])
    assert result.rejects[0].reason == f"the same text as {record.id}, there labelled {record.label}"


def test_a_near_copy_on_another_side_is_set_aside(corpus):
    record = next(r for r in read_split(corpus, "test") if len(r.text) > 150)
    event = next(f"e{i}" for i in range(99) if split_of(f"e{i}") == "train")
    result = add(corpus, [("f:1", {"text": record.text + " Enfin.", "label": record.label, "event": event})])
    assert record.id in result.rejects[0].reason
    assert check(corpus) == []


def test_broken_lines_are_set_aside_and_the_rest_is_added(corpus, tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": \n[1]\n' + json.dumps({"text": OWN, "label": "accusation"}) + "\n", encoding="utf-8")
    result = add(corpus, table_rows(file))
    assert [r.source for r in result.rejects] == [f"{file}:1", f"{file}:2"]
    assert sum(result.added.values()) == 1


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.csv", b"text;label\n\xe9;x"), ("a.xls", b"x")])
def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=r"empty|UTF-8|known are"):
        list(table_rows(tmp_path / name))


def test_two_short_statements_of_one_wording_get_two_ids(corpus):
    rows = [
        (f"f:{i}", {"text": "C'est faux.", "label": "denial", "context": context})
        for i, context in enumerate(("Le maire aurait menti.", "L'usine aurait pollué la rivière."))
    ]
    assert sum(add(corpus, rows).added.values()) == 2
    assert check(corpus) == []


def test_of_three_near_copies_the_first_stays(corpus):
    rows = [
        (f"f:{i}", {"text": f"{OWN} {end}", "label": "accusation"}) for i, end in enumerate(("Ici.", "Là.", "Hier."))
    ]
    result = add(corpus, rows)
    assert [r.source for r in result.rejects] == ["f:1", "f:2"]
    assert check(corpus) == []


def test_numbers_where_names_belong_are_taken(corpus):
    result = add(corpus, [("f:1", {"text": OWN, "label": "accusation", "article_id": 17, "ambiguous": 1})])
    assert result.rejects == []
    (record,) = [r for _, r in everything(corpus).values() if r.article == "17"]
    assert record.event == "17"
    assert record.ambiguous
