"""The embedded model: serves at once on assistance, and moves up by itself when its weights have come and are loaded."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from charter.models import conversation
from charter.models.chat import Hint, Level
from charter.models.embedded.assistance import Assistance, Turn
from charter.models.embedded.mind import Mind, MindError
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
        mind = self._mind
        if mind:
            try:
                turn, text, usage = await loop.run_in_executor(self._threads, mind.turn, self._assistance, talk)
                return Answered(text, (turn.call,) if turn.call else (), mind.name, "embedded", usage)
            except MindError as fault:
                _log.warning("embedded.failed", reason=str(fault))
        turn = await loop.run_in_executor(self._threads, self._assistance.turn, talk)
        return Answered(turn.text, _calls(turn), ASSISTANCE, "assistance")

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
            self._mind = await asyncio.to_thread(Mind.load, path, self._folder, self._assistance)
            self._state, self._detail = "serving", ""
        except (WeightsError, MindError) as fault:
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


def _calls(turn: Turn) -> tuple[Any, ...]:
    return (turn.call,) if turn.call else ()
