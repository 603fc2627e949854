"""Cuts French news articles into statements: sentences, and sentences of quotations with their attributing clause.

Rules only, written for French typography: no model, no dependency, time linear in the length of the text. A line break
ends a paragraph unless it merely wraps a line; inside a paragraph every full stop, question mark, exclamation mark and
ellipsis is a candidate, and what stands before and after it decides. The clause that attributes a quotation begins with
a small letter, a comma or a dash (« … ? », lance-t-il), so it stays with the sentence it is attached to.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from pipeline.articles.residue import kind_of_line, kind_of_sentence, opens_list, tail_of_sentence
from pipeline.records import Article, Residue, Statement

Span = tuple[int, int]
Piece = tuple[int, int, bool]  # a paragraph, or a part of it, and whether it is a known heading

_BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_LINE = re.compile(f"[^{_BREAKS}]+")
_WORD = re.compile(r"\S+")
_BULLETS = "•●▪■►▶➤➔♦‣◦"
_DASHES = "-–—"
_LIST_MARKS = _BULLETS + _DASHES + "*>"
_WEB_ADDRESS = re.compile(r"(?:https?:|www\.|[\w.+-]+@)", re.IGNORECASE)

# Everything that the walk through a paragraph has to look at. Spaces may stand inside a run of marks (« ? ! »).
_MARK = re.compile(rf"[\"(\[{_BULLETS}]|[.!?…]+(?:[ \u00a0\u202f]{{1,3}}[!?]+)*")
_SPACES = re.compile(r"\s*")
_OPENERS = "\"«“‹‘'„+*([¿¡"
_CLOSERS = "»”›)]"
# Marks that close only when they touch the sentence: elsewhere they are apostrophes, signs or footnotes.
_TOUCHING_CLOSERS = "'’‘+*"
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2764\ufe0f\u200d]+")
_ASIDE = re.compile(r"[(\[]\w+(?: \w+)?[.!…]?[)\]]|[(\[](?:[^()\[\].!?…]{1,80}|\s*(?:\.{2,5}|…)\s*)[)\]]")
_TAGS_TO_THE_END = re.compile(r"(?:[#@]\w+\s*)+(?:[\"»”]|$)")
_CAMEL = re.compile(r"[a-z][A-Z]")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_BARE_NUMBERING = re.compile(r"[\W_]*(?:\d{1,3}|[IVX]{1,5}|[A-Za-z])?[\W_]*")
_NUMBER = re.compile(r"\d|[IVXLC]+(?![\w'’])|[LRD]\.")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?|[^\W\d_]-)*[^\W\d_]")
_GLUED_SENTENCE = re.compile(r"[^\W\d_]['’]?[^\W\d_]*[\s,'’]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALWAYS_CONTINUED = _words(
    "M MM Mr Mrs Mme Mmes Mlle Mlles Me Mgr Dr Drs Pr Prs Prof prof St Ste Sts Sgt Lt Cdt Cne Col Gal Gén gén Ph Ch Th "
    "cf Cf env tél Tél av apr bd Bd vs c.-à-d p.ex"
)
_BEFORE_A_NUMBER = _words(
    "h tel Tel art Art al p pp t n no No vol chap fig éd réf janv févr fév avr juil juill sept oct nov déc"
)
_BEFORE_A_NAME = _words("Inc Ltd Corp Co Cie Jr Sr Bros ex éd coll trad dir a.m p.m i.e e.g")
_BEFORE_A_LETTER = _words(
    "vitamine vitamines plan groupe catégorie classe point bloc hépatite série division type lettre annexe zone "
    "section poule formule option terminal jour heure"
)
_NAME_PARTICLES = _words("le la l les de du des d")
_STARTERS = _NAME_PARTICLES | _words(
    "un une il elle ils elles on je j tu nous vous ce c cet cette ces cela ça ceux celui celle celles son sa ses leur "
    "leurs mon ma mes notre nos votre vos et mais ou or donc car ni puis alors ainsi aussi enfin ensuite après avant "
    "depuis pendant dans en à au aux avec sans sous sur pour par selon si s quand lorsque lorsqu comme parce puisque "
    "tandis malgré outre face grâce chez entre vers dès parmi plusieurs certains certaines tous tout toutes toute "
    "chaque aucun aucune deux trois quatre cinq dix qui que qu quoi où comment pourquoi combien quel quelle quels "
    "quelles hier aujourd demain lundi mardi mercredi jeudi vendredi samedi dimanche ne n pas plus non oui toujours "
    "déjà là ici cependant toutefois néanmoins pourtant désormais interrogé interrogée contacté contactée reste "
    "contrairement jusqu autant trop très mieux pire voilà voici rien personne ancien ancienne"
)


def segment(article: Article) -> tuple[list[Statement], list[Residue]]:
    """Cuts an article into its statements and sets web leftovers aside.

    Args:
        article: The article as it was read; spans in ``article.headings`` become statements of their own.

    Returns:
        The statements, indexed from 0, each with the one before it as context, and the residue, each with its kind.
        Spans are in order, do not overlap, and together cover everything that is not white space.
    """
    statements: list[Statement] = []
    residue: list[Residue] = []
    for (start, end), kind in _classified(article):
        text = article.text[start:end]
        if kind:
            residue.append(Residue(article.id, start, end, text, kind))
        else:
            context = statements[-1].text if statements else ""
            statements.append(Statement(article.id, len(statements), start, end, text, context))
    return statements, residue


def split(text: str, headings: Iterable[Span] = ()) -> list[Span]:
    """Finds the sentences of a text, residue included.

    Args:
        text: An article's body.
        headings: Spans known to be headings; each becomes one span of the result.

    Returns:
        Spans without white space at their edges, in order and disjoint, covering everything else.
    """
    return [span for piece in _pieces(text, headings) for span in _sentences(text, piece)]


def _classified(article: Article) -> Iterator[tuple[Span, str]]:
    """The spans of an article, each with the kind of its residue ('' for a statement)."""
    text, above, links = article.text, 0, False
    for start, end, is_heading in _pieces(text, article.headings):
        line = text[start:end]
        # « Lire aussi » may stand above its links: then the line right below it belongs to it, and bullets after that.
        is_link = links and line[-1] != "." and text.count("\n", above, start) <= 1 + (line[0] in _LIST_MARKS)
        kind = "read-also" if is_link else kind_of_line(line)
        links = (is_link and line[0] in _LIST_MARKS) or opens_list(line)
        above = end
        if kind:
            yield (start, end), kind
            continue
        for first, last in _sentences(text, (start, end, is_heading)):
            kind = kind_of_sentence(text[first:last])
            tail, tail_kind = (last - first, "") if kind else tail_of_sentence(text[first:last])
            if body := _trimmed(text, first, first + tail):
                yield body, kind
            if tail_kind:
                yield (first + tail, last), tail_kind


def _sentences(text: str, piece: Piece) -> Iterator[Span]:
    """The sentences of one paragraph; a heading stays whole."""
    start, end, is_heading = piece
    edges = [start, *(() if is_heading else _cuts(text, start, end)), end]
    for first, last in pairwise(edges):
        if span := _trimmed(text, first, last):
            yield span


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without white space at its edges; ``None`` if nothing is left."""
    piece = text[start:end]
    body = piece.strip()
    if not body:
        return None
    start += len(piece) - len(piece.lstrip())
    return start, start + len(body)


def _paragraphs(text: str) -> Iterator[Span]:
    """The paragraphs of a text: its lines, rejoined where a line break only wraps a sentence."""
    lines = [span for match in _LINE.finditer(text) if (span := _trimmed(text, *match.span()))]
    width = _wrap_width(text, lines)
    start = lines[0][0] if lines else 0
    for before, line in pairwise(lines):
        if not _is_wrapped(text, before, line, width):
            yield start, before[1]
            start = line[0]
    if lines:
        yield start, lines[-1][1]


def _wrap_width(text: str, lines: Sequence[Span]) -> int:
    """The width at which a text was hard-wrapped, or 0 if it was not (as nearly all articles from the web)."""
    width = max((end - start for start, end in lines), default=0)
    if not 40 <= width <= 100:
        return 0
    full = sum(_is_full(text, line, following, width) for line, following in pairwise(lines))
    return width if 2 * full >= len(lines) else 0


def _is_full(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether the first word of the following line would not have fitted on this one."""
    word = _WORD.match(text, following[0], following[1])
    return word is not None and line[1] - line[0] + 1 + len(word.group()) > width


def _is_wrapped(text: str, before: Span, line: Span, width: int) -> bool:
    """Whether the line goes on with the sentence of the line before it."""
    first, last = text[line[0]], text[before[1] - 1]
    if last == "." and _last_words(text, *before)[-1][:-1] in _ALWAYS_CONTINUED:
        return True
    # A quotation mark that stands alone closes the quotation of the line before.
    if first == '"' and not text[line[0] + 1 : line[0] + 2].strip() and text.count('"', *before) % 2:
        return True
    gap = text[before[1] : line[0]].replace("\r\n", "\n")
    if sum(gap.count(mark) for mark in _BREAKS) > 1:
        return False
    if first in _CLOSERS or first in ",;:!?":
        return True
    if first.islower():
        return last not in ".:;!?…" and not _WEB_ADDRESS.match(text, *line)
    return width > 0 and first not in _LIST_MARKS + '«“"' and _is_full(text, before, line, width)


def _pieces(text: str, headings: Iterable[Span]) -> Iterator[Piece]:
    """The paragraphs of a text, with the known headings in them cut out."""
    waiting = sorted((max(0, start), end) for start, end in headings if end > start)[::-1]
    for start, end in _paragraphs(text):
        for left, right, is_heading in _around_headings(start, end, waiting):
            if span := _trimmed(text, left, right):
                yield *span, is_heading


def _around_headings(start: int, end: int, waiting: list[Span]) -> Iterator[Piece]:
    """Cuts one paragraph at the headings in it, taking them from the end of ``waiting``."""
    while waiting and waiting[-1][0] < end:
        heading = waiting.pop()
        left, right = max(heading[0], start), min(heading[1], end)
        if left < right:
            yield start, left, False
            yield left, right, True
            start = right
        if heading[1] > end:  # a heading over several paragraphs goes on in the next one
            waiting.append((end, heading[1]))
            break
    yield start, end, False


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """The positions inside one paragraph at which a sentence ends and another begins."""
    sentence, position, quotes, bracket = start, start, 0, -1
    while match := _MARK.search(text, position, end):
        at, position = match.span()
        mark = text[at]
        if mark == '"':
            quotes = quotes + 1 if _opens_quotation(text, at, start, end, quotes) else max(0, quotes - 1)
        elif mark in "([":
            bracket = at
        elif mark in _BULLETS:
            if at > sentence and text[at - 1].isspace():
                yield at
                sentence = at
        else:
            close, quotes = _after_closers(text, position, start, end, quotes)
            stop, position = (at, position), close
            if not _is_abbreviation(text, sentence, at, close, end):
                position = _after_aside(text, close, end)
                if _ends_sentence(text, sentence, stop, position, end, bracket):
                    yield position
                    sentence = position


def _last_words(text: str, start: int, end: int) -> list[str]:
    """The words that end at ``end``; the first of them may be cut off."""
    return text[max(start, end - 40) : end].split()


def _opens_quotation(text: str, at: int, start: int, end: int, quotes: int) -> bool:
    """Whether the straight quotation mark opens; where spaces do not tell (stray ones), the open ones are counted."""
    before = text[at - 1] if at > start else " "
    after = text[at + 1] if at + 1 < end else " "
    space_before = before.isspace() or before in "([«“‘'’-–—/"
    space_after = after.isspace() or after in ",.;:!?)]»”…"
    if space_before != space_after:
        return space_before
    following = _after_spaces(text, at + 1, min(end, at + 5))
    return not quotes and text[following : min(following + 1, end)] not in (",", ".", ";")


def _after_closers(text: str, position: int, start: int, end: int, quotes: int) -> tuple[int, int]:
    """Walks over the marks that close the sentence ending at ``position``.

    Returns:
        The position after closing quotation marks, brackets and further stops, and the quotations still open.
    """
    while position < end:
        at = _after_spaces(text, position, end)
        if at == end:
            break
        mark = text[at]
        if mark == '"' and not _opens_quotation(text, at, start, end, quotes):
            quotes = max(0, quotes - 1)
        elif not (mark in _CLOSERS or (at == position and (mark in _TOUCHING_CLOSERS or mark in ".!?…"))):
            emoji = _EMOJI.match(text, at, end)
            if not emoji:
                break
            at = emoji.end() - 1
        position = at + 1
    return position, quotes


def _after_aside(text: str, position: int, end: int) -> int:
    """The position after a short aside in brackets that belongs to the sentence before it: (Rires), (...), (avec X)."""
    aside = _ASIDE.match(text, _after_spaces(text, position, end), end)
    return aside.end() if aside else position


def _after_spaces(text: str, position: int, end: int) -> int:
    """The position of the next character that is not white space, or ``end``."""
    spaces = _SPACES.match(text, position, end)
    return spaces.end() if spaces else position


def _is_abbreviation(text: str, sentence: int, dot: int, close: int, end: int) -> bool:
    """Whether the full stop only ends an abbreviation, with the sentence going on after it."""
    if text[dot:close].strip("\"»”')") != ".":
        return False
    words = _last_words(text, sentence, dot)
    if not words or text[dot - 1].isspace():
        return False
    word = words[-1].replace("’", "'").lstrip("([\"«“'-–—").rpartition("'")[2]
    if word in _ALWAYS_CONTINUED:
        return True
    after = _after_spaces(text, close, end)
    if word in _BEFORE_A_NUMBER and _NUMBER.match(text, after, end):
        return True
    if word.isdigit() and len(word) < 3 and len(words) > 1 and words[-2][-1] in ":;,)":  # « deux motifs : 1. Le coût »
        return True
    is_initials = _INITIALS.fullmatch(word) is not None and word[-1].isupper()
    if not is_initials and word not in _BEFORE_A_NAME:
        return False
    previous = words[-2] if len(words) > 1 else ""
    if previous in _BEFORE_A_LETTER or previous in ("av.", "apr.", "ap.", "avant", "après"):
        return False
    next_word = _FIRST_WORD.match(text, after, end)
    if not next_word or not _is_starter(next_word.group()):
        return True
    # « J.-M. Le Gall » against « Mehdi N. Le suspect »: a particle belongs to the name unless a first name came before.
    is_no_name = _is_starter(previous) or previous.rstrip(".") in _ALWAYS_CONTINUED
    follows_first_name = previous[:1].isupper() and not is_no_name
    before_a_name = is_initials and (len(word) == 1 or "-" in word) and not follows_first_name
    return before_a_name and next_word.group().lower() in _NAME_PARTICLES


def _ends_sentence(text: str, sentence: int, stop: Span, close: int, end: int, bracket: int) -> bool:
    """Whether a sentence ends at ``close``.

    Args:
        text: The article.
        sentence: Where the current sentence begins.
        stop: Span of the full stop, question or exclamation mark, or ellipsis.
        close: Position after the marks that close the sentence.
        end: End of the paragraph.
        bracket: Position of the latest opening bracket.
    """
    after = _after_spaces(text, close, end)
    if after == end or (stop[0] - sentence < 8 and _BARE_NUMBERING.fullmatch(text, sentence, stop[0])):
        return False
    mark, closed = text[slice(*stop)].strip(), text[stop[1] : close]
    in_bracket = closed[:1] in (")", "]") and not any(mark in closed for mark in ".!?…")
    if in_bracket and bracket > sentence and _has_words(text, sentence, bracket):
        # A bracket inside the sentence ends nothing: « le maire (sans étiquette !) Paul Aubin ».
        is_omission = bracket + 1 == stop[0] and mark.startswith(("..", "…"))
        return is_omission and _opens_statement(text, after, end)
    if after == close:
        return _glued_sentence_follows(text, sentence, stop[0], after, end, closed)
    if text[after] in _DASHES:
        if mark == "." and _is_label(text[max(sentence, stop[0] - 41) : stop[0]]):
            return False
        return _turn_follows(text, after, end, quoted=closed.strip()[-1:] in ("»", "”", '"'))
    return _sentence_follows(text, after, end, mark)


def _sentence_follows(text: str, after: int, end: int, mark: str) -> bool:
    """Whether what stands at ``after`` can begin a sentence, and does not go on with the one that ``mark`` may end."""
    first = text[after]
    if first in "#@":
        return not _TAGS_TO_THE_END.match(text, after, end)
    if first in _OPENERS:
        inner = after
        while inner < end and (text[inner] in _OPENERS or text[inner].isspace()):
            inner += 1
        if inner == end or not (text[inner].isalnum() or text.startswith(("...", "…", "#", "@"), inner)):
            return False
        return not text[inner].islower() or (mark == "." and first not in "([")
    if first.isdigit():
        return mark not in ("...", "…")
    if first.islower():  # the clause that attributes a quotation, unless it is a name like « iPhone »
        return mark == "." and _CAMEL.match(text, after, end) is not None
    return first not in ".,;:/)]}%&=|+" or text.startswith("...", after)


def _has_words(text: str, start: int, end: int) -> bool:
    """Whether anything but opening marks stands in the span; its first characters tell."""
    return bool(text[start : min(end, start + 12)].strip(_OPENERS + _DASHES + " "))


def _opens_statement(text: str, after: int, end: int) -> bool:
    """Whether a quotation or a word that often begins a sentence, with a capital, stands at ``after``."""
    word = _FIRST_WORD.match(text, after, end)
    return text[after] in '"«“' or (word is not None and _is_starter(word.group()))


def _is_starter(word: str) -> bool:
    """Whether the word, with a capital, often begins a sentence."""
    return word[:1].isupper() and word.lower() in _STARTERS


def _is_label(sentence: str) -> bool:
    """Whether the words before a stop and a dash only name a place, a speaker or a section: « LYON. – … »."""
    return len(sentence) <= 40 and sentence.strip()[:1] not in _DASHES and len(sentence.split()) <= 3


def _turn_follows(text: str, dash: int, end: int, *, quoted: bool) -> bool:
    """Whether the dash opens a turn of a dialogue, and not an incise or, after a quotation, its author's name."""
    inner = dash
    while inner < end and (text[inner] in _DASHES or text[inner].isspace() or text[inner] in _OPENERS):
        inner += 1
    if inner == end or text[inner].islower():
        return False
    is_signature = quoted and end - inner <= 80 and not any(mark in text[inner : end - 1] for mark in ".!?…")
    return not is_signature


def _glued_sentence_follows(text: str, sentence: int, stop: int, after: int, end: int, closed: str) -> bool:
    """Whether a sentence begins although the space before it is missing (« fini.Le maire »)."""
    if text[after] in '"«“':
        return True
    if not text[after].isupper() or not _GLUED_SENTENCE.match(text, after, end):
        return False
    if closed:
        return True
    if text[stop] == "." and text[stop - 1].isspace():  # « son rival .NET »
        return False
    words = _last_words(text, sentence, stop)
    return len(words) > 0 and len(words[-1]) > 2 and words[-1].isalnum()
