"""Values read once and used under a lease, so that a rotated one is in use in seconds and a dead vault stalls nobody."""

import asyncio
import time
from dataclasses import dataclass

import structlog

from charter.errors import CharterError, Unavailable
from charter.identity.expiring import Clock
from charter.identity.flight import SingleFlight
from charter.secrets.references import Reference
from charter.secrets.store import Secret, SecretRefused, SecretStore

READ_SECONDS = 10.0
"""How long one look at the store may take."""
WAIT_SECONDS = 5.0
"""How long somebody waits for a value that is not known yet."""
GRACE_SECONDS = 1.0
"""How long somebody waits for a look where the known value was not used for a while."""
PAUSE_SECONDS = 1.0
"""Between a look that failed and the next one."""
KEPT_SECONDS = 3_600.0
"""How long the last known value serves while the store does not answer."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Kept:
    """What is known of one reference; times in seconds since 1970."""

    secret: Secret | None = None
    read: float = 0.0
    tried: float = 0.0
    fault: CharterError | None = None


class Leases:
    """The values of references, each looked up again when its lease ends while it is in use.

    A value that the store refuses (deleted, disabled, expired) is given out no more. A store that is silent, fails or
    no longer lets this host in leaves the last known value in use, for an hour at most.
    """

    def __init__(self, store: SecretStore, *, seconds: float, clock: Clock = time.time) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._all: dict[Reference, _Kept] = {}
        self._flights: SingleFlight[None] = SingleFlight()

    async def value(self, reference: Reference) -> str:
        """Return the value: the known one while its lease lasts or its renewal is under way.

        Raises:
            SecretRefused: the store has no usable value.
            Unavailable: none is known and the store does not answer.
        """
        kept = self._all.setdefault(reference, _Kept())
        age = self._clock() - kept.read
        if not self._usable(kept):
            await self._first(reference, kept)
        elif age >= self._seconds:
            idle = age >= 2 * self._seconds and kept.fault is None and not self._flights.flying(reference)
            look = self._look(reference, kept)
            if look is not None and idle:
                await asyncio.wait({look}, timeout=GRACE_SECONDS)
        return self._known(reference, kept)

    async def fresh(self, reference: Reference) -> str:
        """Return the value as the store has it now; the known one where it does not answer. Raises as ``value``."""
        kept = self._all.setdefault(reference, _Kept())
        begun = time.monotonic()
        if self._flights.flying(reference):
            # It may have seen the value that has just been refused.
            await asyncio.wait({self._begun(reference, kept)}, timeout=WAIT_SECONDS)
        left = WAIT_SECONDS - (time.monotonic() - begun)
        if left > 0:
            await asyncio.wait({self._begun(reference, kept)}, timeout=left)
        return self._known(reference, kept)

    def status(self) -> dict[str, str]:
        """Return the references whose last look failed, each with the reason."""
        return {str(reference): kept.fault.detail for reference, kept in self._all.items() if kept.fault is not None}

    async def close(self) -> None:
        """Wait for no look any more."""
        for task in self._flights.all():
            task.cancel()

    def _usable(self, kept: _Kept) -> bool:
        return kept.secret is not None and self._clock() - kept.read < KEPT_SECONDS

    def _known(self, reference: Reference, kept: _Kept) -> str:
        if kept.secret is not None and self._usable(kept):
            return kept.secret.value
        if kept.fault is not None:
            raise type(kept.fault)(kept.fault.detail, action=kept.fault.action)
        raise Unavailable(f"The vault does not answer, so the secret {reference.name} cannot be read.")

    async def _first(self, reference: Reference, kept: _Kept) -> None:
        if look := self._look(reference, kept):
            await asyncio.wait({look}, timeout=WAIT_SECONDS)

    def _look(self, reference: Reference, kept: _Kept) -> "asyncio.Task[None] | None":
        """Join the look under way or begin one, but not soon after one that failed."""
        failed_lately = kept.fault is not None and self._clock() - kept.tried < PAUSE_SECONDS
        if failed_lately and not self._flights.flying(reference):
            return None
        return self._begun(reference, kept)

    def _begun(self, reference: Reference, kept: _Kept) -> "asyncio.Task[None]":
        return self._flights.start(reference, lambda: self._read(reference, kept))

    async def _read(self, reference: Reference, kept: _Kept) -> None:
        before, begun = kept.fault, self._clock()
        try:
            async with asyncio.timeout(READ_SECONDS):
                secret = await self._store.read(reference.name, reference.version)
        except SecretRefused as fault:
            kept.secret, kept.fault = None, fault
        except Unavailable as fault:
            kept.fault = fault
        except TimeoutError:
            kept.fault = Unavailable(f"The vault does not answer, so the secret {reference.name} cannot be read.")
        else:
            if kept.secret is not None and kept.secret.version != secret.version:
                _log.info("a secret was rotated", secret=reference.name, version=secret.version)
            kept.secret, kept.read, kept.fault = secret, begun, None
        kept.tried = self._clock()
        if kept.fault is not None and before is None:
            _log.warning("a secret cannot be read", secret=reference.name, reason=kept.fault.detail)
