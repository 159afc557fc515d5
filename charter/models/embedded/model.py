"""The embedded model: serves at once on assistance, and moves up by itself when its weights have come and are loaded."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import structlog

from charter.models import conversation
from charter.models.chat import Hint, Level, Usage
from charter.models.conversation import Conversation
from charter.models.embedded.assistance import Assistance, Rules, Turn
from charter.models.embedded.llama import LlamaError
from charter.models.embedded.mind import Mind, Thought
from charter.models.embedded.weights import KNOWN, Fetch, WeightsError
from charter.models.wire import Answered, WireError

_log = structlog.get_logger(__name__)
ASSISTANCE = "assistance"
TURNS = 4
"""Turns taken at the same time: one that waits for the small model must not keep the others waiting."""


class EmbeddedModel:
    """One per host. ``weights`` is ``off``, ``0.5b``, ``1.5b`` or the path of a .gguf file.

    Without ``start`` it answers on assistance and fetches nothing.
    """

    def __init__(self, weights: str, data_dir: Path, hints: Sequence[Hint]) -> None:
        self._weights = weights
        self._folder = data_dir / "weights"
        self._vectors = data_dir / "examples"
        self._hints = tuple(hints)
        self._assistance = Assistance(hints)
        self._threads = ThreadPoolExecutor(TURNS, "assistance")
        self._lifting = ThreadPoolExecutor(1, "weights")
        self._stop = Event()
        self._loaded: asyncio.Future[None] | None = None
        self._rising: asyncio.Task[None] | None = None
        self._fetch: Fetch | None = None
        self._mind: Mind | None = None
        self._state = "off" if weights == "off" else "loading"
        self._detail = ""

    async def start(self) -> None:
        """Begin to make assistance ready, and to fetch and load the weights, in the background."""
        self._make_ready()
        if self._weights != "off":
            self._rising = asyncio.create_task(self._rise())

    async def learn(self, hints: Sequence[Hint]) -> None:
        """Take turns by these hints from now on. The small model keeps the examples that it read when it was loaded."""
        assistance = Assistance(hints, self._assistance.engine)
        if self._loaded is not None:
            await asyncio.get_running_loop().run_in_executor(self._threads, assistance.load, self._vectors)
        self._hints, self._assistance = tuple(hints), assistance

    async def settled(self) -> None:
        """Wait until the weights serve, failed, or are off."""
        if self._rising:
            await asyncio.wait({self._rising})

    async def close(self) -> None:
        """Stop fetching and loading, let a running answer end, free the weights; a matter of seconds at most."""
        self._stop.set()
        if self._rising:
            self._rising.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._rising
        for threads in (self._lifting, self._threads):
            await asyncio.to_thread(threads.shutdown)
        if self._mind:
            await asyncio.to_thread(self._mind.close)
            self._mind = None

    def level(self) -> Level:
        return "embedded" if self._mind else "assistance"

    def status(self) -> Mapping[str, Any]:
        """Tell the level, what the weights are doing (``serving|fetching|loading|off|failed``), and what they are."""
        known = KNOWN.get(self._weights)
        return {
            "level": self.level(),
            "state": self._state,
            "received": self._fetch.received if self._fetch else 0,
            "total": known.size if known else 0,
            "name": known.name if known else Path(self._weights).name if self._weights != "off" else "",
            "licence": known.licence if known else "",
            "detail": self._detail,
        }

    async def answer(self, body: dict[str, Any]) -> Answered:
        """Answer one chat-completions body; at the level that serves now, and below it where that fails.

        Raises:
            WireError: assistance itself does not run on this machine.
        """
        await self._ready()
        talk = conversation.read(body)
        loop = asyncio.get_running_loop()
        if self._mind:
            try:
                return await loop.run_in_executor(self._threads, self._thought, self._mind, talk)
            except LlamaError as fault:
                await self._sink(str(fault))
        return await loop.run_in_executor(self._threads, self._assisted, talk)

    def _thought(self, mind: Mind, talk: Conversation) -> Answered:
        thoughts: list[Thought] = []

        def judged(rules: Rules) -> Thought:
            thoughts.append(Thought(rules, mind))
            return thoughts[0]

        turn = self._assistance.turn(talk, judged)
        read = any(thought.usage.input_tokens for thought in thoughts)
        return _answered(turn, mind.name, "embedded", thoughts[0].usage if read else None)

    def _assisted(self, talk: Conversation) -> Answered:
        return _answered(self._assistance.turn(talk), ASSISTANCE, "assistance", None)

    async def _sink(self, reason: str) -> None:
        """Go back to assistance for good: a model that failed once is not asked again."""
        mind, self._mind = self._mind, None
        self._state, self._detail = "failed", reason
        _log.warning("embedded.failed", reason=reason)
        if mind:
            await asyncio.to_thread(mind.close)

    async def _ready(self) -> None:
        try:
            await asyncio.shield(self._make_ready())
        except (ImportError, OSError) as fault:
            reason = (
                f"The embedded model does not run on this machine ({fault}); name a model of yours in the settings."
            )
            raise WireError(503, reason) from fault

    def _make_ready(self) -> asyncio.Future[None]:
        """Embed the examples, once; all who come meanwhile wait for the same."""
        if self._loaded is None:
            loop = asyncio.get_running_loop()
            self._loaded = loop.run_in_executor(self._threads, self._assistance.load, self._vectors)
        return self._loaded

    async def _rise(self) -> None:
        try:
            path = await self._fetched()
            self._state = "loading"
            await self._make_ready()
            loop = asyncio.get_running_loop()
            self._mind = await loop.run_in_executor(self._lifting, self._lift, path)
            self._state, self._detail = "serving", ""
        except (WeightsError, LlamaError, ImportError, OSError) as fault:
            self._state, self._detail = "failed", str(fault)
            _log.warning("embedded.unavailable", reason=str(fault))

    def _lift(self, path: Path) -> Mind:
        return Mind.load(path, self._folder, self._hints, self._stop)

    async def _fetched(self) -> Path:
        known = KNOWN.get(self._weights)
        if known is None:
            path = Path(self._weights)
            if not await asyncio.to_thread(path.is_file):
                raise WeightsError(f"CHARTER_EMBEDDED_MODEL names {path}, which is no file.")
            return path
        self._fetch = Fetch(known, self._folder)
        self._state = "fetching"
        return await self._fetch.run()


def _answered(turn: Turn, model: str, level: Level, usage: Usage | None) -> Answered:
    return Answered(turn.text, (turn.call,) if turn.call else (), model, level, usage)
