"""An answer that may say only what approved sources say: each sentence of fact cites a passage that supports it.

A passage is approved when its document is trusted. What is no statement needs no source: headings, questions, greetings,
and a line that only leads to a list.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from charter.knowledge.grounding import Lacking, beside, lacking, sentences
from charter.models.chat import UNSUPPORTED

_MARKS = re.compile(r"(?<!\s)\s*\[(\d{1,3})\]")
_STRAY = re.compile(r"([.!?][\"”’)]*)((?:[ \t]*\[\d{1,3}\])+)")
_LIST = re.compile(r"[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+")
_GREETING = re.compile(
    r"(?i:dear|hello|hi|good (?:morning|day|afternoon|evening))"
    r"(?: (?i:all|both|new|there|everybody|everyone|teams?|colleagues?|friends|ladies and gentlemen))*(?: [A-Z][\w’'-]+)?[,!.]?|"
    r"(?i:(?:with )?(?:kind(?:est)?|best|warm) (?:regards|wishes)|regards|many thanks|thank you|"
    r"yours(?: sincerely| faithfully| truly)?|sincerely|your (?:[\w-]+ )?team)[,!.]?"
)
"""Nothing but a greeting: what follows its first words on the line could say anything."""
_LEADS = 14
"""Words that a line may have which only leads to what follows."""

_STRANGE = "no approved passage speaks of it"
_WHY: Mapping[str, str] = {
    "number": "the passage does not say {what}",
    "name": "the passage does not name {what}",
    "thing": "the passage does not mention {what}",
    "denial": "the passage denies what the sentence says, or the other way round",
    "restriction": "'{what}' stands on one side only",
    "mark": "the passage has no '{what}'",
    "words": "the passage says it with other words; stay closer to them",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A sentence that no approved passage supports, and why: for whoever is to write it anew."""

    sentence: str
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """``text`` is what may be said of an answer; ``faults`` are the sentences that were left out of it."""

    text: str
    faults: tuple[Fault, ...] = ()


def checked(text: str, passages: Sequence[Mapping[str, Any]]) -> Checked:
    """Hold every sentence of an answer against the passages that it cites by their numbers.

    Where nothing is left, the text is ``UNSUPPORTED``.
    """
    sources = {int(p["n"]): _source(p) for p in passages if p.get("integrity") == "trusted"}
    lines: list[_Line] = [_line(line, sources) for line in _settled(text).splitlines()]
    faults = tuple(fault for line in lines for fault in line.faults)
    if not any(line.facts for line in lines):
        return Checked(UNSUPPORTED, faults)
    return Checked(_joined(lines), faults)


@dataclass(frozen=True, slots=True)
class _Line:
    """What is left of a line. ``facts`` counts its supported sentences; ``leads`` above 0: it only leads to what follows,
    down to the next line that leads as high (1 is the title).
    """

    text: str
    facts: int = 0
    leads: int = 0
    faults: tuple[Fault, ...] = ()


def _settled(text: str) -> str:
    """Put marks that stand behind a full stop in front of it, so that they stay with their sentence."""
    return _STRAY.sub(lambda found: found[2] + found[1], text)


def _source(passage: Mapping[str, Any]) -> str:
    above = "".join(f"# {passage[name]}\n" for name in ("title", "heading") if passage.get(name))
    return f"{above}{passage.get('text', '')}"


def _line(line: str, sources: Mapping[int, str]) -> _Line:
    bullet = found[0] if (found := _LIST.match(line)) else ""
    body = line[len(bullet) :].strip()
    if not body:
        return _Line("")
    if not bullet and _greets(body):
        return _Line(line.rstrip())
    if not bullet and _neutral(body):
        strange = not beside(body, sources.values())
        faults = (Fault(body, _STRANGE),) if strange else ()
        return _Line("" if strange else line.rstrip(), leads=0 if strange else _level(body), faults=faults)
    return _sentences(bullet, body, sources)


def _sentences(bullet: str, body: str, sources: Mapping[int, str]) -> _Line:
    kept: list[str] = []
    faults: list[Fault] = []
    facts = 0
    for sentence in sentences(body):
        stated = not sentence.endswith("?")
        why = _why(sentence, sources) if stated else "" if beside(sentence, sources.values()) else _STRANGE
        if why:
            faults.append(Fault(_MARKS.sub("", sentence).strip(), why))
        else:
            kept.append(sentence)
            facts += stated
    return _Line(bullet + " ".join(kept) if kept else "", facts, faults=tuple(faults))


def _neutral(body: str) -> bool:
    """Tell whether a line is a heading, or so short and without any number that it can only lead or greet."""
    if body.startswith("#") or (body.startswith("**") and body.endswith("**")) or _in_capitals(body):
        return True
    short = len(body.split()) <= _LEADS and not any(letter.isdigit() for letter in body)
    return short and body.endswith(":")


def _in_capitals(body: str) -> bool:
    return body.isupper() and not body.endswith((".", "!", "?", "]"))


def _level(body: str) -> int:
    if _in_capitals(body):
        return 1
    if body.startswith("#"):
        return len(body) - len(body.lstrip("#"))
    return 7 if body.startswith("**") else 8 if body.endswith(":") else 0


def _greets(body: str) -> bool:
    return _GREETING.fullmatch(body) is not None and not re.search(r"\d", body)


def _why(sentence: str, sources: Mapping[int, str]) -> str:
    """Return why a sentence may not stand; nothing when it may."""
    marks = {int(n): None for n in _MARKS.findall(sentence)}  # each once
    if not marks:
        return "it cites no passage"
    if unknown := [n for n in marks if n not in sources]:
        return f"[{unknown[0]}] is no approved passage"
    fault: Lacking | None = lacking(_MARKS.sub("", sentence), [sources[n] for n in marks])
    return _WHY[fault.kind].format(what=fault.what) if fault else ""


def _joined(lines: Sequence[_Line]) -> str:
    """Join what is left; what led only to sentences that fell out goes with them."""
    kept = [
        line.text
        for at, line in enumerate(lines)
        if not (line.faults and not line.text) and (not line.leads or _followed(line.leads, lines[at + 1 :]))
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _followed(level: int, rest: Sequence[_Line]) -> bool:
    below = takewhile(lambda line: not 0 < line.leads <= level, rest)
    return any(line.facts for line in below)
