"""This process's hold on one run: how sure it is of it, and how it lets go.

A process may be frozen for any time between two instructions, and find on waking that another one has adopted its run.
So just before something leaves for the world it looks at the clock: was the lease confirmed a moment ago? If not, the
database is asked again. The clock is the one that goes on while a machine sleeps (``CLOCK_BOOTTIME``, Linux).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

from charter.runs.journal import Fenced

Reason = Literal["lost", "handover"]
Confirm = Callable[[], Awaitable[bool]]
Result = TypeVar("Result")

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class HandedOver(Exception):
    """This host goes down: the run is left at a step's boundary for another one."""


def clock() -> float:
    """Return seconds on a clock that no freeze stops."""
    return time.clock_gettime(_CLOCK)


class Grip:
    """The right of this process to act for a run, as far as it can know it."""

    def __init__(self, confirm: Confirm, *, trusted_seconds: float) -> None:
        """``confirm`` asks the database whether the run is still ours; its yes is trusted for that long."""
        self._confirm = confirm
        self._trusted = trusted_seconds
        self._confirmed = clock()
        self._gone: asyncio.Future[Reason] | None = None

    def confirmed(self, asked_at: float) -> None:
        """Note that the database said yes to a question put at that time."""
        self._confirmed = max(self._confirmed, asked_at)

    def let_go(self, reason: Reason) -> None:
        """Stop at the next boundary; what can be repeated stops at once."""
        if not self._future().done():
            self._future().set_result(reason)

    def check(self) -> None:
        """Go on only if nobody has let go.

        Raises:
            Fenced: the run belongs to another epoch.
            HandedOver: the host goes down.
        """
        if self._future().done():
            raise Fenced if self._future().result() == "lost" else HandedOver

    async def sure(self) -> None:
        """Return if the run is surely ours, now.

        Raises:
            Fenced: it is not; nothing may be sent.
        """
        asked_at = clock()
        if asked_at - self._confirmed <= self._trusted:
            return
        if not await self._confirm():
            self.let_go("lost")
            raise Fenced
        self.confirmed(asked_at)
        if clock() - asked_at > self._trusted:  # frozen once more, between the question and here
            await self.sure()

    async def while_held(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await what may be repeated (a model's turn, a read, a pause); it is cut off as soon as the grip is gone."""
        task = asyncio.ensure_future(doing)
        try:
            self.check()
            await asyncio.wait({task, self._future()}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return await task
            self.check()
            raise AssertionError("unreachable")
        finally:
            if not task.done():
                task.cancel()

    def _future(self) -> "asyncio.Future[Reason]":
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        return self._gone
