"""Free words: the thing that is wanted, what should be written down, whom it concerns."""

import re

from charter.models.embedded.commands import ARTICLES, VAGUE, is_little, is_verb
from charter.models.embedded.dates import Span
from charter.models.embedded.function import Function
from charter.models.embedded.reading import Reading, inside
from charter.models.embedded.words import stem, table

_STOP = re.compile(r"[,.;:!?()]|\s[-–—]\s")
_ENDS = table("because since that which so weil dass damit costs cost kostet is it bitte please asap")
_OWN = table("me us my our him her them you mich mir uns mein meine meinen meinem unser unsere")
_SMALL_PREPOSITIONS = table("for of in on at by with from to für von bei mit zu um auf over über costing priced")
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{2,})[\"”“»]|(?<!\w)'([^']{2,})'(?!\w)")


def quoted(reading: Reading) -> str | None:
    found = _QUOTED.search(reading.text.raw)
    return (found[1] or found[2]).strip() if found else None


def thing(reading: Reading, taken: list[Span]) -> tuple[str, Span] | None:
    """Return the thing that is asked for, as it was written, without its article; None where only 'something' is.

    ``taken`` are the places of values that belong to other arguments.
    """
    tokens = reading.tokens
    first = _begin(reading, taken)
    if first is None:
        return None
    last = first
    while last + 1 < len(tokens) and not _breaks(reading, last, taken):
        last += 1
    while last > first and tokens[last][0].casefold() in _SMALL_PREPOSITIONS | ARTICLES:
        last -= 1
    while first <= last and tokens[first][0].casefold() in ARTICLES:
        first += 1
    said = {token[0].casefold() for token in tokens[first : last + 1]}
    if not said - VAGUE - _SMALL_PREPOSITIONS:
        return None
    span = (tokens[first].start(), tokens[last].end())
    return reading.original(span), span


def _begin(reading: Reading, taken: list[Span]) -> int | None:
    commanded = False
    for at, token in enumerate(reading.tokens):
        word = token[0].casefold()
        if inside(token, taken):
            continue
        if word in ARTICLES or token[0][0].isdigit():
            return at
        if is_verb(word) and not commanded:
            commanded = True
        elif not is_little(word) and word not in _ENDS:
            return at
    return None


def _breaks(reading: Reading, at: int, taken: list[Span]) -> bool:
    """Tell whether the phrase ends with the token at ``at``."""
    token, following = reading.tokens[at], reading.tokens[at + 1]
    word = following[0].casefold()
    gap = reading.clear[token.end() : following.start()]
    if _STOP.search(gap) or inside(following, taken) or word in _ENDS:
        return True
    if token[0].casefold() in _SMALL_PREPOSITIONS and word in _OWN:
        return True
    ended = at + 2 >= len(reading.tokens) or _STOP.search(
        reading.clear[following.end() : reading.tokens[at + 2].start()]
    )
    return bool(ended) and is_verb(word) and token[0].casefold() not in ARTICLES


def search_words(reading: Reading, function: Function, taken: list[Span]) -> str | None:
    """Return what is searched for: the words left when those of asking and of the function itself are gone."""
    kept = [
        token
        for token in reading.tokens
        if not inside(token, taken) and not is_little(token[0]) and token[0].casefold() not in VAGUE
        and not is_verb(token[0]) and stem(token[0]) not in function.own_words
    ]  # fmt: skip
    return reading.clear[kept[0].start() : kept[-1].end()] if kept else None


_PROPER = re.compile(r"[A-ZÄÖÜ][\w&.'’-]*(?:\s+(?:&\s+)?[A-ZÄÖÜ][\w&'’-]*)*")
_FROM = re.compile(r"\b(?:from|by|von|bei)\s+$", re.IGNORECASE)


def names(reading: Reading, function: Function, taken: list[Span]) -> list[tuple[bool, Span]]:
    """Return the proper names, each with whether it stands behind 'from' and so is the other party."""
    found: list[tuple[bool, Span]] = []
    for run in _PROPER.finditer(reading.clear):
        start, end = run.span()
        before = reading.clear[:start].rstrip()
        if not reading.answers and (not before or before[-1] in ".!?"):
            start += _first_word(run[0])
        if start >= end or any(start < stop and begin < end for begin, stop in taken):
            continue
        before = reading.clear[:start]
        article = re.search(r"(\w+)\s+$", before)
        said = re.findall(r"\w+", reading.clear[start:end])
        known = all(stem(word) in function.own_words or is_little(word) for word in said)
        if known or (article and article[1].casefold() in ARTICLES):
            continue
        found.append((_FROM.search(before) is not None, (start, end)))
    return found


def _first_word(run: str) -> int:
    # The first word of a sentence is capital anyway: it is no name by that.
    gap = re.match(r"[\w'’-]+\s*", run)
    return gap.end() if gap else 0
