"""The port through which later segments of a run are started."""

from collections.abc import Sequence
from typing import Protocol


class SegmentQueue(Protocol):
    """Starts a later segment of a run, in some host process, once."""

    async def after(self, tenant: str, run_id: str, epoch: int, seconds: float) -> None:
        """Start the segment when the time is over, unless ``now`` comes first."""
        ...

    async def now(self, tenant: str, run_id: str, epoch: int) -> None:
        """Start the segment as soon as a place is free; twice is once."""
        ...

    async def forget(self, segments: Sequence[str]) -> None:
        """Remove what the queue keeps of these segments (``<run>:<epoch>``); unknown ones are passed over."""
        ...
