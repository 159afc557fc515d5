"""Take one call that the model asked for through the gate: refuse it, let it wait, or hand it on to be done."""

from charter.catalog.spec import FunctionSpec
from charter.governance import approvals
from charter.governance.approvals import Approval
from charter.governance.arguments import InvalidArguments, validated
from charter.governance.gate import Call, Decision
from charter.models.chat import ToolCall
from charter.runs import journal
from charter.runs.act import Act, recorded
from charter.runs.acting import Acting
from charter.runs.parking import Parking
from charter.runs.work import Work
from charter.runs.writing import Writer
from charter.store.database import Database, Session
from charter.telemetry.tracing import Trace


class Calling:
    """The passage between what a model asks for and what is done."""

    def __init__(self, database: Database, acting: Acting, parking: Parking, writer: Writer) -> None:
        self._database = database
        self._acting = acting
        self._parking = parking
        self._writer = writer

    async def carry_out(self, work: Work, call: ToolCall, step_id: str) -> bool:
        """Do what the call asks, or tell the model why not; ``False`` when the run waits now."""
        try:
            function = self._known(work, call)
            arguments = validated(function, call.arguments)
        except InvalidArguments as fault:
            self._refuse(work, call, step_id, fault.public)
            return True
        approval = await self._approval(work, step_id)
        decision = refusal(approval) or await work.edition.gate.check(
            work.ctx, Call(function, arguments, step_id), work.label, level=work.level, approval=approval
        )
        act = Act(call, step_id, function, arguments, decision, journal.now())
        if decision.outcome == "ask":
            await self._parking.for_approval(work, act)
            return False
        if decision.outcome != "allow":
            await (self._acting.abandon(work, act) if step_id in work.doubtful else self._deny(work, act))
            return True
        return await self._acting.act(work, act)

    def _known(self, work: Work, call: ToolCall) -> FunctionSpec:
        if call.name not in work.agent.functions:
            raise InvalidArguments(f"There is no function {call.name[:80]}.")
        return work.edition.catalog.function(call.name)

    async def _approval(self, work: Work, step_id: str) -> Approval | None:
        step = work.steps.get(step_id)
        if step is None or step.status not in {"waiting", "running", "unknown"}:
            return None
        async with self._database.session(work.ctx) as db:
            asked = [a for a in await approvals.of_run(db, work.claim.run_id) if a.step_id == step_id]
        return asked[-1] if asked else None

    def _refuse(self, work: Work, call: ToolCall, step_id: str, sentence: str) -> None:
        output = {"error": sentence}
        moment = journal.now()
        entry = journal.Entry(
            "step", "failed", step_id=step_id, type="function", name=call.name[:120], input=call.arguments[:4000],
            output=output, label=work.label.as_json(), started_at=moment, ended_at=moment, trace=Trace.present(),
        )  # fmt: skip
        work.put_off([entry])
        work.answered(call, output)

    async def _deny(self, work: Work, act: Act) -> None:
        output = {"error": act.decision.public}
        entry = act.entry(
            "denied", input=act.arguments, output=output, label=work.label.as_json(), ended_at=journal.now()
        )

        async def note(db: Session) -> None:
            await recorded(db, work, act, "function.denied", {"reason": act.decision.reason})

        await self._writer.write(work, [entry], also=note)
        work.answered(act.call, output)


def refusal(approval: Approval | None) -> Decision | None:
    """Return the denial that a person's no, or their silence, is."""
    if approval is None or approval.status in {"approved", "pending"}:
        return None
    said = f" They said: {approval.comment}" if approval.comment else ""
    public = {
        "rejected": f"The person who was asked rejected this.{said}",
        "expired": "Nobody decided in time, so it was not done.",
    }.get(approval.status, "The request was withdrawn.")
    return Decision("deny", approval.policies, public, digest=approval.digest, public=public)
