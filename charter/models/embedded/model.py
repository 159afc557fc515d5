"""The embedded model: serves at once on assistance, and moves up by itself when its weights have come and are loaded."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from charter.models import conversation
from charter.models.chat import Hint, Level, Usage
from charter.models.conversation import Conversation
from charter.models.embedded.assistance import Assistance, Rules, Turn
from charter.models.embedded.llama import LlamaError
from charter.models.embedded.mind import Mind, Thought
from charter.models.embedded.weights import KNOWN, Fetch, WeightsError
from charter.models.wire import Answered

_log = structlog.get_logger(__name__)
ASSISTANCE = "assistance"


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
        self._threads = ThreadPoolExecutor(2, "assistance")
        self._loaded: asyncio.Future[None] | None = None
        self._rising: asyncio.Task[None] | None = None
        self._fetch: Fetch | None = None
        self._mind: Mind | None = None
        self._state = "off" if weights == "off" else "loading"
        self._detail = ""

    async def start(self) -> None:
        """Make assistance ready and begin to fetch and load the weights in the background."""
        await self._ready()
        if self._weights != "off":
            self._rising = asyncio.create_task(self._rise())

    async def close(self) -> None:
        """Stop fetching, let a running answer end, free the weights."""
        if self._rising:
            self._rising.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._rising
        await asyncio.to_thread(self._threads.shutdown)
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
        """Answer one chat-completions body; at the level that serves now, and below it where that fails."""
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
        """Wait until the examples are embedded; the first to come starts it, all wait for the same."""
        if self._loaded is None:
            loop = asyncio.get_running_loop()
            self._loaded = loop.run_in_executor(self._threads, self._assistance.load, self._vectors)
        await asyncio.shield(self._loaded)

    async def _rise(self) -> None:
        try:
            path = await self._fetched()
            self._state = "loading"
            self._mind = await asyncio.to_thread(Mind.load, path, self._folder, self._hints)
            self._state, self._detail = "serving", ""
        except (WeightsError, LlamaError) as fault:
            self._state, self._detail = "failed", str(fault)
            _log.warning("embedded.unavailable", reason=str(fault))

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
