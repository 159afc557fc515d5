"""Carry out one call that the model asked for: check, park or act, and append what happened."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog

from charter.catalog.spec import Catalog
from charter.context import Context
from charter.errors import AuthorityLost
from charter.governance import approvals, audit
from charter.governance.approvals import Approval
from charter.governance.arguments import InvalidArguments, validated
from charter.governance.gate import Call, Decision, Gate
from charter.governance.labels import TRUSTED, label_of, untrusted
from charter.models.chat import ToolCall
from charter.plugin import Access, FunctionFailed
from charter.runs import effects, journal
from charter.runs.act import Act
from charter.runs.parking import Parking
from charter.runs.work import Work
from charter.store.database import Database
from charter.telemetry import names
from charter.telemetry.tracing import Trace, Tracing

_log = structlog.get_logger(__name__)
_TRIES = 2

AccessOf = Callable[[Context, str], Access]


class Calling:
    """The passage between what a model asks for and what is done."""

    def __init__(
        self, database: Database, catalog: Catalog, gate: Gate, access_of: AccessOf, parking: Parking, tracing: Tracing
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._gate = gate
        self._access_of = access_of
        self._parking = parking
        self._tracing = tracing

    async def carry_out(self, work: Work, call: ToolCall, step_id: str) -> bool:
        """Do what the call asks, or tell the model why not; ``False`` when the run waits now."""
        try:
            if call.name not in work.agent.functions:
                raise InvalidArguments(f"There is no function {call.name[:80]}.")
            function = self._catalog.function(call.name)
            arguments = validated(function, call.arguments)
        except InvalidArguments as fault:
            await self._refuse(work, call, step_id, str(fault))
            return True
        approval = await self._approval(work, step_id)
        decision = _refusal(approval) or await self._gate.check(
            work.ctx, Call(function, arguments, step_id), work.label, level=work.level, approval=approval
        )
        act = Act(call, step_id, function, arguments, decision, journal.now())
        if decision.outcome == "ask":
            await self._parking.for_approval(work, act)
            return False
        if decision.outcome != "allow":
            await self._deny(work, act)
            return True
        return await self._act(work, act)

    async def _approval(self, work: Work, step_id: str) -> Approval | None:
        step = work.steps.get(step_id)
        if step is None or step.status != "waiting":
            return None
        async with self._database.session(work.ctx) as db:
            asked = [a for a in await approvals.of_run(db, work.claim.run_id) if a.step_id == step_id]
        return asked[-1] if asked else None

    async def _refuse(self, work: Work, call: ToolCall, step_id: str, sentence: str) -> None:
        output = {"error": sentence}
        moment = journal.now()
        entry = journal.Entry(
            "step", "failed", step_id=step_id, type="function", name=call.name[:120], input=call.arguments[:4000], output=output,
            label=work.label.as_json(), started_at=moment, ended_at=moment, trace=Trace.present(),
        )  # fmt: skip
        await self._append(work, [entry])
        work.answer(call, orjson.dumps(output).decode())

    async def _deny(self, work: Work, act: Act) -> None:
        output = {"error": act.decision.public}
        async with self._database.session(work.ctx) as db:
            await self._audit(db, work, act, "function.denied", {"reason": act.decision.reason})
            entry = act.entry(
                "denied", input=act.arguments, output=output, label=work.label.as_json(), ended_at=journal.now()
            )
            await journal.append(db, work.ctx.tenant, work.claim.run_id, work.claim.epoch, [entry])
        work.answer(act.call, orjson.dumps(output).decode())

    async def _act(self, work: Work, act: Act) -> bool:
        attributes = {
            names.TOOL: act.function.full_name,
            names.TOOL_CALL: act.call.id,
            names.EFFECT: act.function.effect,
            names.STEP: act.step_id,
        }
        with self._tracing.span("execute_tool", act.function.full_name, attributes) as span:
            if await self._in_doubt(work, act):
                await self._parking.for_unknown_effect(work, act)
                return False
            await self._intend(work, act)
            try:
                result = await self._invoke(work, act)
            except FunctionFailed as fault:
                span.set_attribute(names.ERROR_TYPE, "FunctionFailed")
                return await self._failed(work, act, fault)
            except AuthorityLost as fault:
                await self._failed(work, act, FunctionFailed(fault.detail))
                raise
            await self._done(work, act, result)
        return True

    async def _in_doubt(self, work: Work, act: Act) -> bool:
        """An earlier process announced this effect and never said what became of it, and a second call may repeat it."""
        step = work.steps.get(act.step_id)
        return step is not None and step.status in {"running", "unknown"} and not effects.repeatable(act.function)

    async def _intend(self, work: Work, act: Act) -> None:
        claim = work.claim
        async with self._database.session(work.ctx) as db:
            if act.function.effect != "read":
                await effects.intend(
                    db,
                    work.ctx.tenant,
                    claim.run_id,
                    act.step_id,
                    act.function.full_name,
                    act.decision.digest,
                    claim.epoch,
                )
            await self._audit(db, work, act, "function.allowed", {})
            await journal.append(
                db, work.ctx.tenant, claim.run_id, claim.epoch, [act.entry("running", input=act.arguments)]
            )

    async def _invoke(self, work: Work, act: Act) -> Any:
        key = effects.idempotency_key(work.claim.run_id, act.step_id)
        arguments = effects.arguments(act.function, act.arguments, key)
        access = self._access_of(work.ctx, act.function.plugin)
        for tries_left in reversed(range(_TRIES)):
            try:
                return await work.session.invoke(
                    act.function.full_name, arguments, access, effects.headers(act.function, key)
                )
            except FunctionFailed as fault:
                if fault.happened is not None or not tries_left or not effects.repeatable(act.function):
                    raise
            except AuthorityLost:
                raise
            except Exception as fault:
                # The text may hold anything; the operator reads it in the log, the model never does.
                _log.exception("function raised", function=act.function.full_name, run=work.claim.run_id)
                raise FunctionFailed("The function failed.", happened=None) from fault
        raise AssertionError("unreachable")

    async def _done(self, work: Work, act: Act, result: Any) -> None:
        result = work.number(result)
        label = label_of(act.function, result)
        async with self._database.session(work.ctx) as db:
            if act.function.effect != "read":
                await effects.settle(db, work.claim.run_id, act.step_id, "done", result)
                await self._audit(db, work, act, "function.done", {})
            entry = act.entry("done", output=result, label=label.as_json(), ended_at=journal.now())
            await journal.append(db, work.ctx.tenant, work.claim.run_id, work.claim.epoch, [entry])
        work.label = work.label.joined(label)
        work.answer(act.call, orjson.dumps(result).decode())

    async def _failed(self, work: Work, act: Act, fault: FunctionFailed) -> bool:
        effect = act.function.effect != "read"
        if effect and fault.happened is None and not effects.repeatable(act.function):
            await self._parking.for_unknown_effect(work, act)
            return False
        outcome = "unknown" if effect and fault.happened is None else "failed"
        output = {"error": fault.public}
        # A business system writes its own error texts: they count as untrusted prose, like any other.
        label = TRUSTED if fault.status is None else untrusted(f"{act.function.full_name} (error)")
        async with self._database.session(work.ctx) as db:
            if effect:
                await effects.settle(db, work.claim.run_id, act.step_id, outcome, output)
                await self._audit(db, work, act, f"function.{outcome}", {"error": fault.public})
            entry = act.entry(
                "unknown" if outcome == "unknown" else "failed",
                output=output,
                label=label.as_json(),
                ended_at=journal.now(),
            )
            await journal.append(db, work.ctx.tenant, work.claim.run_id, work.claim.epoch, [entry])
        work.label = work.label.joined(label)
        work.answer(act.call, orjson.dumps(output).decode())
        return True

    async def _append(self, work: Work, entries: list[journal.Entry]) -> None:
        async with self._database.session(work.ctx) as db:
            await journal.append(db, work.ctx.tenant, work.claim.run_id, work.claim.epoch, entries)

    @staticmethod
    async def _audit(db: Any, work: Work, act: Act, action: str, detail: Mapping[str, Any]) -> None:
        await audit.record(
            db, work.ctx, action, run_id=work.claim.run_id, step_id=act.step_id, function=act.function.full_name,
            digest=act.decision.digest, policies=act.decision.policies, detail=detail, trace_id=Trace.present().trace_id,
        )  # fmt: skip


def _refusal(approval: Approval | None) -> Decision | None:
    """Return the denial that a person's no, or their silence, is."""
    if approval is None or approval.status in {"approved", "pending"}:
        return None
    said = f" They said: {approval.comment}" if approval.comment else ""
    public = {
        "rejected": f"{approval.decided_by} rejected this.{said}",
        "expired": "Nobody decided in time, so it was not done.",
    }.get(approval.status, "The request was withdrawn.")
    return Decision("deny", approval.policies, public, digest=approval.digest, public=public)
