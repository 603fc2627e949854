"""An HTML page to an article: trafilatura finds the text, we keep paragraphs and headings apart."""

from pathlib import Path
from typing import Any

import trafilatura
from lxml import etree

from pipeline.records import Article, Reject

_BLOCKS = ("p", "head", "item", "quote", "cell", "fw", "ab")


def read_html(path: Path, html: str) -> Article | Reject:
    """The article of one page; its headings, also bold ones inside a paragraph, are known by their spans."""
    found = trafilatura.bare_extraction(html, include_formatting=True, include_comments=False, favor_recall=True)
    if found is None or found.body is None:
        return Reject(str(path), "no article text found in this HTML page", path.stem)
    text, headings = _text_of(found.body)
    return Article(
        id=path.stem,
        text=text,
        title=found.title or "",
        date=found.date or "",
        url=found.url or "",
        source=str(path),
        headings=tuple(headings),
    )


def _text_of(body: Any) -> tuple[str, list[tuple[int, int]]]:
    """Blocks joined by blank lines, with the spans of headings."""
    parts: list[str] = []
    headings: list[tuple[int, int]] = []
    at = 0

    def add(text: str, heading: bool) -> None:
        nonlocal at
        text = " ".join(text.split())
        if not text:
            return
        if parts:
            parts.append("\n\n")
            at += 2
        if heading:
            headings.append((at, at + len(text)))
        parts.append(text)
        at += len(text)

    for block in body.iter(*_BLOCKS):
        if any(True for _ in block.iterchildren(*_BLOCKS)):
            continue
        bold, rest = _bold_heading(block)
        if bold:
            add(bold, heading=True)
        add(rest, heading=block.tag == "head")
    return "".join(parts), headings


def _bold_heading(block: Any) -> tuple[str, str]:
    """A bold run that opens a paragraph and is no sentence of it is a heading: ``(heading, rest)``."""
    everything = "".join(block.itertext())
    first = block[0] if len(block) else None
    if (
        block.tag != "p"
        or first is None
        or etree.QName(first).localname != "hi"
        or "b" not in (first.get("rend") or "")
        or (block.text or "").strip()
    ):
        return "", everything
    bold, tail = "".join(first.itertext()).strip(), everything[len(block.text or "") + len("".join(first.itertext())) :]
    follows = len(block) > 1 and etree.QName(block[1]).localname == "lb" and not (first.tail or "").strip()
    opens_sentence = tail.lstrip()[:1].isupper() or tail.lstrip()[:1] in '«"“'
    if bold and bold[-1] not in ".,;:" and (follows or opens_sentence) and tail.strip():
        return bold, tail
    return "", everything
