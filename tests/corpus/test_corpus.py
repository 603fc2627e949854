import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import Data
from pipeline.corpus.checks import check, near_vectors
from pipeline.corpus.schema import SPLITS, CorpusError, json_lines, read_labelled, read_split, write_jsonl
from pipeline.corpus.splits import as_datasets, digest, load_splits, split_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def corpus(small_corpus, tmp_path):
    """A copy that a test may damage."""
    for split in SPLITS:
        (tmp_path / f"{split}.jsonl").write_bytes((small_corpus / f"{split}.jsonl").read_bytes())
    return tmp_path


def rewrite(corpus, split, change):
    records = [record for _, record in json_lines(corpus / f"{split}.jsonl")]
    change(records)
    write_jsonl(corpus / f"{split}.jsonl", records)
    return records


def test_the_shipped_corpus_has_no_problems():
    assert check(ROOT / "data" / "corpus") == []


def test_contrast_groups_change_their_label_and_share_no_text_with_the_corpus():
    members: dict[str, list[dict]] = {}
    for _, record in json_lines(ROOT / "data" / "contrast.jsonl"):
        members.setdefault(record["group"], []).append(record)
    assert len(members) >= 250
    assert all(len({m["label"] for m in group}) >= 2 for group in members.values())
    corpus = {r["text"] for split in SPLITS for _, r in json_lines(ROOT / "data" / "corpus" / f"{split}.jsonl")}
    assert not corpus & {m["text"] for group in members.values() for m in group}


def test_every_statement_stands_on_the_side_of_its_event():
    for split in SPLITS:
        for _, record in json_lines(ROOT / "data" / "corpus" / f"{split}.jsonl"):
            assert split_of(record["event"]) == split


def test_a_wrong_label_is_named_by_file_line_and_id(corpus):
    records = rewrite(corpus, "train", lambda r: r[36].update(label="acusation"))
    problem = next(p for p in check(corpus) if "label" in p)
    assert "train.jsonl:37" in problem
    assert records[36]["id"] in problem
    assert "'acusation', expected one of accusation, denial, neutral" in problem


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda r: r[0].update(text=""), "text"),
        (lambda r: r[0].update(text="Le maire a dÃ©menti."), "encoding damage"),
        (lambda r: r[0].update(guideline="0.9"), "guideline 0.9"),
        (lambda r: r[0].update(id=r[1]["id"]), "this id also stands at"),
        (lambda r: r[0].update(surprise=1), "surprise is not a field"),
        (lambda r: r[0].pop("event"), "event is missing"),
    ],
)
def test_damage_is_found(corpus, change, what):
    before = check(corpus)
    rewrite(corpus, "train", change)
    problems = [p for p in check(corpus) if p not in before]
    assert any(what in p for p in problems)


def test_an_event_on_two_sides_is_found(corpus):
    _, other = next(json_lines(corpus / "test.jsonl"))
    rewrite(corpus, "train", lambda r: r[0].update(event=other["event"]))
    assert any("is on two sides" in p for p in check(corpus))


def test_duplicates_and_near_duplicates_across_splits_are_found(corpus):
    text = "Le préfet a rappelé que la route départementale resterait fermée jusqu'au 14 mars au matin."
    rewrite(corpus, "train", lambda r: r[0].update(text=text))
    rewrite(corpus, "test", lambda r: r[0].update(text=text))
    assert any("the same text as" in p for p in check(corpus))
    rewrite(corpus, "test", lambda r: r[0].update(text=text.replace("14 mars", "15 mars")))
    assert any("near-duplicate" in p for p in check(corpus))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "empty"),
        ('{"text": "déjà"'.encode("latin-1"), "not UTF-8"),
        (b'{"text": "a", "label": "neutral"}\n{"text": \n', ":2: broken JSON"),
        (b"[1]\n", "expected a JSON object, found list"),
        (b'{"text": "a", "label": "Denial"}\n', "expected one of accusation, denial, neutral"),
    ],
)
def test_bad_labelled_files_are_explained(tmp_path, raw, what):
    path = tmp_path / "given.jsonl"
    path.write_bytes(raw)
    with pytest.raises(CorpusError, match=what):
        read_labelled(path)


def test_other_fields_of_a_labelled_file_are_kept(tmp_path):
    path = tmp_path / "given.jsonl"
    path.write_text(json.dumps({"text": "a", "label": "denial", "desk": "sport"}) + "\n")
    assert read_labelled(path)[0].model_dump()["desk"] == "sport"


def test_parts_and_fraction_cut_training_only_and_by_event(small_corpus):
    everything = load_splits(Data(corpus=str(small_corpus)), seed=1)
    half = load_splits(Data(corpus=str(small_corpus), fraction=0.5), seed=1)
    assert 0 < len(half["train"]) < len(everything["train"])
    assert half["test"] == everything["test"]
    kept = {r.event for r in half["train"]}
    assert all(r in half["train"] for r in everything["train"] if r.event in kept)
    hard = load_splits(Data(corpus=str(small_corpus), parts=["hard"]), seed=1)
    assert {r.part for r in hard["train"]} == {"hard"}


def test_splits_are_datasets_and_the_digest_covers_every_byte(corpus):
    dataset = as_datasets(load_splits(Data(corpus=str(corpus)), seed=1))
    assert set(dataset) == set(SPLITS)
    assert {"text", "label", "event"} <= set(dataset["train"].column_names)
    before = digest(corpus)
    with (corpus / "test.jsonl").open("a") as out:
        out.write("\n")
    assert digest(corpus) != before


def test_the_nearest_statements_by_vector_are_of_different_events(small_corpus):
    records = [r for r in read_split(small_corpus, "train") if len(r.text.split()) >= 8][:6]
    records = [r.model_copy(update={"event": event}) for r, event in zip(records, "aabcde", strict=True)]
    angles = np.array([0.0, 0.01, 0.5, 0.7, 1.5, 3.0])
    pairs = near_vectors(records, np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32), limit=2)
    assert [(p.first.id, p.second.id) for p in pairs] == [
        (records[2].id, records[3].id),
        (records[1].id, records[2].id),
    ]
    assert pairs[0].similarity == pytest.approx(np.cos(0.2), abs=1e-6)


def test_a_near_copy_inside_one_event_is_a_problem(corpus):
    def copy(records):
        first = next(r for r in records if len(r["text"]) > 150)
        records.append({**first, "id": "copy", "text": first["text"] + " Fin."})

    rewrite(corpus, "train", copy)
    assert any("copy is a near-duplicate" in p for p in check(corpus))
