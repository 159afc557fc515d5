"""Whether a model's answer keeps to what it cites.

Numbers and names of a sentence must stand in the cited passages, which can be told for certain. That the sentence follows
from them cannot be told so: its likeness to the nearest sentence there (by the embedder) stands in for it, as a proxy.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from charter.knowledge.embedder import Embedder
from charter.knowledge.evaluation.asking import Outcome
from charter.knowledge.evaluation.metrics import Mean, mean

NOT_FOUND = "I found nothing about that in the documents you may read."
INSTRUCTIONS = (
    "Answer the question from the numbered passages alone, in at most three sentences. End each sentence with the number "
    f"of the passage that supports it, like [1]. Where the passages do not answer, write only: {NOT_FOUND}"
)

Answer = Callable[[str], Awaitable[str]]
"""A configured model: it gets the question with its passages, and writes."""

LIKE = 0.86
"""So near a sentence of the passages must be; unrelated sentences of one manual lie below."""

_SENTENCE = re.compile(r"(?<=[.!?\]])\s+(?=[A-ZÄÖÜ\"“`])|\n+")
_CITED = re.compile(r"\[(\d+)\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"`([^`]+)`|(?<=[a-z,] )([A-ZÄÖÜ][\w-]+)|\b(\w+_\w+)\b")


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: how many of its sentences cite, and how many of those are supported by what they cite."""

    sentences: int
    cited: int
    supported: int
    refused: bool


def prompt(outcome: Outcome) -> str:
    """Return what the model is given for one question."""
    passages = [f"[{n}] {each.title}\n{each.text}" for n, each in enumerate(outcome.passages, start=1)]
    return "\n\n".join((*passages, f"Question: {outcome.searched}"))


async def judge(answer: str, outcome: Outcome, embedder: Embedder) -> Judged:
    """Check each sentence of an answer against the passages that it cites."""
    if answer.strip().startswith(NOT_FOUND[:-1]):
        return Judged(0, 0, 0, True)
    sentences = [each for each in _SENTENCE.split(answer) if _CITED.sub("", each).strip(" .")]
    cited = [each for each in sentences if _CITED.search(each)]
    supported = [each for each in cited if await _supported(each, outcome, embedder)]
    return Judged(len(sentences), len(cited), len(supported), False)


async def _supported(sentence: str, outcome: Outcome, embedder: Embedder) -> bool:
    numbers = [int(n) for n in _CITED.findall(sentence)]
    if any(not 0 < n <= len(outcome.passages) for n in numbers):
        return False
    said = _CITED.sub("", sentence).strip()
    sources = [f"{outcome.passages[n - 1].title}\n{outcome.passages[n - 1].text}" for n in numbers]
    return _keeps_to(said, "\n".join(sources)) and await _follows(said, sources, embedder)


def _keeps_to(said: str, source: str) -> bool:
    names = [part for found in _NAME.findall(said) for part in found if part]
    known = source.casefold()
    return all(each.casefold() in known for each in names) and {*_NUMBER.findall(said)} <= {*_NUMBER.findall(source)}


async def _follows(said: str, sources: Sequence[str], embedder: Embedder) -> bool:
    wanted = await embedder.query(said)
    pieces = [piece for source in sources for piece in re.split(r"(?<=[.!?])\s+|\n+", source) if len(piece.split()) > 2]
    likeness = [fsum(a * b for a, b in zip(wanted, await embedder.query(piece), strict=True)) for piece in pieces]
    return max(likeness, default=0.0) >= LIKE


async def faithful(outcomes: Sequence[Outcome], answer: Answer, embedder: Embedder) -> dict[str, Any]:
    """Let the model answer every question for which passages were found, and tell how faithful it was."""
    judged = [(each, await judge(await answer(prompt(each)), each, embedder)) for each in outcomes if each.passages]
    written = [each for _, each in judged if not each.refused]
    shares: dict[str, Mean] = {
        "sentences that cite": mean([each.cited / each.sentences for each in written if each.sentences]),
        "cited sentences that are supported": mean([each.supported / each.cited for each in written if each.cited]),
        "unanswerable, and said so": mean([float(j.refused) for o, j in judged if not o.asked.answerable]),
    }
    return {"answers": len(judged), "shares": {name: each.as_json() for name, each in shares.items() if each.count}}
