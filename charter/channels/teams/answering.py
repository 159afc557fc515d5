"""An answer that grows in a personal chat while it is made; everything else is told by ``telling``."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import structlog

from charter.channels.teams import cards, conversations, messages, outbox, tasks
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Json, Place
from charter.channels.teams.ports import Stopped, Stream, Undelivered
from charter.channels.teams.slots import Slots
from charter.channels.teams.speech import Speech, speech_of
from charter.channels.teams.tasks import Task
from charter.channels.teams.telling import Telling
from charter.context import Context
from charter.errors import DatabaseUnavailable, Draining, RunFinished
from charter.runs.run import Event, Run

_log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 45.0
"""So long a stream waits for the answer's end without a word; Teams itself ends it after two minutes."""
QUIET_SECONDS = 8.0
"""So long a call may take below a text that has begun, where no line can tell of it any more; then a card does."""
_LONGEST_SECONDS = 105.0
_BEAT_SECONDS = tasks.STREAM_SECONDS / 4
_SIGN_SECONDS = 3.0
_AT_ONCE = 100
_APART = "\n\n"


@dataclass(slots=True)
class _Growing:
    """What has been said in the stream so far: ``doing`` until the first text; ``before`` is that of turns that went on with
    a call; ``calling``: one is under way. ``broken``: what is shown was withdrawn, and nothing more is added.
    """

    doing: str
    before: str = ""
    turn: str = ""
    shown: str = ""
    broken: bool = False
    calling: bool = False
    run: Run | None = None

    @property
    def text(self) -> str:
        return self.before + self.turn

    @property
    def patience(self) -> float | None:
        """Return how many seconds nothing may come."""
        return (QUIET_SECONDS if self.calling else None) if self.text else PATIENCE_SECONDS

    def more(self) -> str:
        """Return what is to be added to what is shown. What may still turn into markup waits for its next letter."""
        whole = self.text
        whole = messages.tame(whole.removesuffix("!").removesuffix("<") if whole.endswith(("!", "<")) else whole)
        more, self.shown = whole[len(self.shown) :], whole
        return more


class Answering:
    """Follows a run that was begun here and lets its answer grow."""

    def __init__(self, desk: Desk, telling: Telling) -> None:
        self._desk = desk
        self._telling = telling
        self._streaming: set[str] = set()
        self._slots = Slots(_AT_ONCE)

    async def tell(self, task: Task, run: Run) -> None:
        """Tell the person of their run: as a stream where that is possible, otherwise as ``telling`` does."""
        async with self._desk.database.tenant_session(task.tenant) as session:
            place = await conversations.place(session, task.tenant, task.conversation, task.root)
        if place is None:
            await self._let_go(task)
            return
        # One stream at a time in a chat: who writes again meanwhile is answered by a plain message.
        if place.scope != "personal" or place.conversation in self._streaming or not self._slots.free(task.tenant):
            with suppress(Undelivered):
                await self._desk.connector.typing(place)
            await self._let_go(task)
            return
        self._streaming.add(place.conversation)
        try:
            async with self._slots.of(task.tenant):
                await self._streamed(task, run, place)
        finally:
            self._streaming.discard(place.conversation)

    async def _streamed(self, task: Task, run: Run, place: Place) -> None:
        speech = speech_of(task.locale)
        growing = _Growing(speech.say("step.now.working"))
        stream = self._desk.connector.stream(place, task.reply_to)
        beside = [asyncio.create_task(self._beats(task)), asyncio.create_task(self._noted(task, stream))]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._follow(task.ctx, run.id, stream, growing, speech)
            await self._ended(task, stream, place, growing, speech)
        except Stopped:
            with suppress(Stopped):  # as long as it is not closed, nothing else can be streamed there
                await stream.close(messages.plain(""))
            await self._stopped(task)
        except (DatabaseUnavailable, Draining):
            with suppress(DatabaseUnavailable, Stopped):  # who looks at what is left over tells of it
                await _closed(stream, growing, speech.say("stream.running"))
                await self._let_go(task)
        finally:
            for each in beside:
                each.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _beats(self, task: Task) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            with suppress(DatabaseUnavailable):
                await tasks.still_streams(self._desk.database, task)

    async def _noted(self, task: Task, stream: Stream) -> None:
        """Write down what is shown: if this process dies, whoever tells of the run ends it."""
        shown = await stream.begun()
        with suppress(DatabaseUnavailable):
            await tasks.shows(self._desk.database, task, shown)

    async def _follow(self, ctx: Context, run_id: str, stream: Stream, growing: _Growing, speech: Speech) -> None:
        """Pass on what happens until the run has ended or waits for somebody, or nothing has come for long."""
        stream.update(growing.doing)
        async with aclosing(_events(self._desk, ctx, run_id)) as events:
            while True:
                event = await _next(events, stream, growing)
                if event is None or self._passed(event, stream, growing, speech):
                    break
        growing.run = await self._desk.service.get(ctx, run_id)

    @staticmethod
    def _passed(event: Event, stream: Stream, growing: _Growing, speech: Speech) -> bool:
        """Pass one event on; tell whether nothing more is to be expected now."""
        match event.type:
            case "output.delta":
                apart = _APART if growing.before and not growing.turn else ""
                growing.turn += apart + event.data["text"]
                if not growing.broken and (more := growing.more()):
                    stream.add(more)
            case "output.withdrawn":
                # What has been shown cannot be unsaid: the answer will be told as a message of its own.
                growing.turn, growing.broken = "", bool(growing.text) or growing.broken
            case "step":
                growing.calling = event.data["type"] not in {"model", "message"} and event.data["status"] == "running"
                if event.data["type"] == "model" and event.data["status"] == "done" and growing.turn:
                    growing.before, growing.turn = growing.text, ""
                elif event.data["status"] == "running" and not growing.text:
                    growing.doing = cards.doing(speech, event.data["type"], event.data["name"])
                    stream.update(growing.doing)
            case "run.status":
                return event.data["status"] == "waiting"
            case _:
                return event.type == "done"
        return False

    async def _ended(self, task: Task, stream: Stream, place: Place, growing: _Growing, speech: Speech) -> None:
        run = growing.run or await self._desk.service.get(task.ctx, task.run_id)
        if growing.broken or not (run.status == "completed" or (run.finished and not growing.shown)):
            await self._passed_over(task, stream, run, growing, speech)
            return
        body = await self._whole(task, run, growing, speech)
        sent = await stream.close(body)
        async with self._desk.database.tenant_session(task.tenant) as session:
            said = self._telling.said(task, run, body)
            if sent is None:
                await outbox.put(session, task.tenant, said)
            else:
                await outbox.was_sent(session, task.tenant, said, sent, place)
            await tasks.told(session, run.id, run.last_seq, carded=False, done=True)
        self._desk.sender.wake(task.tenant)

    async def _whole(self, task: Task, run: Run, growing: _Growing, speech: Speech) -> Json:
        """Return the message that the stream becomes. One has to have a text, beside a card, too."""
        if run.status == "completed":
            return await self._telling.answer(task, run, speech, shown=growing.text)
        told = await self._telling.ending(task, run, speech)
        return {**messages.plain(speech.say(f"stream.{run.status}")), **told}

    async def _passed_over(self, task: Task, stream: Stream, run: Run, growing: _Growing, speech: Speech) -> None:
        """End the stream with a word on how it goes on, and leave the rest to who tells of it."""
        key = "anew" if growing.broken else run.status
        if key == "waiting":
            key = f"waiting.{await self._telling.awaited(task, run)}"
        await _closed(stream, growing, speech.say(f"stream.{key}"))
        await self._let_go(task)
        await self._telling.tell(task.tenant, task.run_id)

    async def _stopped(self, task: Task) -> None:
        """The person pressed Stop: the run is cancelled, and what it had done is told."""
        with suppress(RunFinished):
            await self._desk.service.cancel(task.ctx, task.run_id)
        await self._let_go(task)
        await self._telling.tell(task.tenant, task.run_id)

    async def _let_go(self, task: Task) -> None:
        """Let whoever comes tell of it from now on."""
        async with self._desk.database.tenant_session(task.tenant) as session:
            await tasks.told(session, task.run_id, 0, carded=False, done=False)
        self._telling.heard(task.run_id)


async def _closed(stream: Stream, growing: _Growing, line: str) -> None:
    """End what is shown with a word on how it goes on."""
    text = f"{growing.shown}\n\n{line}" if growing.shown else line
    await stream.close({**messages.plain(text), "textFormat": "markdown"})


async def _next(events: AsyncGenerator[Event], stream: Stream, growing: _Growing) -> Event | None:
    """Return the next event. Until then the stream says once more what is being done: only as the answer to something that is
    sent does Teams tell that the person has pressed Stop.

    Raises:
        Stopped: they have.
        TimeoutError: nothing came for long.
    """
    coming = asyncio.ensure_future(anext(events, None))
    try:
        async with asyncio.timeout(growing.patience):
            while not (await asyncio.wait({coming}, timeout=_SIGN_SECONDS))[0]:
                stream.update(growing.doing)
        return coming.result()
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.wait({coming})


async def _events(desk: Desk, ctx: Context, run_id: str) -> AsyncGenerator[Event]:
    async for event in desk.service.events(ctx, run_id):
        yield event
