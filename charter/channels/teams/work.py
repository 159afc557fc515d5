"""Works on what came in: each activity once, in any process, until what it asks for is under way."""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakValueDictionary

import structlog

from charter.channels.teams import cards, lifecycle, messages, pending
from charter.channels.teams.answering import Answering
from charter.channels.teams.commanding import Commands
from charter.channels.teams.desk import Desk, reply
from charter.channels.teams.incoming import Activity
from charter.channels.teams.pending import Taken
from charter.channels.teams.slots import Slots
from charter.channels.teams.speech import speech_of
from charter.channels.teams.talk import Talk
from charter.channels.teams.tasks import Task
from charter.errors import CharterError, DatabaseUnavailable, Draining
from charter.runs.run import Run
from charter.store import crossing
from charter.telemetry.tracing import Trace, Tracing

_log = structlog.get_logger(__name__)
_AT_ONCE = 100
_BEGIN_AT_ONCE = 16
"""More of them would stand before what comes in, in the queue for the database and for the processor."""
_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 5.0
_BATCH = 5

Begun = tuple[Task, Run]
_Who = tuple[str, str, str]
"""A person in a conversation of a tenant."""


class Worker:
    """The hands of this door. ``arrived`` is told of each activity that this process took in; a look every second finds
    those that were left behind elsewhere.
    """

    def __init__(self, desk: Desk, talk: Talk, commands: Commands, answering: Answering, tracing: Tracing) -> None:
        self._desk = desk
        self._talk = talk
        self._commands = commands
        self._answering = answering
        self._tracing = tracing
        self._slots = Slots(_AT_ONCE)
        self._begins = Slots(_BEGIN_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looker: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._turns: WeakValueDictionary[_Who, asyncio.Lock] = WeakValueDictionary()
        self._behind: set[_Who] = set()

    def open(self) -> None:
        self._looker = asyncio.create_task(self._look(), name="teams inbox")

    async def close(self) -> None:
        """Take nothing more, and let go: what is under way is found by another process."""
        for task in (*self._tasks, self._looker):
            if task is not None:
                task.cancel()
        for task in (*self._tasks, self._looker):
            if task is not None:
                with suppress(asyncio.CancelledError):
                    await task

    def arrived(self, tenant: str, activity: Activity) -> None:
        """Begin with this activity now, if there is a slot; otherwise it is found when there is one. What somebody writes
        while something of theirs is being begun waits in the inbox: whoever writes much must not fill all slots.
        """
        who = _who(tenant, activity)
        if (turn := self._turns.get(who)) is not None and turn.locked():
            self._behind.add(who)
        elif self._slots.free(tenant):
            self._begin(self._one(tenant, activity))

    def resumed(self, tenant: str) -> None:
        """Look at once: activities that waited for somebody's sign-in wait no longer."""
        self._wake.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, tenant: str, activity: Activity) -> None:
        begun = None
        async with self._slots.of(tenant), self._turn(tenant, activity), self._begins.of(tenant):
            with suppress(DatabaseUnavailable):
                taken = await pending.take_one(self._desk.database, tenant, activity)
                begun = await self._work(taken) if taken else None
                if taken is None:
                    self._behind.add(_who(tenant, activity))
        await self._tell(begun)

    async def _tell(self, begun: Begun | None) -> None:
        """Tell of it, without a slot: an answer may take minutes, and others have not even begun."""
        if begun is not None:
            with suppress(DatabaseUnavailable):  # who looks at what is left over tells of it
                await self._answering.tell(*begun)

    async def _look(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._left_behind()
            except DatabaseUnavailable:
                pass  # The next look tries again.
            except Exception:  # noqa: BLE001 - logged with its trace; the next look tries again
                _log.exception("looking for what was left behind failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)

    async def _left_behind(self) -> None:
        """Take what nobody works on, some of each tenant in turn, as long as there are slots."""
        due = [each for each in await crossing.teams_due(self._desk.database) if self._desk.tenants.served(each)]
        while due:
            due = [tenant for tenant in random.sample(due, len(due)) if await self._some(tenant)]
            await asyncio.sleep(0)

    async def _some(self, tenant: str) -> bool:
        """Return whether there may be more."""
        if not self._slots.free(tenant):
            return False
        found = await pending.take(self._desk.database, tenant, _BATCH)
        for taken in found:
            self._behind.add(_who(tenant, taken.activity))
            self._begin(self._placed(taken))
        return len(found) == _BATCH

    async def _placed(self, taken: Taken) -> None:
        begun, tenant = None, taken.tenant
        async with self._slots.of(tenant), self._turn(tenant, taken.activity), self._begins.of(tenant):
            with suppress(DatabaseUnavailable):
                # It may have waited here for longer than it was taken for, and somebody else has it by now.
                ours = await pending.hold(self._desk.database, taken)
                begun = await self._work(taken) if ours else None
        await self._tell(begun)

    @asynccontextmanager
    async def _turn(self, tenant: str, activity: Activity) -> AsyncGenerator[None]:
        """Wait for the turn of a person in a conversation: what they write is taken in the order in which it came."""
        who = _who(tenant, activity)
        async with self._turns.setdefault(who, asyncio.Lock()):
            yield
        if who in self._behind:
            self._behind.discard(who)
            self._wake.set()

    async def _work(self, taken: Taken) -> Begun | None:
        """Work on it and return the run that was begun. A fault of ours is told to the person at last, with a reference, and
        never in its own words.
        """
        attributes = {"charter.tenant": taken.tenant, "charter.channel": "teams"}
        with self._tracing.span("process", "teams activity", attributes):
            try:
                if taken.hopeless:
                    raise CharterError("No process lived through it.")
                async with self._held(taken):
                    return await self._handle(taken)
            except (DatabaseUnavailable, Draining):
                await self._later(taken, 0)
            except Exception:  # noqa: BLE001 - logged with its trace, told to the person
                reference = Trace.present().trace_id or secrets.token_hex(16)
                _log.exception("a Teams activity failed", activity_type=taken.activity.type, reference=reference)
                await (self._give_up(taken, reference) if taken.last else self._later(taken, _AGAIN_SECONDS))
        return None

    @asynccontextmanager
    async def _held(self, taken: Taken) -> AsyncGenerator[None]:
        """Keep it from others for as long as it takes."""
        beat = asyncio.create_task(self._beats(taken))
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _beats(self, taken: Taken) -> None:
        while True:
            await asyncio.sleep(pending.LEASE_SECONDS / 4)
            with suppress(DatabaseUnavailable):
                await pending.hold(self._desk.database, taken)

    async def _handle(self, taken: Taken) -> Begun | None:
        activity = taken.activity
        if activity.type != "message":
            await lifecycle.changed(self._desk, taken.tenant, activity)
            await self._done(taken)
            return None
        match await self._commands.command(taken.tenant, activity):
            case "no":
                return await self._talk.message(taken)
            case "done":
                await self._done(taken)
            case "waits":
                pass
        return None

    async def _done(self, taken: Taken) -> None:
        async with self._desk.database.tenant_session(taken.tenant) as session:
            await pending.done(session, taken.activity)

    async def _later(self, taken: Taken, seconds: float) -> None:
        # Where even this fails, the lease runs out.
        with suppress(CharterError):
            async with self._desk.database.tenant_session(taken.tenant) as session:
                if seconds:
                    await pending.retry(session, taken.activity, seconds=seconds)
                else:
                    await pending.put_back(session, taken.activity)

    async def _give_up(self, taken: Taken, reference: str) -> None:
        speech = speech_of(taken.activity.locale)
        problem = CharterError().as_problem(reference)
        card = cards.failure(speech, problem)
        with suppress(CharterError):
            if taken.activity.type == "message":
                body = messages.with_card(card, speech.say("failure.heading"))
                await self._desk.say(taken.tenant, reply(taken.activity, "failure", body, private=True))
            await self._done(taken)


def _who(tenant: str, activity: Activity) -> _Who:
    return tenant, activity.place.conversation, activity.sender.id
