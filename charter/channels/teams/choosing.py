"""Which agent a message is for when the person has chosen none: a clear one, or a short list to ask with.

A message is compared with what each agent says of itself: its description, its starters, and the examples of those of its
functions that not all have. The vectors of the embedder all point nearly the same way; what small talk has in common is
taken off before they are compared, so that differences count.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from charter.errors import Unavailable
from charter.knowledge.embedder import Embedder
from charter.models.embedded.smalltalk import NONE_EXAMPLES

MOST = 4
LEAST, LEAD = 0.45, 0.10
"""How like the message the best sign must be, and how far before the best of other agents. On the half of
``tests/teams/utterances.yaml`` that tunes, right answers less ten times the wrong ones are most at 0.36 and 0.08; these are
that, moved to the side of asking.
"""
_READ_CHARS = 500
_SECONDS = 1.0
"""How long a message may wait for its vector: the embedder is reading something else, then, or not there yet."""
_NEUTRAL = tuple(sentence for said in NONE_EXAMPLES.values() for sentence in said)

_log = structlog.get_logger(__name__)

Vector = NDArray[np.float32]
Agent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent that is clearly meant; or else (``""``) those to ask with, the likeliest first."""

    agent: str = ""
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sign:
    """A sentence that speaks for agents: for all that have the function whose example it is."""

    sentence: str
    agents: frozenset[str]
    plugin: str = ""


class Choosing:
    """Chooses among agents as ``RunService.agents`` returns them. ``examples_of`` takes a function's full name;
    ``preferred`` answers whoever has not chosen, if they may start it. A message waits ``seconds`` for its vector.
    """

    def __init__(
        self,
        embedder: Embedder,
        examples_of: Callable[[str], Sequence[str]],
        *,
        preferred: str = "",
        seconds: float = _SECONDS,
    ) -> None:
        self._embedder = embedder
        self._examples_of = examples_of
        self._preferred = preferred
        self._seconds = seconds
        self._vectors: dict[str, Vector] = {}
        self._learning: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._learning is not None:
            self._learning.cancel()
            with suppress(asyncio.CancelledError):
                await self._learning

    async def choose(self, agents: Sequence[Agent], text: str) -> Choice:
        """Return the agent that this message is for, or whom to ask about; never waits for a model that loads."""
        names = tuple(str(agent["name"]) for agent in agents)
        if self._preferred in names:
            return Choice(self._preferred)
        if len(names) == 1:
            return Choice(names[0])
        signs = self._signs(agents)
        said = await self._vector(signs, text.strip()[:_READ_CHARS]) if names and text.strip() else None
        if said is None:
            return Choice(among=names[:MOST])
        shared = np.mean([self._vectors[sentence] for sentence in _NEUTRAL], axis=0)
        rows = [_unit(self._vectors[sign.sentence] - shared) for sign in signs]
        return _chosen(agents, signs, [float(row @ _unit(said - shared)) for row in rows])

    def learn(self, agents: Sequence[Agent]) -> None:
        """Begin to embed what these agents say of themselves, unless it is known."""
        self._begin(self._missing(self._signs(agents)))

    def _begin(self, missing: Sequence[str]) -> None:
        if missing and (self._learning is None or self._learning.done()):
            self._learning = asyncio.create_task(self._learn(missing), name="choosing")

    async def learned(self) -> None:
        """Wait until what was begun to be embedded is."""
        if self._learning is not None:
            await asyncio.wait([self._learning])

    def _signs(self, agents: Sequence[Agent]) -> list[_Sign]:
        having: dict[str, set[str]] = {}
        signs: list[_Sign] = []
        for agent in agents:
            own = frozenset({str(agent["name"])})
            signs += [_Sign(str(text), own) for text in (agent["description"], *agent["starters"]) if str(text).strip()]
            for name in _functions(agent):
                having.setdefault(name, set()).update(own)
        for name, users in having.items():
            # What all of them can do tells none from another.
            if len(users) < len(agents):
                plugin, _, _ = name.partition(".")
                signs += [_Sign(example, frozenset(users), plugin) for example in self._examples_of(name)]
        return signs

    def _missing(self, signs: Sequence[_Sign]) -> list[str]:
        wanted = dict.fromkeys((*_NEUTRAL, *(sign.sentence for sign in signs)))
        return [sentence for sentence in wanted if sentence not in self._vectors]

    async def _vector(self, signs: Sequence[_Sign], text: str) -> Vector | None:
        """Return the message's vector if it can be compared now."""
        if missing := self._missing(signs):
            self._begin(missing)
            return None
        try:
            async with asyncio.timeout(self._seconds):
                return _unit(await self._embedder.query(text))
        except (TimeoutError, Unavailable):
            return None

    async def _learn(self, sentences: Sequence[str]) -> None:
        try:
            # One by one: a question that somebody waits for comes in between.
            for sentence in sentences:
                self._vectors[sentence] = _unit(await self._embedder.query(sentence))
        except Unavailable as fault:
            _log.warning("agents cannot be told apart, people are asked", reason=fault.detail)


def _chosen(agents: Sequence[Agent], signs: Sequence[_Sign], likeness: Sequence[float]) -> Choice:
    best = max(range(len(signs)), key=likeness.__getitem__)
    meant = signs[best].agents
    others = [like for sign, like in zip(signs, likeness, strict=True) if not sign.agents & meant]
    if likeness[best] >= LEAST and likeness[best] - max(others, default=-1.0) >= LEAD:
        return Choice(_most_of(agents, meant, signs[best].plugin))
    scores = {
        str(agent["name"]): max(
            like for sign, like in zip(signs, likeness, strict=True) if str(agent["name"]) in sign.agents
        )
        for agent in agents
    }
    return Choice(among=tuple(sorted(scores, key=scores.__getitem__, reverse=True)[:MOST]))


def _most_of(agents: Sequence[Agent], meant: frozenset[str], plugin: str) -> str:
    """Return the one that has most of the plugin's functions: what several can do is that one's trade."""
    sizes = {
        str(agent["name"]): sum(name.startswith(f"{plugin}.") for name in _functions(agent))
        for agent in agents
        if agent["name"] in meant
    }
    return max(sizes, key=sizes.__getitem__)


def _functions(agent: Agent) -> list[str]:
    return [str(function["name"]) for function in agent["functions"]]


def _unit(vector: Any) -> Vector:
    given: Vector = np.asarray(vector, dtype=np.float32)
    return given / max(float(np.linalg.norm(given)), 1e-9)
