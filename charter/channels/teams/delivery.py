"""One row of the outbox on its way: found its destination, sent in its turn, and written down how that ended.

The connector knows no idempotency key, and cannot be asked what it took. So a row is marked immediately before the
request and right after it; one that was marked and whose end nobody recorded is sent again, since silence is worse than
an echo. That window is one request long.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from charter.channels.teams import outbox
from charter.channels.teams.destinations import Destination, Destinations
from charter.channels.teams.outbox import Taken
from charter.channels.teams.pace import Pace
from charter.channels.teams.ports import Connector, Undelivered
from charter.errors import DatabaseUnavailable
from charter.runs.drill import Drill
from charter.store.database import Database, Session

_log = structlog.get_logger(__name__)

Unreachable = Callable[[Session, Taken], Awaitable[None]]
"""Hears, in the transaction that gives it up, of what a person cannot be told, or cannot be told in private among others."""

PATIENCE_SECONDS = 24 * 3600
_LONGEST_WAIT = 300
_LONGEST_HOLD = 3600
_HERE_SECONDS = 3
"""A turn that is further away is waited for in the database: meanwhile others have this place."""
_RECORD_SECONDS = 60


class Delivery:
    """``repeated`` counts what was sent though it may have been sent before."""

    def __init__(
        self,
        database: Database,
        connector: Connector,
        destinations: Destinations,
        pace: Pace,
        drill: Drill,
        unreachable: Unreachable,
        *,
        lease: float,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._connector = connector
        self._destinations = destinations
        self._pace = pace
        self._drill = drill
        self._unreachable = unreachable
        self._lease = lease
        self._patience = patience
        self.repeated = 0
        self.under_way: set[asyncio.Task[None]] = set()

    async def deliver(self, taken: Taken) -> None:
        """Bring it there, or write down why not. Once it is being sent, a cancellation no longer ends it.

        Raises:
            DatabaseUnavailable: before anything was sent; the row comes again when its lease is over.
        """
        try:
            destination = await self._destinations.of(taken.tenant, taken.said)
        except Undelivered as fault:
            await self._before(taken, fault)
            return
        where = destination.place.conversation
        if (wait := self._pace.wait(where)) > _HERE_SECONDS:
            async with self._database.tenant_session(taken.tenant) as session:
                await outbox.put_back(session, taken, wait)
            return
        await self._pace.turn(where)
        sending = asyncio.create_task(self._sending(taken, destination), name=f"teams {taken.said.key}")
        self.under_way.add(sending)
        sending.add_done_callback(self.under_way.discard)
        await asyncio.shield(sending)

    async def _sending(self, taken: Taken, destination: Destination) -> None:
        async with self._database.tenant_session(taken.tenant) as session:
            begun = await outbox.begin(session, taken, self._lease)
        if begun is None:
            return
        if begun.again and not self._known_again(begun, destination):
            await self._end(begun, Undelivered("refused", "It may have been said; nobody could tell for a day."))
            return
        self._drill.at("teams_before_send")
        try:
            activity = await self._request(begun, destination)
            self._pace.said(destination.place.conversation)
        except Undelivered as fault:
            await self._after(begun, destination, fault)
        except Exception:  # noqa: BLE001 - logged with its trace; said again and again it would do more harm
            _log.exception("sending failed", key=begun.said.key)
            await self._end(begun, Undelivered("refused", "The host failed while sending it."))
        else:
            self._drill.at("teams_after_send")
            await self._recorded(begun, lambda session: outbox.sent(session, begun, activity, destination.place))

    def _known_again(self, begun: Taken, destination: Destination) -> bool:
        """Count what may be said twice; return whether it is still worth that. An edit twice is the same edit."""
        if destination.edits:
            return True
        if begun.age > self._patience:
            return False
        self.repeated += 1
        _log.warning("said again: whether it was said before is not known", key=begun.said.key, count=self.repeated)
        return True

    async def _request(self, begun: Taken, destination: Destination) -> str:
        said, place = begun.said, destination.place
        if destination.edits:
            await self._connector.edit(place, destination.edits, said.body, private=bool(said.private_to))
            return destination.edits
        return await self._connector.send(place, said.body, reply_to=said.reply_to, private_to=said.private_to)

    async def _before(self, taken: Taken, fault: Undelivered) -> None:
        """It has no destination: nothing was sent."""
        async with self._database.tenant_session(taken.tenant) as session:
            begun = await outbox.begin(session, taken, self._lease)
        if begun is not None:
            await self._after(begun, None, fault)

    async def _after(self, begun: Taken, destination: Destination | None, fault: Undelivered) -> None:
        if fault.fate != "busy" or begun.age > self._patience:
            await self._end(begun, fault)
            return
        wait = min(2.0 ** min(begun.attempts, 10), _LONGEST_WAIT) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        asked = min(fault.retry_after or 0.0, _LONGEST_HOLD)
        if destination is not None and asked:
            self._pace.hold(destination.place.conversation, asked)
        wait = max(wait, asked)
        await self._recorded(begun, lambda session: outbox.postponed(session, begun, wait, fault.detail))

    async def _end(self, begun: Taken, fault: Undelivered) -> None:
        said = begun.said
        _log.warning("given up", key=said.key, fate=fault.fate, reason=fault.detail)

        async def end(session: Session) -> None:
            given_up = await outbox.given_up(session, begun, fault.detail)
            if given_up and (said.conversation or fault.fate == "gone") and not said.edits:
                await self._unreachable(session, begun)

        await self._recorded(begun, end)

    async def _recorded(self, begun: Taken, write: Callable[[Session], Awaitable[object]]) -> None:
        """Write it down; while the database does not answer, again: what is not recorded would be said twice."""
        try:
            async with asyncio.timeout(_RECORD_SECONDS):
                while True:
                    try:
                        async with self._database.tenant_session(begun.tenant) as session:
                            await write(session)
                    except DatabaseUnavailable:
                        await asyncio.sleep(0.5)
                    else:
                        return
        except TimeoutError:
            _log.error("how a message ended cannot be recorded", key=begun.said.key)
