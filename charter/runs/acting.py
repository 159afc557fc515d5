"""Do what the gate allowed: announce it, call, and note what became of it. No audit record, no call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog

from charter.catalog.spec import Catalog, FunctionSpec
from charter.context import Context
from charter.errors import CharterError
from charter.governance.labels import TRUSTED, Label, label_of, untrusted
from charter.plugin import Access, FunctionFailed
from charter.runs import effects, journal, resolving
from charter.runs.act import Act, recorded
from charter.runs.doubt import Doubt
from charter.runs.drill import Drill
from charter.runs.grip import HandedOver
from charter.runs.journal import Fenced
from charter.runs.parking import Parking
from charter.runs.work import Work
from charter.runs.writing import Writer, persistently
from charter.settings import Runs
from charter.store.database import Database, Session
from charter.telemetry import names
from charter.telemetry.tracing import Tracing

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 5

LastLook = Callable[[], Awaitable[None]]
"""Called when a request is about to leave; raises where it must not."""

AccessOf = Callable[[Catalog, Context, str, LastLook | None], Access]
"""Takes the run's catalog, its context and a plugin's name; returns what that principal may reach through that plugin."""


class Acting:
    """Calls functions as the principal of the run."""

    def __init__(
        self,
        database: Database,
        access_of: AccessOf,
        parking: Parking,
        doubt: Doubt,
        writer: Writer,
        tracing: Tracing,
        settings: Runs,
        drill: Drill,
    ) -> None:
        self._database = database
        self._access_of = access_of
        self._parking = parking
        self._doubt = doubt
        self._writer = writer
        self._tracing = tracing
        self._patience = settings.function_seconds + _GRACE_SECONDS
        self._drill = drill

    async def act(self, work: Work, act: Act) -> bool:
        """Call the function; ``False`` when nobody can know whether it happened and a person must say.

        Raises:
            AuthorityLost: the principal's authority is gone; nothing was sent.
            Fenced: the run is another process's; nothing was sent, or it was and the ledger knows.
        """
        attributes = {
            names.TOOL: act.function.full_name,
            names.TOOL_CALL: act.call.id,
            names.EFFECT: act.function.effect,
            names.STEP: act.step_id,
        }
        with self._tracing.span("execute_tool", act.function.full_name, attributes) as span:
            try:
                return await (self._change(work, act) if act.changes_the_world else self._read(work, act))
            except FunctionFailed as fault:
                span.set_attribute(names.ERROR_TYPE, "FunctionFailed")
                await self._failed(work, act, "failed", fault)
                return True

    async def abandon(self, work: Work, act: Act) -> None:
        """Settle an effect in doubt that must not be called again: nobody will know."""
        await self._settle(work, act, "unknown", {"error": act.decision.public}, TRUSTED)

    async def _read(self, work: Work, act: Act) -> bool:
        await self._announce(work, act)
        doing = self._invoke(work, act.function, dict(act.arguments), {})
        await self._done(work, act, await self._writer.meanwhile(work, work.grip.while_held(doing)))
        return True

    async def _change(self, work: Work, act: Act) -> bool:
        """Announce and call until the outcome is known, or a person has to say it."""
        pause, noted = 0.5, False
        while True:
            if act.step_id in work.doubtful:
                taken = (
                    effects.path(act.function)
                    if noted and act.function.lookup is None
                    else await self._doubt.note(work, act)
                )
                noted = True
                if taken == "person":
                    await self._parking.for_unknown_effect(work, act)
                    return False
                found = await self._doubt.look_up(work, act, self._invoke) if taken == "lookup" else None
                if found is not None:
                    await self._done(work, act, found.result, found.function)
                    return True
            await self._announce(work, act)
            try:
                await self._done(work, act, await self._send(work, act))
                return True
            except FunctionFailed as fault:
                if fault.happened is not None:
                    raise
                if noted and journal.now() >= work.settles and effects.path(act.function) == "key":
                    await self._failed(work, act, "unknown", fault)
                    return True
            work.doubtful.add(act.step_id)
            if noted:
                pause = await self._doubt.pause(work, pause)

    async def _announce(self, work: Work, act: Act) -> None:
        claim = work.claim

        async def note(db: Session) -> None:
            if act.changes_the_world:
                await effects.intend(
                    db, work.ctx.tenant, claim.run_id, act.step_id, act.function.full_name, act.decision.digest, claim.epoch
                )  # fmt: skip
            await recorded(db, work, act, "function.allowed")

        self._drill.at("before_intent")
        await self._writer.write(work, [act.entry("running", input=act.arguments)], also=note)
        self._drill.at("after_intent")

    async def _send(self, work: Work, act: Act) -> Any:
        key = effects.idempotency_key(work.claim.run_id, act.step_id)
        arguments = effects.arguments(act.function, act.arguments, key)
        headers = effects.headers(act.function, key)

        async def last_look() -> None:
            self._drill.at("before_send")
            await work.grip.sure()

        await work.grip.sure()
        try:
            return await self._invoke(work, act.function, arguments, headers, last_look)
        finally:
            self._drill.at("after_send")

    async def _invoke(
        self,
        work: Work,
        function: FunctionSpec,
        arguments: dict[str, Any],
        headers: dict[str, str],
        last_look: LastLook | None = None,
    ) -> Any:
        access = self._access_of(work.edition.catalog, work.ctx, function.plugin, last_look)
        try:
            async with asyncio.timeout(self._patience):
                return await work.session.invoke(function.full_name, arguments, access, headers)
        except TimeoutError as fault:
            raise FunctionFailed("The function did not end in time.", happened=None) from fault
        except (FunctionFailed, CharterError, Fenced, HandedOver):
            raise
        except Exception as fault:
            # The text may hold anything; the operator reads it in the log, the model never does.
            _log.exception("function raised", function=function.full_name, run=work.claim.run_id)
            raise FunctionFailed("The function failed.", happened=None) from fault

    async def _done(self, work: Work, act: Act, result: Any, told_by: FunctionSpec | None = None) -> None:
        # What a plugin returns becomes plain JSON here, once, for the journal, the model and the caller alike.
        result = work.number(orjson.loads(orjson.dumps(result, default=str)))
        await self._settle(work, act, "done", result, label_of(told_by or act.function, result))

    async def _failed(self, work: Work, act: Act, outcome: str, fault: FunctionFailed) -> None:
        # A business system writes its own error texts: they count as untrusted prose, like any other.
        label = TRUSTED if fault.status is None else untrusted(f"{act.function.full_name} (error)")
        await self._settle(work, act, outcome, {"error": fault.public}, label)

    async def _settle(self, work: Work, act: Act, outcome: str, output: Any, label: Label) -> None:
        entry = act.entry(outcome, output=output, label=label.as_json(), ended_at=journal.now())
        if act.changes_the_world:
            await self._settle_effect(work, act, outcome, output, entry)
        else:
            work.put_off([entry])
        work.doubtful.discard(act.step_id)
        work.label = work.label.joined(label)
        work.answered(act.call, output)

    async def _settle_effect(self, work: Work, act: Act, outcome: str, output: Any, entry: journal.Entry) -> None:
        async def note(db: Session) -> None:
            await effects.settle(db, work.claim.run_id, act.step_id, outcome, output)
            await recorded(db, work, act, f"function.{outcome}")

        async def note_late(_again: bool) -> None:
            async with self._database.session(work.ctx) as db:
                await effects.settle_late(db, work.claim.run_id, act.step_id, work.claim.epoch, outcome, output)
                await resolving.known_late(db, work.ctx, work.claim.run_id, entry)
                await recorded(db, work, act, f"function.{outcome}", {"late": True})

        try:
            await self._writer.write(work, [entry], also=note)
        except Fenced:
            # Cancelled or adopted meanwhile: the journal is closed to us, but what happened must not be lost.
            await persistently(note_late)
            raise
        self._drill.at("after_outcome")
