"""A follow-up made to stand alone: 'and for managers?' means little to a search without what was asked before it.

By the words alone: whether a question leans on an earlier one, and what it takes from there.
"""

import re
from collections.abc import Sequence

from charter.models.embedded.commands import is_little, is_verb
from charter.models.embedded.words import WORD, table

_AND = re.compile(r"\W*(?:and|und|et|also|or|oder|but|aber|so)\b[\s,]*", re.IGNORECASE)
_ABOUT = re.compile(
    r"\W*(?:(?:what|how) about|was ist mit|wie (?:ist|sieht) es (?:mit|bei)|qu['’]en est-il (?:de|du|des))\b\s*",
    re.IGNORECASE,
)
_POINTING = table(
    "it its this these those they them their there that es sie dies diese dieser dieses davon dafür damit darüber dort "
    "ihn ihm ihnen il elle ils elles ça cela"
)
"""Words that stand for what was named before."""

_PLACED = table(
    "for of in on at by with without from to under during für von bei mit ohne in auf aus pour de en à avec sans chez sur"
)
_ASKING = table(
    "what which who whom whose where when why how much many long often far is are can may must should do does did will would has have "
    "was welche welcher welches wer wem wen wo wann warum wie viel viele lang lange oft ist sind kann darf muss soll wird hat "
    "quel quelle quels quelles qui où quand pourquoi comment combien est sont peut doit if wenn falls si"
)
_ARTICLE = r"(?:(?:the|a|an|our|my|der|die|das|dem|den|einem|einer|eine?|les?|la)\s+)?"
_PROPER = re.compile(r"(?<=\s)[A-ZÄÖÜ][\w.+#-]*(?:\s+[A-ZÄÖÜ][\w.+#-]*)*")
_CODE = re.compile(r"\b(?:\w+_\w+|[A-Za-z]+-\d[\w-]*)\b")

_FRAGMENT = 4
_POINTED = 3
"""So many words that say something may a fragment, or a question that points back, have of its own."""

CARRIED_CHARS = 160
"""As much of an earlier question is carried over."""


def standalone(said: str, before: Sequence[str]) -> str:
    """Return a question as it would be asked without a conversation; ``before`` are earlier messages, oldest first.

    One that stands alone is returned as it is, so nothing of an earlier topic gets into a new one.
    """
    if not before or not leans(said):
        return said
    earlier = _question(before)
    return _exchanged(said, earlier) or f"{_subject(earlier)}: {_own(said)}"


def leans(said: str) -> bool:
    """Tell whether a message is only a part of a question, to be understood with what was asked before it."""
    own = _own(said)
    words = [found[0].casefold() for found in WORD.finditer(own)]
    meant = [word for word in words if not is_little(word) and word not in _ASKING and word not in _POINTING]
    if not words or _CODE.search(own):
        return False
    opened, pointed = own != said.strip(), bool({*words} & _POINTING)
    if is_fragment(said):
        return (opened or words[0] in _PLACED) and len(meant) <= _FRAGMENT
    return len(meant) < (_POINTED + opened if pointed else 1 + opened)


def is_fragment(said: str) -> bool:
    """Tell whether a message asks nothing by itself: 'and for managers?'."""
    return not {found[0].casefold() for found in WORD.finditer(_own(said))} & _ASKING


def _own(said: str) -> str:
    """Return a message without 'and', 'what about' and the like at its beginning."""
    joined = _AND.match(said)
    rest = said[joined.end() :] if joined else said
    about = _ABOUT.match(rest)
    return (rest[about.end() :] if about else rest).strip()


def _exchanged(said: str, earlier: str) -> str | None:
    """Put what is named now in the place of its like: 'in Berlin' for 'in Munich', 'what about MySQL' for another name."""
    own = _own(said).rstrip(" ?!.")
    at = own.split(" ", 1)[0]
    if at.casefold() in _PLACED:
        like = re.search(rf"\b{re.escape(at)}\s+{_ARTICLE}[\w-]+(?=\W*$)", earlier, re.IGNORECASE)
        return f"{earlier[: like.start()]}{own}{earlier[like.end() :]}" if like else None
    names = list(_PROPER.finditer(earlier))
    if names and re.search(r"\b(?:what|how) about\b", said, re.IGNORECASE) and _PROPER.fullmatch(f" {own}", 1):
        return f"{earlier[: names[-1].start()]}{own}{earlier[names[-1].end() :]}"
    return None


def _question(before: Sequence[str]) -> str:
    """Return the last question that stands alone, with what follow-ups have exchanged in it since."""
    *rest, last = before
    if not rest or not leans(last):
        return last
    earlier = _question(rest)
    return _exchanged(last, earlier) or earlier


def _subject(earlier: str) -> str:
    """Return what a question was about: its words without those of asking."""
    said = [
        found
        for found in WORD.finditer(earlier)
        if not is_little(found[0]) and not is_verb(found[0]) and found[0].casefold() not in _ASKING
    ]
    begin = said[0].start() if said else 0
    return earlier[begin:].rstrip(" ?!.")[:CARRIED_CHARS]
