"""Whether a passage says what a sentence says. Pure, and strict rather than clever: in doubt it does not.

A sentence is held against single sentences of the passage, with what they lean on: the heading, the line above a list, the
sentence before a "they". Its numbers must stand there with what they count, its names, days and periods too; a denial, a
restriction, a bound or a condition on one side must stand on the other; and nearly all of its words must be those of the
passage, in each of its clauses. A paraphrase that goes far is lost to that; a changed amount, day, place or condition is not
let through. Measured on ``tests/knowledge/grounding.yaml``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charter.knowledge import qualifiers
from charter.knowledge.qualifiers import DENIES
from charter.knowledge.vocabulary import stems

_ENOUGH = 0.81
"""The share of a sentence's words that must be the passage's."""
_LONGEST = 1000
"""Characters of a sentence; none that is longer is looked at, since that would hold up the host."""
_FOREIGN = 1
"""Words that are not, at most, however long the sentence is."""

_ENDS = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“‘(\[]?[A-ZÄÖÜ0-9*-])|\n+")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|no|incl|max|min|z\.B|bzw|ca|Nr|Abs|Dr|Mr|Mrs|Ms)|\b\d{1,2})\.$"
)
_SPELT = {
    word: str(value)
    for value, word in enumerate(
        re.findall(
            r"\w+",
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
            "eighteen nineteen twenty",
        )
    )
} | {word: f"{n}0" for n, word in enumerate(("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 3)}
_RESTRICTS = re.compile(
    r"\b(?:only|all|every|any|always|each|alone|whenever|must|except|unless|without)\b", re.IGNORECASE
)
_NARROWS = frozenset({"only", "without"})
"""What may not be left out, either."""
_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-ZÄÖÜ][\w&-]+")
_TIMES = frozenset(
    stems(
        "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september "
        "october november december week month year hour minute percent"
    )
)
_THING = re.compile(r"\b(?:an?|the)\s+([^\W\d_]+)", re.IGNORECASE)
_LEANS = re.compile(r"(?:they|it|this|these|those|then|that|he|she|both)\b", re.IGNORECASE)
_SAME = (
    (re.compile(r"European Union|\bEU\b"), "EU"),
    (re.compile(r"United Kingdom|\bUK\b"), "UK"),
    (re.compile(r"\s?%"), " percent"),
    (re.compile(r"\s?€"), " EUR"),
    (re.compile(r"\bmay\b"), "can"),  # the verb, so that May is the month
)
_HEAD = re.compile(
    r"\b(\w+)\s+(?:can|must|is|are|was|were|has|have|does|do|will|shall|should|cannot|who|whose|which|that)\b",
    re.IGNORECASE,
)
"""The word before the verb: of whom or what something is said."""
_AGAINST = ("un", "non", "dis")
_HEADING = 3
"""From so many words on a heading can say something."""
_OPENS = frozenset(
    stems(
        "overview summary introduction guide notice article note question answer key point glance example detail rule policy"
    )
)
"""Words that a heading may have of its own."""
_STATES = re.compile(r"\b(?:is|are|was|were|can|must|will|shall|should|has|have|cannot|gets?|pays?)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"(?:what|when|where|who|whom|whose|which|how(?! is it| come)|can|do|does|is|are|must|should|will|have|has|need)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Lacking:
    """Why a sentence is not what a passage says, for whoever wrote it: ``number``, ``name``, ``thing``,
    ``denial``, ``restriction``, ``mark`` or ``words``, with what is missing.
    """

    kind: str
    what: str = ""


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a line is never joined with the next."""
    found: list[str] = []
    for piece in _ENDS.split(text):
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] = f"{found[-1]} {piece.strip()}"
        elif piece.strip():
            found.append(piece.strip())
    return found


def lacking(sentence: str, passages: Iterable[str]) -> Lacking | None:
    """Return what the best of the passages lacks to say this sentence; ``None``: one of them says it.

    A passage may begin with lines of headings (``# …``): they lend their words, and say nothing by themselves.
    """
    best, closest = Lacking("words", "no passage is cited"), -1.0
    if len(sentence) > _LONGEST:
        return Lacking("words")
    sentence = _alike(sentence)
    for window in (each for passage in passages for each in _windows(_alike(passage))):
        share = _share(sentence, window)
        fault = _fault(sentence, window, share)
        if fault is None:
            return None
        if share > closest:
            best, closest = fault, share
    return best


def _alike(text: str) -> str:
    for many, one in _SAME:
        text = many.sub(one, text)
    return qualifiers.alike(text)


def beside(line: str, passages: Iterable[str]) -> bool:
    """Tell whether a line that states nothing by itself, such as a heading or a question, speaks of what the passages
    speak of: it stands in one of them, or all its words are theirs and it does state nothing.
    """
    if len(line) > _LONGEST:
        return False
    several = [_alike(passage) for passage in passages]
    asked, whole = _alike(line).strip("#*_ \t:"), "\n".join(several)
    if re.search(rf"(?:^|\n)\W*{re.escape(asked)}\W*(?:\n|$)", whole, re.IGNORECASE):
        return True  # a heading or a question of the passage's own
    if _states(asked):
        return lacking(asked, several) is None
    theirs = {*_plain(asked)} <= {*_plain(whole)} | _OPENS and _counted(asked) <= _counted(whole)
    return theirs and not qualifiers.marks(asked)


def _states(line: str) -> bool:
    """Tell whether a line says something, though it looks as if it did not."""
    asks = _ASKS.match(line) is not None
    if DENIES.search(line) or _RESTRICTS.search(line) or (_STATES.search(line) and not asks):
        return True
    return not asks and (line.endswith("?") or len({*_plain(line)} - _OPENS) >= _HEADING)


@dataclass(frozen=True, slots=True)
class _Window:
    """``said`` is what a passage says at one place, ``lent`` the words that stand above it."""

    said: str
    lent: str


def _windows(passage: str) -> Iterator[_Window]:
    lent = above = before = ""
    for sentence in sentences(passage):
        if sentence.startswith("#"):
            lent += f" {sentence}"
            continue
        if sentence.endswith(":"):
            above = sentence
        yield _Window(sentence, f"{lent} {above}" if _item(sentence) else lent)
        if before and _LEANS.match(sentence):
            yield _Window(f"{before} {sentence}", lent)
        before = sentence


def _item(line: str) -> bool:
    return line.startswith(("-", "*", "•", "|")) or bool(re.match(r"\d+[.)] ", line))


def _fault(sentence: str, window: _Window, share: float) -> Lacking | None:
    said = window.said
    if missing := _counted(sentence) - _counted(said):
        return Lacking("number", " ".join(min(missing)).strip())
    if missing := _names(sentence) - {*_plain(f"{said} {window.lent}")}:
        return Lacking("name", min(missing))
    if missing := _things(sentence) - {*_plain(f"{said} {window.lent}")}:
        return Lacking("thing", min(missing))
    if _elsewhere(DENIES, sentence, said):
        return Lacking("denial")
    here, there = _found(_RESTRICTS, sentence), _found(_RESTRICTS, said)
    if missing := (here - there) | (_NARROWS & (there - here)):
        return Lacking("restriction", min(missing))
    if _elsewhere(_ONLY, sentence, said):
        return Lacking("restriction", "only")
    if turning := qualifiers.turned(sentence, said, window.lent):
        return Lacking("restriction", turning)
    if missing := qualifiers.marks(sentence) - qualifiers.marks(said):
        return Lacking("mark", min(missing))
    return Lacking("words") if share < _ENOUGH or _strays(sentence, window) else None


def _elsewhere(word: re.Pattern[str], sentence: str, said: str) -> bool:
    """Tell whether such a word stands on one side only, or on both, but with other things."""
    if bool(word.search(sentence)) != bool(word.search(said)):
        return True
    theirs = [(bool(word.search(part)), {*_plain(part)}) for part in qualifiers.clauses(said)]
    for part in qualifiers.clauses(sentence) if word.search(said) else ():
        here, words = bool(word.search(part)), {*_plain(part)}
        nearest = max((len(words & other) for _, other in theirs), default=0)
        if nearest and any(there != here for there, other in theirs if len(words & other) == nearest):
            return True
    return False


def _strays(sentence: str, window: _Window) -> bool:
    """Tell whether a clause, or the one of whom something is said, is not the passage's, though most words are."""
    theirs = {*_plain(f"{window.said} {window.lent}")}
    foreign = [word for word in _plain(sentence) if word not in theirs]
    against = any(word.startswith(begin) and word[len(begin) :] in theirs for word in foreign for begin in _AGAINST)
    if (
        len(foreign) > _FOREIGN
        or against
        or {stem for head in _HEAD.findall(sentence) for stem in _plain(head)} - theirs
    ):
        return True
    several = [_plain(part) for part in qualifiers.clauses(sentence)]
    return any(words and sum(word in theirs for word in words) <= len(words) / 2 for words in several)


def _share(sentence: str, window: _Window) -> float:
    asked, said = _plain(sentence), {*_plain(f"{window.said} {window.lent}")}
    return sum(word in said for word in asked) / len(asked) if asked else 0.0


def _plain(text: str) -> list[str]:
    return [_SPELT.get(word, word) for word in stems(text)]


def _counted(text: str) -> set[tuple[str, str]]:
    """Return each number with the stem of the next word, which it counts; names of days and months, and periods, alone."""
    words = re.findall(r"(?:(?<![\w.,)])[-−–])?\d+(?:[.,:]\d+)*|[^\W\d_]+", text)  # with the sign that it may have
    found: set[tuple[str, str]] = set()
    for at, word in enumerate(words):
        number = word if word[-1].isdigit() else _SPELT.get(word.lower())
        if number is not None:
            found.add((number, next(iter(stems(" ".join(words[at + 1 : at + 2]))), "")))
        elif word == "May" or {*stems(word)} & _TIMES:
            found.add(("", stems(word)[0]))
    return found


def _names(sentence: str) -> set[str]:
    return {stem for name in _NAME.findall(sentence) for stem in _plain(name)}


def _things(sentence: str) -> set[str]:
    return {stem for thing in _THING.findall(sentence) for stem in _plain(thing)}


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    return {word.lower() for word in pattern.findall(text)}
