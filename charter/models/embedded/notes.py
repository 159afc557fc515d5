"""What should be written down: a problem, a comment, a reason, in the person's own words and without the command."""

import re

from charter.models.embedded.commands import ARTICLES, VAGUE, is_little, is_verb
from charter.models.embedded.dates import Span
from charter.models.embedded.function import Function
from charter.models.embedded.phrases import quoted
from charter.models.embedded.reading import Reading, inside
from charter.models.embedded.words import stem, table

_MARK = re.compile(r"\b(?:that|because|since|saying|dass|weil)\b\s+|:\s+|\s[-–—]\s", re.IGNORECASE)
_PIECES = re.compile(r"(?<=[,.;!?])\s+")
_LEADING = table("please bitte for für can you could it's its hi hello hallo")
_MOSTLY = 0.6
"""From this share of known words on, a piece is a command and not a matter."""


def told(reading: Reading, function: Function, taken: list[Span]) -> str | None:
    """Return what follows 'that' or a colon, or else the pieces that are no command; None where only a command is."""
    said = quoted(reading)
    if said:
        return said
    start = _behind_mark(reading, function, taken)
    pieces = _pieces(reading, (start, len(reading.clear)))
    kept = [piece for piece in pieces if not _commands(reading, piece, function, taken)]
    if start and pieces[0] not in kept:
        kept.insert(0, pieces[0])
    kept = kept or [piece for piece in pieces if reading.answers or _unknown(reading, piece, function, taken)]
    if not start:
        kept = [(_matter(reading, piece, taken), piece[1]) for piece in kept]
    text = " ".join(reading.original(piece).strip(" ,;:") for piece in kept)
    text = re.sub(r"\s+", " ", text).strip(" ,;:!")
    if not set(re.findall(r"\w+", text.casefold())) - VAGUE - ARTICLES:
        return None
    return text[0].upper() + text[1:]


def _behind_mark(reading: Reading, function: Function, taken: list[Span]) -> int:
    for mark in _MARK.finditer(reading.clear):
        if len(reading.clear[mark.end() :].split()) > 1 and _commands(reading, (0, mark.start()), function, taken):
            return mark.end()
    return 0


def _pieces(reading: Reading, whole: Span) -> list[Span]:
    start, spans = whole[0], list[Span]()
    for gap in _PIECES.finditer(reading.clear, *whole):
        spans.append((start, gap.start()))
        start = gap.end()
    return [*spans, (start, whole[1])]


def _said(reading: Reading, span: Span, taken: list[Span]) -> list[str]:
    tokens = (token for token in reading.tokens if span[0] <= token.start() < span[1])
    return [token[0] for token in tokens if not is_little(token[0]) and not inside(token, taken)]


def _asks(word: str, function: Function) -> bool:
    return is_verb(word) or stem(word) in function.own_words


def _known(word: str, function: Function) -> bool:
    return _asks(word, function) or stem(word) in function.option_words or word.casefold() in VAGUE


def _commands(reading: Reading, span: Span, function: Function, taken: list[Span]) -> bool:
    """Tell whether a piece only says what is to be done, not what it is about."""
    said = _said(reading, span, taken)
    known = [word for word in said if _known(word, function)]
    if len(known) == len(said):
        vague = all(word.casefold() in VAGUE for word in said)
        return vague or span[0] == 0 or any(_asks(word, function) for word in said)
    leads = next((word for word in said if word.casefold() not in VAGUE), "")
    return _known(leads, function) and any(_asks(word, function) for word in said) and len(known) >= _MOSTLY * len(said)


def _unknown(reading: Reading, span: Span, function: Function, taken: list[Span]) -> bool:
    return any(not _known(word, function) for word in _said(reading, span, taken))


def _matter(reading: Reading, span: Span, taken: list[Span]) -> int:
    """Return where a piece begins behind its command: 'Report a flat tyre' is about a flat tyre."""
    start = span[0]
    for token in reading.tokens:
        if token.start() < start:
            continue
        word = token[0].casefold()
        leads = is_verb(word) or inside(token, taken) or word in _LEADING
        gap = re.search(r"\w", reading.clear[start : token.start()])
        if token.end() >= span[1] or gap or not leads:
            break
        start = token.end()
    return start
