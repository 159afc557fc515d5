"""Brings questions to the people who decide them: a card each, reminders, and the outcome in the very same cards.

An approval is one object, whoever asked for it and wherever it is decided. What was done about it in Teams stands in
``teams_asked`` and moves in one transaction with what is to be said.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
import structlog

from charter.catalog.spec import FunctionSpec
from charter.channels.teams import asked, cards, known, messages, outbox
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Json
from charter.channels.teams.outbox import Said
from charter.channels.teams.speech import Speech, speech_of
from charter.channels.wording import call_name
from charter.errors import DatabaseUnavailable
from charter.governance import approvals
from charter.governance.approval import Approval
from charter.store import crossing
from charter.store.database import Session

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 5.0
_GATHER_SECONDS = 0.1


class Approving:
    """Asks, reminds, and tells how it ended."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wake = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._keeper = asyncio.create_task(self._forever(), name="teams approvals")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    def heard(self, _run_id: str, kind: str, status: str) -> None:
        """Hear of a question, an answer or a run's end; a listener of every journal."""
        if kind == "approval" or (kind == "run" and status in {"cancelled", "failed"}):
            self._wake.set()

    async def _forever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
            await asyncio.sleep(_GATHER_SECONDS)
            self._wake.clear()
            try:
                for tenant in await crossing.teams_tenants(self._desk.database):
                    if self._desk.tenants.served(tenant):
                        await self._looked(tenant)
            except DatabaseUnavailable:
                pass  # The next look tries again.
            except Exception:  # noqa: BLE001 - logged with its trace; the next look tries again
                _log.exception("looking for questions failed")

    async def _looked(self, tenant: str) -> None:
        """Do what is to be done about this tenant's questions; what fails of it keeps nothing else from being done."""
        for part in (self._asks, self._meets, self._settles, self._ends, self._reminds):
            try:
                async with self._desk.database.tenant_session(tenant) as session:
                    said = await part(session)
                    for each in said:
                        await outbox.put(session, tenant, each)
            except DatabaseUnavailable:
                raise
            except Exception:  # noqa: BLE001 - logged; the next look tries again
                _log.exception("asking of approvers failed", tenant=tenant)
            else:
                if said:
                    self._desk.sender.wake(tenant)

    async def _asks(self, session: Session) -> list[Said]:
        return [each for approval in await asked.unasked(session) for each in await self._ask(session, approval)]

    async def _meets(self, session: Session) -> list[Said]:
        """Ask those who can be reached now what they could not be asked before."""
        said: list[Said] = []
        for person in await asked.newcomers(session):
            for approval in await asked.missed(session, person):
                card = await self._card(session, approval, person)
                await outbox.forget(session, card.key)
                said.append(card)
        return said

    async def _settles(self, session: Session) -> list[Said]:
        return [each for row in await asked.settled(session) for each in await self._settle(session, row)]

    async def _ends(self, session: Session) -> list[Said]:
        return [each for row in await asked.ended(session) for each in await self._end(session, row)]

    async def _reminds(self, session: Session) -> list[Said]:
        due = await asked.due(session, self._desk.settings.reminders)
        return [each for row in due for each in await self._remind(session, row)]

    async def _ask(self, session: Session, approval: Approval) -> list[Said]:
        """Ask each person who may decide; nobody is asked twice."""
        who = await self._approvers(session, approval)
        await asked.asked(session, approval)
        return [await self._card(session, approval, person) for person in who]

    async def _approvers(self, session: Session, approval: Approval) -> list[str]:
        """Return the people who may decide, as far as they are known here: named ones, and those who had the role last."""
        named: list[str] = []
        for entry in approval.approvers:
            kind, _, name = entry.partition(":")
            named += [name] if kind == "user" else await known.with_role(session, name)
        if approval.kind == "confirmation":
            return [approval.requester_id]
        return [person for person in dict.fromkeys(named) if person != approval.requester_id]

    async def _card(self, session: Session, approval: Approval, person: str) -> Said:
        speech = await _speech(session, person)
        function = self._function(approval)
        named = [entry.partition(":")[2] for entry in approval.approvers]
        card = cards.approval(
            speech,
            approval,
            names=await known.names(session, *named, approval.requester_id),
            agent=await known.agent_of(session, approval.run_id),
            effect=function.effect if function else "irreversible",
            roles=_roles(function),
            me=person,
            url=self._desk.approval_url(approval.id),
        )
        name, _ = call_name(approval.function)
        kind = "confirmation" if approval.kind == "confirmation" else "approval"
        body = messages.with_card(card, speech.say(f"summary.{kind}", function=name))
        return Said(asked.card(approval.id, person), body, person=person)

    def _function(self, approval: Approval) -> FunctionSpec | None:
        """Return what is known of the function; of one that is there no more the worst is assumed."""
        try:
            return self._desk.service.editions.current.catalog.function(approval.function)
        except KeyError:
            return None

    async def _settle(self, session: Session, row: asyncpg.Record) -> list[Said]:
        """Put the outcome into every card that asked; a reminder that has not left yet is not said any more."""
        approval = await approvals.get(session, row["approval_id"])
        for kind in ("reminder", "escalation"):
            await outbox.withdraw(session, f"{kind}:{approval.id}")
        decider = await known.name(session, approval.decided_by) if approval.decided_by else ""
        agent = await known.agent_of(session, approval.run_id)
        said: list[Said] = []
        for key, person in await asked.cards_of(session, approval.id):
            speech = await _speech(session, person)
            card = cards.decided(
                speech, approval, agent=agent, decider=decider, roles=_roles(self._function(approval)),
                url=self._desk.approval_url(approval.id),
            )  # fmt: skip
            body = messages.with_card(card, speech.say(f"decided.{approval.status}"))
            said.append(Said(f"{key}:{approval.status}", body, person=person, edits=key))
        await asked.noted(session, approval)
        return said

    async def _end(self, session: Session, row: asyncpg.Record) -> list[Said]:
        """Tell who approved something that it was not done after all."""
        await asked.over(session, row["approval_id"])
        approval = await approvals.get(session, row["approval_id"])
        if not row["undone"] or not approval.decided_by or approval.kind == "confirmation":
            return []
        who = approval.decided_by
        return [await self._line(session, f"undone:{approval.id}", "decided.undone", approval, who)]

    async def _remind(self, session: Session, row: asyncpg.Record) -> list[Said]:
        """Remind who has not decided; the last time, tell who waits, and where questions that stay open are to be told."""
        approval = await approvals.get(session, row["approval_id"])
        number = await asked.reminded(session, approval)
        said = [
            await self._line(session, f"reminder:{approval.id}:{number}:{person}", "reminder.text", approval, person)
            for _, person in await asked.cards_of(session, approval.id)
        ]
        if number == len(self._desk.settings.reminders) and approval.kind == "approval":
            who = approval.requester_id
            said.append(await self._line(session, f"escalation:{approval.id}:{who}", "reminder.waits", approval, who))
            if place := self._desk.settings.escalation:
                body = _line(speech_of(""), "reminder.escalation", approval)
                said.append(Said(f"escalation:{approval.id}", body, conversation=place))
        return said

    @staticmethod
    async def _line(session: Session, key: str, sentence: str, approval: Approval, person: str) -> Said:
        return Said(key, _line(await _speech(session, person), sentence, approval), person=person)


def _line(speech: Speech, sentence: str, approval: Approval) -> Json:
    left = (approval.expires_at - datetime.now(UTC)).total_seconds()
    return messages.plain(speech.say(sentence, requester=approval.requester_name, left=speech.span(max(0.0, left))))


async def _speech(session: Session, person: str) -> Speech:
    return speech_of(await known.locale(session, person))


def _roles(function: FunctionSpec | None) -> Mapping[str, str]:
    return {name: each.role for name, each in function.arguments.items()} if function else {}
