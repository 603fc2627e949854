"""Statements out to labelling tools and back, with files of the forms that the tools document."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.corpus.exchange import choose, read_judgements, settle, tasks, write_tasks
from pipeline.corpus.schema import CorpusError
from pipeline.corpus.tables import table_rows
from pipeline.records import Reject

EXPORTS = Path(__file__).parent / "exports"

SCORED = [
    {"article_id": "a", "statement_index": 0, "title": "T", "text": "Le maire accuse la région.",
     "p_accusation": 0.5, "p_denial": 0.1, "p_neutral": 0.4, "model": "embedded"},
    {"article_id": "a", "statement_index": 1, "title": "T", "text": "La région dément.",
     "p_accusation": 0.05, "p_denial": 0.9, "p_neutral": 0.05, "model": "embedded"},
    {"article_id": "b", "statement_index": 0, "title": "U", "text": "Il pleut.",
     "p_accusation": 0.0, "p_denial": 0.0, "p_neutral": 1.0, "model": "embedded"},
]  # fmt: skip


@pytest.fixture
def scored(tmp_path):
    path = tmp_path / "statements.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in SCORED), encoding="utf-8")
    return tasks(table_rows(path))[0]


def test_a_statement_of_a_scored_table_gets_the_one_before_it_as_context(scored):
    assert [t.context for t in scored] == ["", "Le maire accuse la région.", ""]
    assert [t.id for t in scored] == ["a-0", "a-1", "b-0"]
    assert [t.guess for t in scored] == ["accusation", "denial", "neutral"]


def test_the_least_certain_of_each_label_come_first():
    p = np.array([[0.1, 0.1, 0.8], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05], [0.5, 0.4, 0.1], [0.3, 0.4, 0.3], [0, 0, 1.0]])
    assert choose(p, 4) == [3, 4, 1, 2]
    assert sorted(choose(p, 99)) == list(range(6))


def test_label_studio_gets_tasks_with_predictions(scored, tmp_path):
    write_tasks("label-studio", tmp_path / "t.json", scored)
    task = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))[1]
    assert task["data"]["text"] == "La région dément."
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "embedded"
    assert prediction["score"] == 0.9
    assert prediction["result"] == [
        {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["denial"]}}
    ]


def test_argilla_gets_records_with_suggestions(scored, tmp_path):
    write_tasks("argilla", tmp_path / "t.json", scored)
    record = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))[0]
    assert record["fields"] == {"text": "Le maire accuse la région.", "context": ""}
    assert record["suggestions"]["label"] == {"value": "accusation", "score": 0.5, "agent": "embedded"}


def test_doccano_gets_one_line_a_statement(scored, tmp_path):
    write_tasks("doccano", tmp_path / "t.jsonl", scored)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["label"] for line in lines] == [["accusation"], ["denial"], ["neutral"]]
    assert lines[1]["statement_id"] == "a-1"


def test_label_studio_labels_come_back_with_kappa_and_open_disagreements():
    settled = settle(read_judgements(EXPORTS / "label-studio.json"))
    assert [(s["id"], s["label"], s["second_label"]) for s in settled.statements] == [("a-1", "denial", "denial")]
    assert settled.statements[0]["context"] == "Le préfet parle de deux mises en demeure."
    both, equal, kappa = settled.agreement["ana@example.org", "bo@example.org"]
    assert (both, equal) == (2, 0.5)
    assert kappa == pytest.approx(1 / 3)
    assert settled.disagreements[0]["labels"] == {"ana@example.org": "accusation", "bo@example.org": "neutral"}
    assert [r.reason for r in settled.rejects] == ["skipped by 1"]


def test_label_studio_min_is_read_and_two_choices_are_set_aside():
    settled = settle(read_judgements(EXPORTS / "label-studio-min.json"))
    assert [s["label"] for s in settled.statements] == ["denial"]
    assert "neutral, denial" in settled.rejects[0].reason


def test_argilla_majority_of_three_decides():
    settled = settle(read_judgements(EXPORTS / "argilla.json"))
    assert [(s["id"], s["label"]) for s in settled.statements] == [("a-1", "denial")]
    assert len(settled.agreement) == 3
    assert [r.reason for r in settled.rejects] == ["nobody answered"]


def test_doccano_zip_holds_one_file_a_user(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for user in ("ana", "bo"):
            archive.write(EXPORTS / f"doccano-{user}.jsonl", f"{user}.jsonl")
    settled = settle(read_judgements(path))
    assert {s["id"]: s["label"] for s in settled.statements} == {"a-1": "denial", "a-3": "neutral"}
    both, equal, kappa = settled.agreement["ana", "bo"]
    assert both == 3
    assert equal == pytest.approx(2 / 3)
    assert 0 < kappa < 1
    assert [d["id"] for d in settled.disagreements] == ["a-2"]
    assert "labelled nothing" in settled.rejects[0].reason


def test_doccano_file_of_shared_annotations_is_one_annotator():
    settled = settle(read_judgements(EXPORTS / "doccano-ana.jsonl"))
    assert len(settled.statements) == 3
    assert settled.agreement == {}


@pytest.mark.parametrize("text", ['{"a": 1}', "[]", '[{"tokens": ["a"]}]'])
def test_an_unknown_form_is_named(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CorpusError, match="Known are Label Studio"):
        list(read_judgements(path))


def test_what_goes_out_comes_back_the_same(scored, tmp_path):
    """A task answered in the tool: the answer is put where each tool puts it."""
    write_tasks("doccano", tmp_path / "ana.jsonl", scored)
    write_tasks("argilla", tmp_path / "a.json", scored)
    records = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    for record in records:
        record["responses"] = {"label": [{"value": record["suggestions"]["label"]["value"], "user_id": "u"}]}
    (tmp_path / "a.json").write_text(json.dumps(records), encoding="utf-8")
    first = settle(read_judgements(tmp_path / "ana.jsonl")).statements
    assert first == settle(read_judgements(tmp_path / "a.json")).statements
    assert [s["label"] for s in first] == ["accusation", "denial", "neutral"]


def test_rows_without_text_are_set_aside():
    found, rejects = tasks([("f:1", {"text": " "}), ("f:2", {"texte": "x"}), Reject("f:3", "broken JSON")])
    assert found == []
    assert [r.source for r in rejects] == ["f:1", "f:2", "f:3"]


def test_an_entry_of_another_form_is_set_aside(tmp_path):
    entries = json.loads((EXPORTS / "label-studio.json").read_text(encoding="utf-8"))
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps([entries[0], {"id": 9}]), encoding="utf-8")
    settled = settle(read_judgements(path))
    assert len(settled.statements) == 1
    assert "entry 1" in settled.rejects[0].source


def test_a_zip_without_jsonl_says_what_to_choose(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("all.csv", "id,text,label")
    with pytest.raises(CorpusError, match="choose JSONL"):
        list(read_judgements(tmp_path / "x.zip"))


def test_one_id_for_two_texts_does_not_mix_them(tmp_path):
    rows = [{"text": text, "label": ["denial"], "statement_id": "1-0"} for text in ("Il nie.", "Elle nie.")]
    (tmp_path / "ana.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(settle(read_judgements(tmp_path / "ana.jsonl")).statements) == 2


def test_who_contradicts_himself_settles_nothing(tmp_path):
    rows = [{"text": "Il nie.", "label": [label]} for label in ("denial", "neutral")]
    (tmp_path / "ana.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settled = settle(read_judgements(tmp_path / "ana.jsonl"))
    assert settled.statements == []
    assert len(settled.disagreements) == 1
