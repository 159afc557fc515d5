"""When a host process ends: asked once, it finishes what it can; asked again, it goes at once."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Started = TypeVar("Started")


class Stop:
    """The wish that this process ends. ``hurry`` is called when it is said once more."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry: Callable[[], None] = lambda: None

    def ask(self) -> None:
        if self.asked.is_set():
            self.hurry()
        self.asked.set()

    def on_signals(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            asyncio.get_running_loop().add_signal_handler(number, self.ask)

    def with_input(self, *, hurry: bool) -> None:
        """Stop when standard input ends, which it does with the process at its other end."""
        loop = asyncio.get_running_loop()

        def ended() -> None:
            if hurry:
                self.ask()
            self.ask()

        def watch() -> None:
            # A thread, because a loop cannot watch every kind of file.
            with suppress(OSError):
                while os.read(0, 4096):
                    pass
            with suppress(RuntimeError):  # the loop has ended before
                loop.call_soon_threadsafe(ended)

        threading.Thread(target=watch, daemon=True).start()

    async def before(self, starting: Coroutine[Any, Any, Started]) -> Started | None:
        """Return what was started, or nothing where the stop was asked for first; then it is unwound."""
        start, asked = asyncio.ensure_future(starting), asyncio.ensure_future(self.asked.wait())
        await asyncio.wait({start, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if start.done():
            return await start
        start.cancel()
        with suppress(asyncio.CancelledError):
            await start
        return None
