"""Which function a clause asks for: its likeness to examples, words in common, and what the clause carries.

The likeness of E5 vectors lies between 0.75 and 0.95 for nearly everything, so only differences count, and the other
signs are weighed in the same small coin. The weights were set with the practice set, never with the examination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from charter.models.chat import Hint
from charter.models.embedded import signs
from charter.models.embedded.function import Function
from charter.models.embedded.reading import Reading
from charter.models.embedded.signs import Lexicon
from charter.models.embedded.slots import evidence
from charter.models.embedded.smalltalk import NONE_EXAMPLES
from charter.models.embedded.vectors import Sentences, Vectors, kept

READ_CHARS = 500
"""The engine does not cut what is too long, and its cost grows with the square: 32,000 characters take half a minute."""


LEAST = 0.84
"""Below this nothing speaks for a function; on the practice set none that was meant stood lower."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What the signs count, against a likeness between 0 and 1."""

    description: float = 0.35
    common: float = 0.08
    opening: float = 0.03
    mood: float = 0.02
    carried: float = 0.02
    lacking: float = 0.012
    foreign_id: float = 0.1
    rule: float = 0.09


@dataclass(frozen=True, slots=True)
class Score:
    function: Function
    value: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Functions, best first; ``none`` is the likeness to what no function is for, ``kind`` to which of it."""

    functions: tuple[Score, ...]
    none: float
    kind: str

    @property
    def lead(self) -> float:
        """How far the best is before the second."""
        first, *others = self.functions
        return first.value - others[0].value if others else 1.0

    @property
    def distance(self) -> float:
        """How far the best is before what no function is for; negative where it is behind."""
        return self.functions[0].value - self.none if self.functions else -1.0

    @property
    def margin(self) -> float:
        """The same, or how far the best is above the least that speaks for anything, whichever is less."""
        return min(self.distance, self.functions[0].value - LEAST) if self.functions else -1.0


@dataclass(frozen=True)
class Router:
    """Ranks the functions of a request for one clause. ``load`` makes it ready."""

    hints: Mapping[str, Hint]
    sentences: Sentences
    weights: Weights = field(default_factory=Weights)
    _rows: dict[str, Vectors] = field(default_factory=dict[str, Vectors])

    def load(self, folder: Path) -> None:
        """Embed all examples, or read their vectors from ``folder``. Not for the event loop."""
        groups = {name: (*hint.examples, hint.description) for name, hint in self.hints.items()}
        groups |= {f"none:{kind}": said for kind, said in NONE_EXAMPLES.items()}
        vectors = kept([sentence for group in groups.values() for sentence in group], self.sentences, folder)
        at = 0
        for name, group in groups.items():
            self._rows[name] = vectors[at : at + len(group)]
            at += len(group)

    def rank(self, reading: Reading, functions: Sequence[Function], lexicon: Lexicon) -> Ranking:
        """Rank the functions for this clause; of a long one only the beginning counts."""
        if len(reading.clear) > READ_CHARS:
            reading = replace(reading, text=reading.text.part(0, READ_CHARS))
        vector = self.sentences.one(reading.clear)
        ids = {f.name for f in functions if carries_id(f, reading)}
        scores = [Score(f, self._likeness(f, vector) + self._signs(f, reading, lexicon, bool(ids))) for f in functions]
        nones = {kind: float(np.max(self._rows[f"none:{kind}"] @ vector)) for kind in NONE_EXAMPLES}
        kind = max(nones, key=lambda k: nones[k])
        return Ranking(tuple(sorted(scores, key=lambda s: (-s.value, s.function.name))), nones[kind], kind)

    def _likeness(self, function: Function, vector: Vectors) -> float:
        rows = self._rows.get(function.name)
        if rows is None:
            rows = self._rows[function.name] = self.sentences.all((function.hint.description or function.name,))
        likeness = rows @ vector
        described = float(likeness[-1])
        if len(likeness) == 1:
            return described
        nearest = np.sort(likeness[:-1])[-2:]
        return (1 - self.weights.description) * float(nearest.mean()) + self.weights.description * described

    def _signs(self, function: Function, reading: Reading, lexicon: Lexicon, id_said: bool) -> float:
        weights = self.weights
        value = weights.common * lexicon.common(function, reading)
        value += weights.opening * lexicon.opens(function, reading)
        if signs.asks_for_a_rule(reading):
            value += weights.rule if function.hint.retrieval else -weights.rule / 2
        elif function.hint.retrieval and not signs.wants_to_know(reading):
            value -= weights.mood
        if signs.wants_to_know(reading) != function.is_read:
            value -= weights.mood
        for required, there in evidence(function, reading).values():
            if there:
                value += weights.carried
            elif required:
                value -= weights.lacking
        if id_said and not carries_id(function, reading):
            value -= weights.foreign_id
        return value


def carries_id(function: Function, reading: Reading) -> bool:
    """Tell whether the clause names an id that this function takes."""
    return any(a.kind == "id" and a.spelled.search(reading.clear) for a in function.arguments)
