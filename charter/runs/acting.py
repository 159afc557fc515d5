"""Do what the gate allowed: announce it, call, and note what became of it. No audit record, no call."""

from collections.abc import Callable
from typing import Any

import orjson
import structlog

from charter.catalog.spec import Catalog
from charter.context import Context
from charter.errors import CharterError
from charter.governance.labels import TRUSTED, Label, label_of, untrusted
from charter.plugin import Access, FunctionFailed
from charter.runs import effects, journal
from charter.runs.act import Act, recorded
from charter.runs.journal import Fenced
from charter.runs.parking import Parking
from charter.runs.work import Work
from charter.runs.writing import Writer
from charter.store.database import Database, Session
from charter.telemetry import names
from charter.telemetry.tracing import Tracing

_log = structlog.get_logger(__name__)
_TRIES = 2

AccessOf = Callable[[Catalog, Context, str], Access]
"""Takes the run's catalog, its context and a plugin's name; returns what that principal may reach through that plugin."""


class Acting:
    """Calls functions as the principal of the run."""

    def __init__(
        self, database: Database, access_of: AccessOf, parking: Parking, writer: Writer, tracing: Tracing
    ) -> None:
        self._database = database
        self._access_of = access_of
        self._parking = parking
        self._writer = writer
        self._tracing = tracing

    async def act(self, work: Work, act: Act) -> bool:
        """Call the function; ``False`` when nobody can know whether it happened and a person must say.

        Raises:
            AuthorityLost: the principal's authority is gone; nothing was sent.
        """
        attributes = {
            names.TOOL: act.function.full_name,
            names.TOOL_CALL: act.call.id,
            names.EFFECT: act.function.effect,
            names.STEP: act.step_id,
        }
        with self._tracing.span("execute_tool", act.function.full_name, attributes) as span:
            if self._in_doubt(work, act):
                await self._parking.for_unknown_effect(work, act)
                return False
            await self._announce(work, act)
            try:
                result = await self._writer.meanwhile(work, self._invoke(work, act))
            except FunctionFailed as fault:
                span.set_attribute(names.ERROR_TYPE, "FunctionFailed")
                return await self._failed(work, act, fault)
            except CharterError as fault:
                await self._failed(work, act, FunctionFailed(fault.detail))
                raise
            await self._done(work, act, result)
        return True

    @staticmethod
    def _in_doubt(work: Work, act: Act) -> bool:
        """Tell whether an earlier process announced this effect and never said what became of it, and a second call
        may repeat it.
        """
        step = work.steps.get(act.step_id)
        return step is not None and step.status in {"running", "unknown"} and not effects.repeatable(act.function)

    async def _announce(self, work: Work, act: Act) -> None:
        claim = work.claim

        async def note(db: Session) -> None:
            if act.changes_the_world:
                await effects.intend(
                    db, work.ctx.tenant, claim.run_id, act.step_id, act.function.full_name, act.decision.digest, claim.epoch
                )  # fmt: skip
            await recorded(db, work, act, "function.allowed")

        await self._writer.write(work, [act.entry("running", input=act.arguments)], also=note)

    async def _invoke(self, work: Work, act: Act) -> Any:
        key = effects.idempotency_key(work.claim.run_id, act.step_id)
        arguments = effects.arguments(act.function, act.arguments, key)
        headers = effects.headers(act.function, key)
        access = self._access_of(work.edition.catalog, work.ctx, act.function.plugin)
        for tries_left in reversed(range(_TRIES)):
            try:
                return await work.session.invoke(act.function.full_name, arguments, access, headers)
            except FunctionFailed as fault:
                if fault.happened is not None or not tries_left or not effects.repeatable(act.function):
                    raise
            except CharterError:
                raise
            except Exception as fault:
                # The text may hold anything; the operator reads it in the log, the model never does.
                _log.exception("function raised", function=act.function.full_name, run=work.claim.run_id)
                raise FunctionFailed("The function failed.", happened=None) from fault
        raise AssertionError("unreachable")

    async def _done(self, work: Work, act: Act, result: Any) -> None:
        # What a plugin returns becomes plain JSON here, once, for the journal, the model and the caller alike.
        result = work.number(orjson.loads(orjson.dumps(result, default=str)))
        label = label_of(act.function, result)
        await self._settle(work, act, "done", result, label)

    async def _failed(self, work: Work, act: Act, fault: FunctionFailed) -> bool:
        unknown = act.changes_the_world and fault.happened is None
        if unknown and not effects.repeatable(act.function):
            await self._parking.for_unknown_effect(work, act)
            return False
        # A business system writes its own error texts: they count as untrusted prose, like any other.
        label = TRUSTED if fault.status is None else untrusted(f"{act.function.full_name} (error)")
        await self._settle(work, act, "unknown" if unknown else "failed", {"error": fault.public}, label)
        return True

    async def _settle(self, work: Work, act: Act, outcome: str, output: Any, label: Label) -> None:
        entry = act.entry(outcome, output=output, label=label.as_json(), ended_at=journal.now())
        if act.changes_the_world:
            await self._settle_effect(work, act, outcome, output, entry)
        else:
            work.put_off([entry])
        work.label = work.label.joined(label)
        work.answer(act.call, orjson.dumps(output).decode())

    async def _settle_effect(self, work: Work, act: Act, outcome: str, output: Any, entry: journal.Entry) -> None:
        async def note(db: Session) -> None:
            await effects.settle(db, work.claim.run_id, act.step_id, outcome, output)
            await recorded(db, work, act, f"function.{outcome}")

        try:
            await self._writer.write(work, [entry], also=note)
        except Fenced:
            # Cancelled or adopted meanwhile: the journal is closed to us, but what happened must not be lost.
            async with self._database.session(work.ctx) as db:
                await note(db)
            raise
