"""Whether this host still takes work in. There is no way back from a no."""

import asyncio

from charter.errors import Draining

_RETRY_SECONDS = 3


class Admittance:
    """One per host. Whoever starts something asks ``check``."""

    def __init__(self) -> None:
        self.hurried = asyncio.Event()
        """Somebody wants this host gone now: what still runs is left to others."""
        self.draining = False

    def check(self) -> None:
        """Return while the host takes work.

        Raises:
            Draining: it goes down.
        """
        if self.draining:
            raise Draining(retry_after=_RETRY_SECONDS)

    def shut(self) -> None:
        """Take nothing new from now on."""
        self.draining = True

    def hurry(self) -> None:
        """Let nothing finish that takes time."""
        self.draining = True
        self.hurried.set()
