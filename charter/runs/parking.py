"""Park a run: one transaction says what it waits for; then nothing of it is held in memory."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from charter.governance import approvals
from charter.governance.approvals import Approval
from charter.runs import effects, journal
from charter.runs.act import Act, recorded
from charter.runs.drill import Drill
from charter.runs.records import Claim
from charter.runs.run import new_id, timestamp
from charter.runs.work import Work
from charter.store.database import Database, Session
from charter.telemetry.tracing import Trace

_GRACE = timedelta(seconds=5)


class Parking:
    """Ends a segment where somebody must decide."""

    def __init__(self, database: Database, drill: Drill, *, hours: float) -> None:
        self._database = database
        self._drill = drill
        self._hours = hours

    async def for_approval(self, work: Work, act: Act) -> None:
        """Open an approval for this exact call, and let the run wait for it or for its expiry."""
        claim = work.claim
        async with self._database.session(work.ctx) as db:
            approval = await approvals.open(
                db, work.ctx, act.checked, act.decision, run_id=claim.run_id, influenced_by=work.label.influenced_by,
                lasts=timedelta(hours=self._hours), trace_id=Trace.present().trace_id,
            )  # fmt: skip
            waiting = _waiting_for(approval)
            asking = journal.Entry(
                "approval", "waiting", step_id=new_id("stp"), type="approval", name=act.function.full_name,
                input={"approval_id": approval.id}, started_at=journal.now(), trace=Trace.present(),
            )  # fmt: skip
            entry = act.entry("waiting", input=act.arguments, label=work.label.as_json())
            self._drill.at("before_park")
            await self._wait(db, work, [entry, asking], waiting, approval.expires_at + _GRACE)
        self._drill.at("after_park")

    async def for_unknown_effect(self, work: Work, act: Act) -> None:
        """Nobody knows whether the effect happened, and its target cannot say: a person must."""
        since = timestamp(journal.now())
        waiting = {
            "for": "unknown_effect",
            "approval_id": None,
            "step_id": act.step_id,
            "since": since,
            "expires_at": None,
        }
        async with self._database.session(work.ctx) as db:
            await effects.settle(db, work.claim.run_id, act.step_id, "unknown", None)
            await recorded(db, work, act, "function.unknown")
            await self._wait(db, work, [act.entry("unknown", label=work.label.as_json())], waiting, None)

    @staticmethod
    async def _wait(
        db: Session, work: Work, entries: list[journal.Entry], waiting: dict[str, Any], until: datetime | None
    ) -> None:
        claim = work.claim
        work.put_off(
            [*entries, journal.Entry("run", "waiting", output=waiting)],
            journal.Change(status="waiting", waiting=waiting),
        )
        seq = await journal.append(db, work.ctx.tenant, claim.run_id, claim.epoch, work.unwritten, work.change)
        # Nobody holds a waiting run. When its lease is over it is looked after like any other that nobody keeps.
        await db.execute("update runs set lease_owner = null, lease_until = $2 where id = $1", claim.run_id, until)
        work.written(seq)


async def note_expired(session: Session, claim: Claim) -> Claim:
    """Close the questions of a claimed run that nobody answered in time, and tell those who follow it."""
    overdue = await approvals.expire_of_run(session, claim.run_id)
    entries = [await verdict(session, approval) for approval in overdue]
    if not entries:
        return claim
    return replace(claim, seq=await journal.append(session, claim.ctx.tenant, claim.run_id, claim.epoch, entries))


async def verdict(session: Session, approval: Approval) -> journal.Entry:
    """Return the entry that completes the step in which the approval was asked for."""
    step_id = await session.fetchval(
        "select step_id from journal where run_id = $1 and kind = 'approval' and input ->> 'approval_id' = $2",
        approval.run_id,
        approval.id,
    )
    told = {
        "approval_id": approval.id,
        "status": approval.status,
        "decided_by": approval.decided_by,
        "comment": approval.comment,
    }
    return journal.Entry(
        "approval",
        "done",
        step_id=step_id,
        type="approval",
        name=approval.function,
        output=told,
        ended_at=journal.now(),
    )


def _waiting_for(approval: Approval) -> dict[str, Any]:
    return {
        "for": "input" if approval.kind == "confirmation" else "approval",
        "approval_id": approval.id,
        "step_id": approval.step_id,
        "since": timestamp(approval.created_at),
        "expires_at": timestamp(approval.expires_at),
    }
