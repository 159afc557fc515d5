"""Tells people in Teams of the runs they asked for, hours or days later too, from any process.

The journal is what happened; a task's ``told_seq`` is how far its person knows. Whoever sees that the one is ahead of the
other writes what is to be said and moves the number in one transaction: a process that dies between loses nothing, and
two never say the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from charter.channels.teams import cards, conversations, known, messages, outbox, people, privacy, tasks
from charter.channels.teams.cards import TaskView
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Account, Json, Place
from charter.channels.teams.outbox import Said, Taken
from charter.channels.teams.ports import Member, Undelivered
from charter.channels.teams.slots import Slots
from charter.channels.teams.speech import Speech, speech_of
from charter.channels.teams.tasks import Task
from charter.channels.wording import call_name
from charter.errors import CharterError, DatabaseUnavailable, NotFound
from charter.governance import approvals
from charter.governance.approval import Approval
from charter.governance.labels import Label, joined
from charter.runs.run import TERMINAL, Run, Step
from charter.store import crossing
from charter.store.database import Session

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 2.0
_GATHER_SECONDS = 0.1
_AT_ONCE = 4
"""More of them would have the whole of the database's connections."""
_SHORT = timedelta(seconds=4)
"""A run that takes no longer shows no card."""
_PROGRESS = timedelta(seconds=3)
"""A card's progress is told no more often."""


class Telling:
    """Follows every open task."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard: set[str] = set()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._slots = Slots(_AT_ONCE)
        self._wake = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._teller = asyncio.create_task(self._forever(), name="teams telling")

    async def close(self) -> None:
        ending = [*self._under_way.values(), *([self._teller] if self._teller else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def heard(self, run_id: str, _kind: str = "", _status: str = "") -> None:
        """Hear that something happened in a run; a listener of every journal."""
        self._heard.add(run_id)
        self._wake.set()

    async def _forever(self) -> None:
        looked = float("-inf")
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
            await asyncio.sleep(_GATHER_SECONDS)  # what happens at once is told at once
            self._wake.clear()
            heard, self._heard = self._heard, set()
            now = asyncio.get_running_loop().time()
            everything = now - looked >= _LOOK_SECONDS
            try:
                await self._look(heard, everything=everything)
            except DatabaseUnavailable:
                self._heard |= heard
            except Exception:  # noqa: BLE001 - logged; the next look tries again
                _log.exception("telling of runs failed")
            looked = now if everything else looked

    async def _look(self, heard: set[str], *, everything: bool) -> None:
        found = await crossing.teams_tenants_of(self._desk.database, heard) if heard else {}
        for run_id, tenant in found.items():
            self._begin(tenant, run_id)
        if everything:  # However busy it is: nobody hears of what a process left behind that died.
            for tenant in await crossing.teams_waiting(self._desk.database):
                async with self._desk.database.tenant_session(tenant) as session:
                    left = await tasks.unattended(session)
                for run_id in left:
                    self._begin(tenant, run_id)

    def _begin(self, tenant: str, run_id: str) -> None:
        """Tell of one run beside others. What it waits for, and what fails of it, keeps none of them."""
        if run_id in self._under_way:
            self._heard.add(run_id)  # The next look comes to it: it may have been read before this happened.
            return
        task = self._under_way[run_id] = asyncio.create_task(self._one(tenant, run_id), name=f"teams {run_id}")
        task.add_done_callback(lambda _: self._ended(run_id))

    def _ended(self, run_id: str) -> None:
        self._under_way.pop(run_id, None)
        if run_id in self._heard:
            self._wake.set()

    async def _one(self, tenant: str, run_id: str) -> None:
        async with self._slots.of(tenant):
            try:
                await self.tell(tenant, run_id)
            except DatabaseUnavailable:
                self.heard(run_id)
            except Exception:  # noqa: BLE001 - logged; the next look tries again
                _log.exception("telling of a run failed", run=run_id)

    async def tell(self, tenant: str, run_id: str) -> None:
        """Say what is new of one run; nothing where another process does, or there is nothing new."""
        async with self._desk.database.tenant_session(tenant) as session:
            task = await tasks.peek(session, run_id)
            place = await conversations.place(session, tenant, task.conversation, task.root) if task else None
        if task is None:
            return
        try:
            run = await self._desk.service.get(task.ctx, run_id)
            said = await self._said(task, run, place)
        except NotFound:
            return
        if said is None:
            return
        async with self._desk.database.tenant_session(tenant) as session:
            if await tasks.locked(session, run_id, told=task.told_seq) is None:
                return
            if task.shown and place:
                await self._broken_off(session, task, run, place)
            for each in said:
                await outbox.put(session, tenant, each)
            carded = any(each.key.startswith("task:") for each in said)
            await tasks.told(session, run_id, run.last_seq, carded=carded, done=run.finished)
        self._desk.sender.wake(tenant)

    async def _broken_off(self, session: Session, task: Task, run: Run, place: Place) -> None:
        """Put a word on how it goes on in the place of an answer that would grow for ever: its process has died."""
        shown = Said(f"stream:{run.id}", {}, task.conversation, task.root)
        line = speech_of(task.locale).say("stream.anew" if run.status == "completed" else f"stream.{run.status}")
        await outbox.was_sent(session, task.tenant, shown, task.shown, place)
        await outbox.put(
            session, task.tenant, replace(shown, key=f"{shown.key}:over", body=messages.plain(line), edits=shown.key)
        )

    async def _said(self, task: Task, run: Run, place: Place | None) -> list[Said] | None:
        """Return what is to be said of the run as it is now; ``None``: it is too early to say anything. Where there is no
        place any more, its end finds the person elsewhere (``unreachable``).
        """
        speech = speech_of(task.locale)
        steps = await self._desk.service.timeline(task.ctx, run.id)
        young = task.created_at is not None and datetime.now(UTC) - task.created_at < _SHORT
        if place is None:
            return [self.said(task, run, await self.ending(task, run, speech))] if run.finished else []
        if run.status in TERMINAL:
            card = [await self._card(task, run, steps, speech)] if task.carded else []
            return [*card, *await self._outcome(task, run, steps, place, speech)]
        if run.status != "waiting" and young and not task.carded:
            self._later(run.id)
            return None
        card = await self._card(task, run, steps, speech)
        if run.status == "waiting":
            return [card, *await self._doubt(task, run, steps, speech)]
        return [replace(card, due=datetime.now(UTC) + _PROGRESS) if task.carded else card]

    def _later(self, run_id: str) -> None:
        asyncio.get_running_loop().call_later(_SHORT.total_seconds(), self.heard, run_id)

    async def _card(self, task: Task, run: Run, steps: Sequence[Step], speech: Speech) -> Said:
        approval = await self._asked(task, run)
        names = await self._names(task, approval)
        view = TaskView(run, names[task.person], steps, approval, names, url=self._desk.run_url(run.id))
        body = messages.with_card(cards.task(speech, view), speech.say(f"task.{run.status}"))
        first = f"task:{run.id}"
        edit = f"{first}:{run.last_seq}" if task.carded else first
        return Said(
            edit, body, task.conversation, task.root, reply_to=task.reply_to, edits=first if task.carded else "",
            private_to=task.account if task.private else "",
        )  # fmt: skip

    async def _names(self, task: Task, approval: Approval | None) -> Mapping[str, str]:
        """Return what the people are called who asked, and who are asked."""
        named = (
            [entry.removeprefix("user:") for entry in approval.approvers if entry.startswith("user:")]
            if approval
            else []
        )
        async with self._desk.database.tenant_session(task.tenant) as session:
            return {person: await known.name(session, person) for person in (task.person, *named)}

    async def _doubt(self, task: Task, run: Run, steps: Sequence[Step], speech: Speech) -> list[Said]:
        """Return the card about an effect that nobody knows of, for the one who asked: each doubt once."""
        waits = run.waiting or {}
        step = next((step for step in steps if step.id == waits.get("step_id")), None)
        if waits.get("for") != "unknown_effect" or step is None:
            return []
        names = await self._names(task, None)
        card = cards.doubt(speech, run, step, asker=names[task.person], url=self._desk.run_url(run.id))
        body = messages.with_card(card, speech.say("doubt.heading"))
        key = f"doubt:{run.id}:{step.id}:{waits['since']}"
        return [Said(key, body, task.conversation, task.root, reply_to=task.reply_to, private_to=task.account)]

    async def _asked(self, task: Task, run: Run) -> Approval | None:
        """Return the question that the run waits for, if it does."""
        identifier = (run.waiting or {}).get("approval_id")
        return await self._desk.service.approval(task.ctx, identifier) if identifier else None

    async def awaited(self, task: Task, run: Run) -> str:
        """Return what a run waits for: ``approval``, ``confirmation``, ``input``, ``event``, ``unknown_effect``."""
        approval = await self._asked(task, run)
        return approval.kind if approval else str((run.waiting or {}).get("for", "event"))

    async def _outcome(self, task: Task, run: Run, steps: Sequence[Step], place: Place, speech: Speech) -> list[Said]:
        """Return the end of a run in words. Where others read along, only what all of them may read is said to all."""
        body = await self.ending(task, run, speech)
        if place.scope == "personal":
            return [self.said(task, run, body)]
        alone = replace(self.said(task, run, body), private_to=task.account)
        if task.private:
            return [alone]
        if run.status == "cancelled":  # the card that all see says no less
            return [self.said(task, run, body)]
        if run.status == "completed" and await self._for_everyone(task, run, steps, place):
            return [self.said(task, run, messages.mentioning(body, await self._account(task)))]
        line = messages.plain(speech.say(f"private.{run.status}"))
        return [Said(f"private:{run.id}", line, task.conversation, task.root, reply_to=task.reply_to), alone]

    async def _for_everyone(self, task: Task, run: Run, steps: Sequence[Step], place: Place) -> bool:
        """Whether all who read along may read the answer, and what was said before it, which the model was shown."""
        async with self._desk.database.tenant_session(task.tenant) as session:
            aloud = await tasks.aloud(session, task, run.thread)
        members = await self._members(place)
        home = self._desk.tenants.directory(task.tenant) or ""
        shown = [steps, *await self._earlier(task, run)]
        return aloud and privacy.audience(shown, members, home) == "everyone"

    async def _earlier(self, task: Task, run: Run) -> list[Sequence[Step]]:
        """Return the steps of each earlier run of the thread: the model was shown their answers."""
        earlier: list[Sequence[Step]] = []
        cursor: str | None = None
        while True:
            page = await self._desk.service.listing(task.ctx, thread=run.thread, cursor=cursor, limit=100)
            others = [each.id for each in page.items if each.id != run.id]
            earlier.extend([await self._desk.service.timeline(task.ctx, each) for each in others])
            cursor = page.next
            if cursor is None:
                return earlier

    async def _account(self, task: Task) -> Account:
        async with self._desk.database.tenant_session(task.tenant) as session:
            known = await people.account(session, task.tenant, task.person)
        return known or Account(task.account, task.person)

    async def _members(self, place: Place) -> Sequence[Member] | None:
        try:
            return await self._desk.connector.members(place)
        except Undelivered:
            return None

    async def ending(self, task: Task, run: Run, speech: Speech) -> Json:
        """Return the message that tells how a run ended."""
        match run.status:
            case "completed":
                return await self.answer(task, run, speech)
            case "failed":
                card = cards.failure(speech, dict(run.error or {}), run, url=self._desk.run_url(run.id))
                return messages.with_card(card, speech.say("failure.heading"))
            case _:
                done = [call_name(str(each["function"]))[0] for each in run.effects if each.get("outcome") == "done"]
                words = (
                    speech.say("stop.stays", what=", ".join(dict.fromkeys(done))) if done else speech.say("stop.done")
                )
                return messages.plain(words)

    async def answer(self, task: Task, run: Run, speech: Speech, *, shown: str = "") -> Json:
        """Return the answer's message; its text begins with what was ``shown`` of it already."""
        output = dict(run.output or {})
        output["text"] = joined_text(shown, str(output.get("text", "")))
        steps = await self._desk.service.timeline(task.ctx, run.id)
        label = joined(Label.from_json(dict(step.label)) for step in steps)
        excerpts = await self._excerpts(task, output.get("citations") or ())
        return messages.answer(
            speech,
            replace(run, output=output),
            sensitivity=label,
            url_of=self._desk.url_of,
            excerpt_of=lambda cited: excerpts.get(str(cited.get("passage_id")), ""),
            run_url=self._desk.run_url(run.id),
        )

    async def _excerpts(self, task: Task, citations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return what stands in each cited passage, as far as the person may read it still."""
        found: dict[str, str] = {}
        for cited in citations:
            with suppress(CharterError):
                opened = await self._desk.service.passage(task.ctx, str(cited["document_id"]), str(cited["passage_id"]))
                found[str(cited["passage_id"])] = str(opened.get("text", ""))
        return found

    @staticmethod
    def said(task: Task, run: Run, body: Json) -> Said:
        """Return the run's end as something to be said, by the one key that it has wherever it is said."""
        return Said(f"answer:{run.id}", body, task.conversation, task.root, reply_to=task.reply_to)

    async def unreachable(self, session: Session, taken: Taken) -> None:
        """Hear, in the transaction that gives it up, of what could not be said: what was private among others, and any answer,
        is said in the person's own chat; who asked hears that an approver cannot be reached.
        """
        said = taken.said
        kind, _, rest = said.key.partition(":")
        person: str | None = None
        if said.private_to:
            person = await known.person_of(session, said.private_to)
        elif kind == "answer" and said.conversation and (task := await tasks.find(session, rest)):
            person = task.person
        if person:
            await outbox.put(session, taken.tenant, Said(f"{said.key}:personal", said.body, person=person))
        if kind == "approval":
            approval = await approvals.get(session, rest.partition(":")[0])
            speech = speech_of(await known.locale(session, approval.requester_id))
            who = speech.called(await known.name(session, said.person))
            line = speech.say("unreached.approver", who=f"{who[:1].upper()}{who[1:]}")
            key = f"unreached:{approval.id}:{said.person}"
            await outbox.put(session, taken.tenant, Said(key, messages.plain(line), person=approval.requester_id))


def joined_text(shown: str, text: str) -> str:
    """Return an answer that begins with what was shown of it: what a model said before its last turn stays."""
    if not shown or text.startswith(shown):
        return text
    return shown if shown.endswith(text) else f"{shown}\n\n{text}"
