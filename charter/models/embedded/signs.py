"""Signs in a clause that speak for or against a function, besides its likeness to the examples."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from charter.models.embedded.commands import QUESTION
from charter.models.embedded.function import Function
from charter.models.embedded.reading import Reading
from charter.models.embedded.words import content, stem, table, words

_RULES = re.compile(
    r"\bpolic(?:y|ies)\b|\brules?\b|\bguidelines?\b|\bhandbook\b|\bregulations?\b|"
    r"\ballowances?\b|\bdeadlines?\b|\bprocedures?\b|\bentitlements?\b|\bmaximum\b|\baccording to\b|\ballowed\b|"
    r"\bpermitted\b|\bentitled\b|\brequired to\b|\bobliged\b|\b(?:may|must|should|shall) (?:i|we|one|an?|the|employees?)\b|"
    r"\b(?:i|we|one|employees?) (?:may|must)\b|\bdo (?:i|we) (?:need|have) (?:to|an?|the)\b|\bam i\b|"
    r"\bhow (?:much|many|long|often|far) (?:may|can|must|should)\b|\bcan (?:i|we) (?!have|get|order|see|please)|"
    r"\b(?:richtlinien?|regeln?|regelung(?:en)?|vorschrift(?:en)?|handbuch|erlaubt|gestattet|zulässig|verpflichtet)\b|"
    r"\b\w*richtlinien?\b|\b(?:darf|dürfen|muss|müssen|soll|sollen)\b|\bab (?:wann|welche[mnrs]?)\b",
    re.IGNORECASE,
)
_POLITE = table(
    "please kindly bitte hi hello hallo hey can could would will you i we d'like like to want need i'd we'd"
)
_REQUEST = re.compile(
    r"^\W*(?:(?:can|could|would|will) you|(?:can|could|may) (?:i|we) (?:have|get|order|take|book)|please|"
    r"(?:könntest|kannst|würdest) du|(?:kann|könnte) ich|bitte)\b",
    re.IGNORECASE,
)


def asks_for_a_rule(reading: Reading) -> bool:
    """Tell whether the clause asks what is allowed, due or laid down, rather than for something to be done."""
    return _RULES.search(reading.clear) is not None and not _REQUEST.match(reading.clear)


_LOOK = "look"
_LOOKING = frozenset(
    stem(word)
    for word in table("show list display find search look check see view tell zeig zeige such suche liste prüfe")
)


def wants_to_know(reading: Reading) -> bool:
    """Tell whether the clause wants to know something, by a question or by 'show me'; else something shall be done."""
    said = [word.casefold().removesuffix("'s") for word in words(reading.clear)]
    if _REQUEST.match(reading.clear):
        said = [word for word in said if word not in _POLITE]
    elif reading.clear.rstrip().endswith("?"):
        return True
    return bool(said) and (said[0] in QUESTION or stem(said[0]) in _LOOKING)


def opening(sentence: str) -> str | None:
    """Return how a sentence begins, politeness apart: the stem of its verb, or a question word with what follows it.

    All words of looking are one.
    """
    said = [word.casefold() for word in words(sentence) if word.casefold() not in _POLITE]
    if not said:
        return None
    if said[0] in QUESTION:
        return " ".join(stem(word) for word in said[:2])
    first = stem(said[0])
    return _LOOK if first in _LOOKING else first


class Lexicon:
    """The words of each function, weighed by how few functions share them."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = tuple(functions)

    @cached_property
    def _words(self) -> Mapping[str, frozenset[str]]:
        return {
            f.name: frozenset(content(" ".join(f.hint.examples))) | f.own_words | f.option_words
            for f in self._functions
        }

    @cached_property
    def _openings(self) -> Mapping[str, frozenset[str | None]]:
        return {f.name: frozenset(opening(example) for example in f.hint.examples) for f in self._functions}

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        counts: dict[str, int] = {}
        for known in self._words.values():
            for word in known:
                counts[word] = counts.get(word, 0) + 1
        return {word: self._weight(count) for word, count in counts.items()}

    def _weight(self, count: int) -> float:
        return math.log((len(self._functions) + 1) / (count + 0.5))

    def common(self, function: Function, reading: Reading) -> float:
        """Return which part of the clause's words (by weight, 0 to 1) this function knows."""
        known = self._words.get(function.name, frozenset())
        weights = {word: self._rarity.get(word, self._weight(1)) for word in content(reading.clear)}
        whole = sum(weights.values())
        return sum(weight for word, weight in weights.items() if word in known) / whole if whole else 0.0

    def opens(self, function: Function, reading: Reading) -> bool:
        """Tell whether an example of the function begins with the same word."""
        first = opening(reading.clear)
        return first is not None and first in self._openings.get(function.name, frozenset())
