"""What people press on cards and under answers. Answered inside the request, by what the database says, never by the card.

Source: Universal Actions for Adaptive Cards (Microsoft): the answer to ``adaptiveCard/action``.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import orjson
import structlog

from charter.channels.teams import asked, cards, known, outbox
from charter.channels.teams.cards import TaskView
from charter.channels.teams.desk import Desk
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.ingress import Invoked
from charter.channels.teams.speech import Speech, speech_of
from charter.errors import AlreadyDecided, CharterError, Expired, InvalidRequest, RunFinished
from charter.governance.approval import Approval
from charter.identity.authentication import Caller
from charter.runs.feedback import Reaction
from charter.telemetry.tracing import Trace

_log = structlog.get_logger(__name__)

CARD = "application/vnd.microsoft.card.adaptive"
SENTENCE = "application/vnd.microsoft.activity.message"
FAULT = "application/vnd.microsoft.error"
_LOOKS, _LOOK_SECONDS = 12, 0.25
_DECISIONS = {"approve": "approve", "reject": "reject"}


class Clicks:
    """The handlers of the invokes ``adaptiveCard/action`` and ``message/submitAction``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def pressed(self, tenant: str, activity: Activity) -> Invoked:
        """Answer a button: with the card as it is now, or with a sentence why not."""
        speech = speech_of(activity.locale)
        verb, data = _action(activity.value)
        try:
            caller = await self._desk.sign_in.for_click(tenant, activity)
            if isinstance(caller, Invoked):
                return caller
            if verb in _DECISIONS:
                return _answer(200, CARD, await self._decided(caller, activity, speech))
            if verb == "cancel":
                return _answer(200, CARD, await self._cancelled(caller, data, speech))
            raise InvalidRequest("This button belongs to nothing any more.", action="Write what you want in words.")
        except CharterError as fault:
            return _refused(fault, speech)

    async def _decided(self, caller: Caller, activity: Activity, speech: Speech) -> Json:
        """Take the decision; who comes too late, or presses twice, sees the one that was taken."""
        service, ctx = self._desk.service, caller.ctx
        verb, data = _action(activity.value)
        identifier = _text(data, "approval")
        # Others can show a person a card with such a button, too, and any words above it. It names no call that they saw.
        ours = await self._said(ctx.tenant, activity) == asked.card(identifier, ctx.principal.id)
        digest = _text(data, "digest") if ours else ""
        comment = _text(data, "comment").strip() or None
        with suppress(AlreadyDecided, Expired, RunFinished):
            decision = "approve" if verb == "approve" else "reject"
            approval = await service.decide(ctx, identifier, decision, digest, comment)
            return await self._outcome(ctx.tenant, approval, speech)
        return await self._outcome(ctx.tenant, await service.approval(ctx, identifier), speech)

    async def _outcome(self, tenant: str, approval: Approval, speech: Speech) -> Json:
        async with self._desk.database.tenant_session(tenant) as session:
            decider = await known.name(session, approval.decided_by) if approval.decided_by else ""
            agent = await known.agent_of(session, approval.run_id)
        return cards.decided(speech, approval, agent=agent, decider=decider, url=self._desk.approval_url(approval.id))

    async def _cancelled(self, caller: Caller, data: Mapping[str, Any], speech: Speech) -> Json:
        """Cancel the run, and show what became of it; of one that has ended, how it ended."""
        run_id, service = _text(data, "run"), self._desk.service
        with suppress(RunFinished):
            await service.cancel(caller.ctx, run_id)
        run = await service.get(caller.ctx, run_id)
        steps = await service.timeline(caller.ctx, run_id)
        view = TaskView(run, await self._desk.name_of(run), steps, url=self._desk.run_url(run_id))
        return cards.task(speech, view)

    async def liked(self, tenant: str, activity: Activity) -> Invoked:
        """Keep what somebody thinks of an answer, with the run that gave it."""
        caller = await self._desk.callers.present(tenant, activity)
        if caller is None:
            return Invoked(200, {})
        key = await self._said(tenant, activity)
        reaction, reason = _opinion(activity.value)
        if key.startswith("answer:") and reaction:
            run_id = key.removeprefix("answer:").partition(":")[0]
            with suppress(CharterError):  # somebody else's answer in a group: what they think of it is not kept
                await self._desk.service.feedback(caller.ctx, run_id, reaction, reason)
        return Invoked(200, {})

    async def _said(self, tenant: str, activity: Activity) -> str:
        """Return the key of what was said there; a person may see it a moment before that is written down."""
        for _ in range(_LOOKS):
            async with self._desk.database.tenant_session(tenant) as session:
                key = await outbox.key_of(session, activity.place.conversation, activity.reply_to)
            if key:
                return key
            await asyncio.sleep(_LOOK_SECONDS)
        return ""


def _action(value: Any) -> tuple[str, Mapping[str, Any]]:
    given = _object(_object(value).get("action"))
    return _text(given, "verb"), _object(given.get("data"))


def _opinion(value: Any) -> tuple[Reaction | None, str]:
    """Return the reaction and the reason; Teams packs the reason as JSON within JSON."""
    given = _object(_object(value).get("actionValue"))
    reason = ""
    with suppress(orjson.JSONDecodeError):
        reason = _text(_object(orjson.loads(_text(given, "feedback") or "{}")), "feedbackText")
    match _text(given, "reaction"):
        case "like" | "dislike" as reaction:
            return reaction, reason
        case _:
            return None, reason


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    return found if isinstance(found, str) else ""


def _answer(status: int, kind: str, value: Any) -> Invoked:
    return Invoked(200, {"statusCode": status, "type": kind, "value": value})


def _refused(fault: CharterError, speech: Speech) -> Invoked:
    """Say why not, in a sentence that the client shows to the one who pressed."""
    problem = fault.as_problem(Trace.present().trace_id)
    if fault.status >= 500:
        _log.warning("a button could not be answered", code=fault.code, reference=problem["trace_id"])
    return _answer(fault.status, FAULT, {"code": fault.code, "message": cards.told_briefly(speech, fault)})
