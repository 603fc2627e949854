"""Statements out to labelling tools with a model's guesses, and people's labels back.

File formats, as the tools document them: Label Studio tasks with predictions, and its JSON and JSON-MIN exports
(labelstud.io/guide/predictions, /guide/task_format, /guide/export); Argilla's ``records.to_json`` and ``from_json``
(docs.argilla.io, rg.Dataset.records; the file does not tell drafts from answers: filter for submitted ones); doccano's
JSONL of text classification, and its export, a ZIP with one JSONL a user where the users did not share their
annotations (doccano.github.io/doccano).
"""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from pipeline.corpus.schema import CorpusError, write_json, write_jsonl
from pipeline.corpus.tables import jsonl_rows
from pipeline.labels import LABELS
from pipeline.records import Reject
from pipeline.typography import normalise

Tool = Literal["label-studio", "argilla", "doccano"]

LABEL_STUDIO_CONFIG = """<View>
  <Header value="$title"/>
  <Text name="context" value="$context"/>
  <Text name="text" value="$text"/>
  <Choices name="label" toName="text" choice="single" required="true">
    <Choice value="accusation"/><Choice value="denial"/><Choice value="neutral"/>
  </Choices>
</View>"""
"""Labelling interface of a Label Studio project that takes :func:`write_tasks`' file."""


@dataclass(frozen=True, slots=True)
class Task:
    """A statement to be labelled; ``probabilities`` in label order, or ``None`` without a guess."""

    id: str
    text: str
    context: str = ""
    title: str = ""
    article: str = ""
    probabilities: tuple[float, ...] | None = None
    model: str = ""

    @property
    def guess(self) -> str:
        """The most probable label."""
        return LABELS[int(np.argmax(self.probabilities))] if self.probabilities else ""

    def shown(self) -> dict[str, str]:
        """What the tool keeps beside the text and gives back."""
        return {"statement_id": self.id, "context": self.context, "title": self.title, "article": self.article}


def tasks(rows: Iterable[tuple[str, dict[str, Any]] | Reject]) -> tuple[list[Task], list[Reject]]:
    """Tasks from the rows of a scored or unlabelled table, in order; rows without text are set aside.

    Where a row has no ``context``, the row before it is taken if both belong to the same article. Guesses are read from
    ``p_accusation``, ``p_denial``, ``p_neutral`` where all three are there.
    """
    found: list[Task] = []
    rejects: list[Reject] = []
    for number, row in enumerate(rows):
        if isinstance(row, Reject):
            rejects.append(row)
            continue
        where, fields = row
        text = fields.get("text")
        if not isinstance(text, str) or not text.strip():
            rejects.append(Reject(where, f"no text; fields here are {', '.join(fields) or 'none'}"))
            continue
        article = str(fields.get("article_id", fields.get("article", "")))
        index = fields.get("statement_index", number)
        before = found[-1] if found and article and found[-1].article == article else None
        try:
            values = [float(fields[f"p_{label}"]) for label in LABELS if f"p_{label}" in fields]
        except (TypeError, ValueError):
            rejects.append(Reject(where, "p_accusation, p_denial, p_neutral are not numbers with a decimal point"))
            continue
        found.append(
            Task(
                id=str(fields.get("id") or f"{article or Path(where).name}-{index}"),
                text=text,
                context=str(fields.get("context", before.text if before else "")),
                title=str(fields.get("title", "")),
                article=article,
                probabilities=tuple(values) if len(values) == len(LABELS) else None,
                model=str(fields.get("model", "")),
            )
        )
    return found, rejects


def choose(probabilities: NDArray[np.float64], count: int) -> list[int]:
    """Indices of the statements most worth a label: least certain first, by turns from each guessed label.

    Uncertainty is the margin between the two most probable labels (Scheffer, Decomain and Wrobel 2001). Turns between
    the labels keep the choice from being all neutral, as news is.

    Args:
        probabilities: Float array (n, 3) in label order.
        count: At most so many are chosen.
    """
    ordered = np.sort(probabilities, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    queues = [
        sorted(np.flatnonzero(probabilities.argmax(axis=1) == label).tolist(), key=lambda i: (margins[i], i))
        for label in range(len(LABELS))
    ]
    chosen: list[int] = []
    while len(chosen) < count and any(queues):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0))
    return chosen


def write_tasks(tool: Tool, path: Path, items: Sequence[Task]) -> None:
    """Write an import file of ``tool``: JSON for Label Studio and Argilla, JSONL for doccano.

    doccano has no place for a guess but the label itself: export only the examples that somebody approved.
    """
    if tool == "doccano":
        rows = [{"text": t.text, "label": [t.guess] if t.guess else [], **t.shown()} for t in items]
        write_jsonl(path, rows)
        return
    make = _label_studio_task if tool == "label-studio" else _argilla_record
    write_json(path, [make(t) for t in items])


def _label_studio_task(task: Task) -> dict[str, Any]:
    made: dict[str, Any] = {"data": {"text": task.text, **task.shown()}}
    if task.probabilities:
        choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [task.guess]}}
        made["predictions"] = [
            {"model_version": task.model, "score": round(max(task.probabilities), 4), "result": [choice]}
        ]
    return made


def _argilla_record(task: Task) -> dict[str, Any]:
    suggestion = {
        "value": task.guess, "score": round(max(task.probabilities or (0.0,)), 4), "agent": task.model or None
    }  # fmt: skip
    return {
        "id": task.id,
        "fields": {"text": task.text, "context": task.context},
        "metadata": {"title": task.title, "article": task.article},
        "suggestions": {"label": suggestion} if task.probabilities else {},
        "responses": {},
        "vectors": {},
    }


@dataclass(frozen=True, slots=True)
class Judgement:
    """One person's label of one statement."""

    where: str
    annotator: str
    label: str
    text: str
    id: str = ""
    context: str = ""
    title: str = ""
    article: str = ""


@dataclass(slots=True)
class Settled:
    """What people's judgements come to.

    Attributes:
        statements: Rows that :func:`pipeline.corpus.additions.add` takes: labelled by one person, by two or more who
            agree, or by a strict majority of three or more.
        disagreements: Statements without a majority, with the label of each person; for a third reading.
        agreement: For each two people: statements that both labelled, share of equal labels, Cohen's kappa (not a
            number where both used one and the same label only).
        rejects: Entries that are no judgement, with their reason.
    """

    statements: list[dict[str, Any]] = field(default_factory=list)
    disagreements: list[dict[str, Any]] = field(default_factory=list)
    agreement: dict[tuple[str, str], tuple[int, float, float]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)


def read_judgements(path: Path) -> Iterator[Judgement | Reject]:
    """Every judgement in an export of one of the tools, which is recognised by its form.

    Raises:
        CorpusError: The file cannot be read, or is of no known form.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = sorted(n for n in archive.namelist() if n.endswith(".jsonl") and not n.startswith("__"))
                if not names:
                    raise CorpusError(f"{path}: no .jsonl in this ZIP; choose JSONL when you export from doccano.")
                for name in names:
                    yield from _doccano(f"{path}/{name}", archive.read(name).decode("utf-8-sig"), Path(name).stem)
            return
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 text (byte {error.start}).") from error
    if path.suffix == ".jsonl":
        yield from _doccano(str(path), text, path.stem)
        return
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{path}: broken JSON ({error.msg} at line {error.lineno}).") from error
    read = _reader_of(entries)
    if read is None:
        raise CorpusError(
            f"{path}: not an export that is known here. Known are Label Studio's JSON and JSON-MIN, Argilla's "
            "records.to_json, and doccano's JSONL or ZIP."
        )
    for number, entry in enumerate(entries):
        where = f"{path}, entry {number}"
        try:
            yield from read(where, entry)
        except (KeyError, TypeError, AttributeError) as error:
            yield Reject(where, f"not of the form of the first entry ({type(error).__name__}: {error})")


def _reader_of(entries: Any) -> Any:
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return None
    if "data" in entries[0] and "annotations" in entries[0]:
        return _label_studio
    if "fields" in entries[0] and "responses" in entries[0]:
        return _argilla
    return _label_studio_min if "annotator" in entries[0] and "text" in entries[0] else None


def _judgement(where: str, annotator: Any, label: Any, shown: dict[str, Any]) -> Judgement | Reject:
    labels = label if isinstance(label, list) else [label]
    if len(labels) != 1 or labels[0] not in LABELS:
        said = ", ".join(map(str, labels)) or "nothing"
        return Reject(where, f"labelled {said}; expected one of {', '.join(LABELS)}")
    text = shown.get("text")
    if not isinstance(text, str) or not text.strip():
        return Reject(where, "no text")
    kept = {name: str(shown.get(name) or "") for name in ("context", "title", "article")}
    return Judgement(where, str(annotator), labels[0], text, str(shown.get("statement_id") or ""), **kept)


def _label_studio(where: str, entry: dict[str, Any]) -> Iterator[Judgement | Reject]:
    for annotation in entry["annotations"]:
        by = annotation.get("completed_by", "unknown")
        by = by.get("email") or by.get("id") if isinstance(by, dict) else by
        if annotation.get("was_cancelled"):
            yield Reject(where, f"skipped by {by}")
            continue
        results = annotation["result"]
        if any(item.get("from_name") == "label" for item in results):  # there may be other controls beside ours
            results = [item for item in results if item.get("from_name") == "label"]
        choices = [choice for item in results for choice in item.get("value", {}).get("choices", [])]
        yield _judgement(where, by, choices, entry["data"])


def _label_studio_min(where: str, entry: dict[str, Any]) -> Iterator[Judgement | Reject]:
    label = entry.get("label", entry.get("choice", []))
    yield _judgement(where, entry["annotator"], label["choices"] if isinstance(label, dict) else label, entry)


def _argilla(where: str, entry: dict[str, Any]) -> Iterator[Judgement | Reject]:
    shown = {**(entry.get("metadata") or {}), **entry["fields"], "statement_id": entry.get("id")}
    answers = (entry["responses"] or {}).get("label", [])
    if not answers:
        yield Reject(where, "nobody answered")
    for answer in answers:
        yield _judgement(where, answer.get("user_id", "unknown"), answer["value"], shown)


def _doccano(name: str, text: str, annotator: str) -> Iterator[Judgement | Reject]:
    for row in jsonl_rows(name, text):
        if isinstance(row, Reject):
            yield row
        else:
            where, entry = row
            yield _judgement(where, annotator, entry.get("label", []), entry)


def settle(judgements: Iterable[Judgement | Reject]) -> Settled:
    """One label a statement from what several people said, and how well they agree."""
    settled = Settled()
    by_statement: dict[tuple[str, str], dict[str, Judgement]] = defaultdict(dict)
    contradicted: set[tuple[str, str]] = set()
    for item in judgements:
        if isinstance(item, Reject):
            settled.rejects.append(item)
            continue
        key = (item.id, normalise(item.text))  # ids of two scored batches may be the same
        said = by_statement[key]
        if item.annotator in said and said[item.annotator].label != item.label:
            settled.rejects.append(Reject(item.where, f"{item.annotator} labelled this twice, differently", item.id))
            contradicted.add(key)
        else:
            said[item.annotator] = item
    for key, said in by_statement.items():
        first = next(iter(said.values()))
        labels = [judgement.label for judgement in said.values()]
        label, votes = Counter(labels).most_common(1)[0]
        row = {name: getattr(first, name) for name in ("id", "text", "context", "title", "article")}
        if votes * 2 > len(labels) and key not in contradicted:
            second = labels[1] if len(labels) > 1 else ""
            settled.statements.append({**row, "label": label, "first_label": labels[0], "second_label": second})
        else:
            settled.disagreements.append({**row, "labels": {who: j.label for who, j in said.items()}})
    people = sorted({who for said in by_statement.values() for who in said})
    for one, other in combinations(people, 2):
        pairs = [
            (said[one].label, said[other].label) for said in by_statement.values() if one in said and other in said
        ]
        if pairs:
            left, right = zip(*pairs, strict=True)
            equal = sum(a == b for a, b in pairs) / len(pairs)
            # With one label in all there is nothing to agree on beyond chance: kappa is 0/0.
            kappa = float(cohen_kappa_score(left, right)) if len(set(left + right)) > 1 else float("nan")
            settled.agreement[one, other] = (len(pairs), equal, kappa)
    return settled
