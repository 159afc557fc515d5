"""Whether a passage says what a sentence says. Pure, and strict rather than clever: in doubt it does not.

A sentence is held against single sentences of the passage, with what they lean on: the heading, the line above a list, the
sentence before a "they". Its numbers must stand there with what they count, its names, days and periods too; a denial or a
restriction on one side must stand on the other; and nearly all of its words must be those of the passage. A paraphrase that
goes far is lost to that; a changed amount, day, place or condition is not let through. Measured on
``tests/knowledge/grounding.yaml``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charter.knowledge.vocabulary import stems

_ENOUGH = 0.81
"""The share of a sentence's words that must be the passage's."""

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
_DENIES = re.compile(r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|\w+n['’]t)\b", re.IGNORECASE)
_RESTRICTS = re.compile(r"\b(?:only|all|every|any|always|each|alone|whenever|must|except|unless)\b", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
class Lacking:
    """Why a sentence is not what a passage says, for whoever wrote it: ``number``, ``name``, ``thing``,
    ``denial``, ``restriction`` or ``words``, with what is missing.
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
    return text


def beside(line: str, passages: Iterable[str]) -> bool:
    """Tell whether a line that states nothing by itself, such as a heading or a question, speaks of what the passages
    speak of: all its numbers and half of its words are theirs.
    """
    whole = _alike("\n".join(passages))
    words, theirs = _plain(_alike(line)), {*_plain(whole)}
    numbers = {number for number, _ in _counted(_alike(line)) if number}
    near = sum(word in theirs for word in words) >= len(words) / 2
    return near and numbers <= {number for number, _ in _counted(whole)}


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
    if bool(_DENIES.search(sentence)) != bool(_DENIES.search(said)):
        return Lacking("denial")
    here, there = _found(_RESTRICTS, sentence), _found(_RESTRICTS, said)
    if missing := (here - there) | ({"only"} & (there - here)):
        return Lacking("restriction", min(missing))
    return None if share >= _ENOUGH else Lacking("words")


def _share(sentence: str, window: _Window) -> float:
    asked, said = _plain(sentence), {*_plain(f"{window.said} {window.lent}")}
    return sum(word in said for word in asked) / len(asked) if asked else 0.0


def _plain(text: str) -> list[str]:
    return [_SPELT.get(word, word) for word in stems(text)]


def _counted(text: str) -> set[tuple[str, str]]:
    """Return each number with the stem of the next word, which it counts; names of days and months, and periods, alone."""
    words = re.findall(r"\d+(?:[.,:]\d+)*|[^\W\d_]+", text)
    found: set[tuple[str, str]] = set()
    for at, word in enumerate(words):
        number = word if word[0].isdigit() else _SPELT.get(word.lower())
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
