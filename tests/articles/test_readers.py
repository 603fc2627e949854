import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.articles.readers import Columns, InputError, find_files, read_articles
from pipeline.records import Article, Reject

TEXT = "Le maire a nié les faits. Le conseil s'est tenu mardi."


def read(path, columns=None):
    return list(read_articles(find_files([str(path)]), columns))


def test_a_text_file_is_an_article_with_its_headline_as_title(tmp_path):
    (tmp_path / "a.txt").write_text(f"Conseil agité à Vire\n\n{TEXT}\n", encoding="utf-8-sig")
    (article,) = read(tmp_path / "a.txt")
    assert (article.id, article.title) == ("a", "Conseil agité à Vire")
    assert TEXT in article.text


def test_all_formats_give_the_same_article(tmp_path):
    record = {"id": "7", "title": "Titre", "text": TEXT, "date": "2024-05-02", "url": "https://exemple.fr/7"}
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    with (tmp_path / "a.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, record, delimiter=";")
        writer.writeheader()
        writer.writerow(record)
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "a.parquet")
    articles = [read(tmp_path / f"a.{suffix}")[0] for suffix in ("jsonl", "csv", "parquet")]
    assert {(a.id, a.title, a.text, a.date, a.url) for a in articles} == {
        tuple(record[k] for k in ("id", "title", "text", "date", "url"))
    }


def test_columns_can_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"corps": TEXT, "nr": 4}) + "\n")
    (article,) = read(tmp_path / "a.jsonl", Columns(text="corps", id="nr"))
    assert (article.id, article.text) == ("4", TEXT)


def test_html_gives_text_without_the_page_around_it(tmp_path):
    (tmp_path / "a.html").write_text(
        "<html><head><title>Vire : le maire répond</title></head><body><nav>Accueil Sports</nav><article><h1>Vire : le maire "
        f"répond</h1><p>{TEXT} La séance a duré quatre heures et demie, devant une salle comble et attentive.</p>"
        "<h2>Un budget contesté</h2><p><strong>Une salle comble</strong><br>Le public était venu nombreux, malgré la pluie "
        "et le match retransmis à la même heure au café voisin.</p></article><footer>Mentions légales</footer></body></html>"
    )
    (article,) = read(tmp_path / "a.html")
    assert TEXT in article.text
    assert "Mentions légales" not in article.text
    assert "Un budget contesté" in [article.text[start:end] for start, end in article.headings]


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.txt", "Le maire a démenti.".encode("latin-1"), "not UTF-8"),
        ("a.txt", b"Le maire\x00 a nie.", "NUL byte"),
        ("a.txt", b" \n\n ", "no text"),
        ("a.jsonl", b'{"id": "1", "text": ""}\n', "no text"),
        ("a.jsonl", b'{"id": "1", "body": "x"}\n', "no field 'text'; fields here are id, body"),
        ("a.jsonl", b'{"id": "1", "text": 5}\n', "is int, expected text"),
        ("a.jsonl", b'{"id": "1", "text": "a\\u0000b"}\n', "NUL byte"),
        ("a.jsonl", b"[1, 2]\n", "expected an object"),
        ("a.csv", b"id,body\n1,x\n", "no column 'text'; columns here are id, body"),
        ("a.csv", b'text\n"d\xe9menti"\n', "not UTF-8"),
        ("a.parquet", b"nothing of the kind", "not a readable Parquet file"),
        ("a.html", b"<html></html>", "no article text"),
    ],
)
def test_bad_input_is_set_aside_with_its_reason(tmp_path, name, raw, reason):
    (tmp_path / name).write_bytes(raw)
    (reject,) = read(tmp_path / name)
    assert isinstance(reject, Reject)
    assert reason in reject.reason
    assert name in reject.source


def test_a_broken_line_in_the_middle_costs_only_itself(tmp_path):
    good = [json.dumps({"id": str(i), "text": TEXT}) for i in range(3)]
    (tmp_path / "a.jsonl").write_text("\n".join([good[0], '{"id": "x", "text": "Le', good[1], "", good[2]]))
    items = read(tmp_path / "a.jsonl")
    assert [type(item) for item in items] == [Article, Reject, Article, Article]
    assert items[1].source.endswith("a.jsonl:2")


def test_a_second_article_of_one_id_is_set_aside(tmp_path):
    line = json.dumps({"id": "1", "text": TEXT})
    (tmp_path / "a.jsonl").write_text(f"{line}\n{line}\n")
    items = read(tmp_path / "a.jsonl")
    assert isinstance(items[1], Reject)
    assert "duplicate id" in items[1].reason
    assert "a.jsonl:1" in items[1].reason


def test_folders_and_globs_are_searched_in_a_stable_order(tmp_path):
    for name in ("b.txt", "a.txt", "notes.md"):
        (tmp_path / name).write_text(TEXT)
    assert [p.name for p in find_files([str(tmp_path)])] == ["a.txt", "b.txt"]
    assert [p.name for p in find_files([str(tmp_path / "*.txt"), str(tmp_path / "a.txt")])] == ["a.txt", "b.txt"]


@pytest.mark.parametrize(("name", "what"), [("nothing.txt", "no such file"), ("a.docx", "unknown kind")])
def test_inputs_that_name_nothing_are_an_error(tmp_path, name, what):
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(InputError, match=what):
        find_files([str(tmp_path / name)])
