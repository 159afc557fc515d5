"""Single flight: the same work asked for many times at once is done once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Work in a task of its own: a caller who leaves does not cut it short.

    That matters where stopping halfway loses something, such as a refresh token that was rotated but not yet kept.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}

    def start(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Return the flight of ``key`` under way, or begin one."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return task

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Join the flight of ``key`` or begin it; return its result or raise its error."""
        return await asyncio.shield(self.start(key, work))

    def flying(self, key: Hashable) -> bool:
        return key in self._tasks

    def all(self) -> "Sequence[asyncio.Task[T]]":
        return tuple(self._tasks.values())

    def _landed(self, key: Hashable, task: "asyncio.Task[T]") -> None:
        self._tasks.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen, also when every caller has left
