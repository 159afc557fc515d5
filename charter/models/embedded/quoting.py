"""An answer from documents: their best sentences, word for word. A small model that paraphrases policy gets it wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charter.models.embedded.vectors import Sentences
from charter.models.embedded.words import content

NOTHING = "I found nothing about that in the documents you may read."

_NOTHING = {
    "de": "Dazu habe ich in den Dokumenten, die Sie lesen dürfen, nichts gefunden.",
    "fr": "Je n'ai rien trouvé à ce sujet dans les documents que vous pouvez lire.",
}
_GERMAN = re.compile(
    r"[äöüß]|\b(?:ich|wir|mir|mich|der|die|das|dem|den|über|steht|zum|mit|ist|sind|wie|wer|wo|wann|welche[rs]?|mein\w*|eine?[nmrs]?|nicht|und|für|darf|kann|muss|viele?)\b",
    re.IGNORECASE,
)
_FRENCH = re.compile(
    r"[éèêçà]|\b(?:le|les|des|du|est|sont|que|qui|quel\w*|combien|comment|je|mon|mes|nous|pour|avec|où)\b|\b[jlnd]['’]",
    re.IGNORECASE,
)

_WEIGHED = 8
"""How many sentences are compared by meaning; the others fall out by words and rank. Each costs 20 ms of a processor."""

SENTENCE_CHARS = 500
"""As far as a sentence is compared; the engine's cost grows with the square of the length."""

_NEAR = 0.025
"""A second sentence is shown when it is hardly less like the question than the best."""

_EARLIER = 0.01
"""What being in the better passage is worth."""

_QUOTATION = re.compile(r"” \[\d+\](?: \(|$)", re.MULTILINE)
_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(]?[A-ZÄÖÜ0-9])|\n+")
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|approx|no|incl|max|min|z\.B|bzw|ca|Nr|Abs|Dr|Mr|Mrs|Ms)\.$|\b\d{1,2}\.$")


@dataclass(frozen=True, slots=True)
class Sentence:
    n: int
    title: str
    rank: int
    at: int
    text: str


def quote(question: str, passages: Sequence[Mapping[str, Any]], engine: Sentences) -> str:
    """Return the one or two sentences that answer best, each with the number and title of its passage."""
    candidates = _likely(question, sentences_of(passages))
    if not candidates:
        return nothing(question)
    wanted = engine.one(question[:SENTENCE_CHARS])
    likeness = [float(engine.one(s.text[:SENTENCE_CHARS]) @ wanted) - _EARLIER * s.rank for s in candidates]
    best = max(likeness)
    ranked = sorted(zip(likeness, candidates, strict=True), key=lambda pair: (-pair[0], pair[1].rank, pair[1].at))
    chosen = [sentence for value, sentence in ranked if value >= best - _NEAR][:2]
    return _shown(sorted(chosen, key=lambda s: (s.rank, s.at)))


def nothing(question: str) -> str:
    """Say that nothing was found, in the language of the question where that is German or French."""
    counts = {"de": len(_GERMAN.findall(question)), "fr": len(_FRENCH.findall(question))}
    language = max(counts, key=lambda each: counts[each])
    return _NOTHING[language] if counts[language] > 1 else NOTHING


def answers(text: str) -> bool:
    """Tell whether an earlier answer was such a quotation, or said that nothing was found."""
    return text in {NOTHING, *_NOTHING.values()} or _QUOTATION.search(text) is not None


def sentences_of(passages: Sequence[Mapping[str, Any]]) -> list[Sentence]:
    """Return the sentences of passages, in order, headings left out."""
    found: list[Sentence] = []
    for rank, passage in enumerate(passages):
        n, title = int(passage.get("n") or rank + 1), str(passage.get("title") or "")
        pieces = _split(str(passage.get("text") or ""))
        found += [Sentence(n, title, rank, at, piece) for at, piece in enumerate(pieces)]
    return found


def _split(text: str) -> list[str]:
    """Return the sentences, each as it stands: no abbreviation ends one within a line, and a line's end always does."""
    pieces: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if "\n" in end[0] or not _ABBREVIATED.search(text[start : end.start()]):
            pieces.append(text[start : end.start()].strip())
            start = end.end()
    pieces.append(text[start:].strip())
    stripped = [re.sub(r"^(?:[-*•>]|#+)\s+", "", piece) for piece in pieces]
    whole = [piece for piece, marked in zip(stripped, pieces, strict=True) if not marked.startswith("#")]
    return [piece for piece in whole if len(piece.split()) > 3]


def _likely(question: str, sentences: list[Sentence]) -> list[Sentence]:
    asked = set(content(question))

    def worth(sentence: Sentence) -> tuple[float, int]:
        shared = len(asked & set(content(sentence.text)))
        return -(shared / (sentence.rank + 1) + 1 / (sentence.rank + 1)), sentence.at

    return sorted(sentences, key=worth)[:_WEIGHED]


def _shown(chosen: Sequence[Sentence]) -> str:
    lines: list[str] = []
    for sentence in chosen:
        source = f" ({sentence.title})" if sentence.title else ""
        lines.append(f"“{sentence.text}” [{sentence.n}]{source}")
    return "\n\n".join(lines)
