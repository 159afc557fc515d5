"""The port through which later segments of a run are started."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class SegmentQueue(Protocol):
    """Starts a later segment of a run, in some host process, once."""

    async def now(self, tenant: str, agent: str, run_id: str, epoch: int, *, priority: int = 1) -> None:
        """Start the segment as soon as its agent has a place in its tenant, smaller priorities first; twice is once."""
        ...

    async def recover(self, owners: list[str]) -> None:
        """Give what dead hosts took from the queue, and did not end, to those that live."""
        ...

    async def forget(self, segments: Sequence[str]) -> None:
        """Remove what the queue keeps of these segments; unknown ones are passed over."""
        ...

    async def ended(self, before: datetime, limit: int) -> Sequence[str]:
        """Return segments that were given to the queue before that moment and are over, oldest first."""
        ...
