"""How far a sync is, and how fast: told to whoever listens, and kept for who asks later."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from charter.knowledge.ledger import Ledger
from charter.knowledge.sources.source import DocumentSource

_KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` documents that are new or changed, in all sources so far. ``source`` is being read, or was just
    read where ``read`` is true; ``passages`` were embedded and ``size`` bytes read in ``seconds``.
    """

    done: int = 0
    total: int = 0
    tenant: str = ""
    collection: str = ""
    source: str = ""
    read: bool = False
    passages: int = 0
    size: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Passages per second."""
        return self.passages / self.seconds if self.seconds > 0 else 0.0


Heard = Callable[[Progress], None]


@dataclass(slots=True)
class Pace:
    """The progress of a sync in work."""

    heard: Heard | None
    ledger: Ledger
    now: Progress = field(default_factory=Progress)
    started: float = field(default_factory=time.monotonic)
    kept: float = 0.0

    def tell(self, **changed: object) -> None:
        self.now = replace(self.now, seconds=time.monotonic() - self.started, **changed)  # pyright: ignore[reportArgumentType]
        if self.heard:
            self.heard(self.now)

    async def keep(self, origin: DocumentSource, before: Progress) -> None:
        """Keep how far this source is, once a second at most; ``before`` is where the sync was when it began with it."""
        if time.monotonic() - self.kept < _KEPT_SECONDS:
            return
        self.kept, now = time.monotonic(), self.now
        counts = (
            now.done - before.done,
            now.total - before.total,
            now.passages - before.passages,
            now.size - before.size,
        )
        await self.ledger.move(origin.tenant, origin.name, counts, f"{now.collection}/{now.source}")
