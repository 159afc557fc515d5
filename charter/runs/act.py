"""One checked call on its way to the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from charter.catalog.spec import FunctionSpec
from charter.governance import audit
from charter.governance.gate import Call, Decision
from charter.models.chat import ToolCall
from charter.runs import journal
from charter.runs.work import Work
from charter.store.database import Session
from charter.telemetry.tracing import Trace


@dataclass(frozen=True, slots=True)
class Act:
    """One checked call on its way: what is called, as which step, decided how."""

    call: ToolCall
    step_id: str
    function: FunctionSpec
    arguments: Mapping[str, Any]
    decision: Decision
    started_at: datetime

    @property
    def checked(self) -> Call:
        """The call as the gate judged it."""
        return Call(self.function, self.arguments, self.step_id)

    @property
    def changes_the_world(self) -> bool:
        return self.function.effect != "read"

    @property
    def type(self) -> str:
        return "retrieval" if self.function.retrieval else "function"

    def entry(self, status: str, **more: Any) -> journal.Entry:
        decision = {
            "outcome": self.decision.outcome,
            "policies": list(self.decision.policies),
            "reason": self.decision.reason,
        }
        return journal.Entry(
            "step", status, step_id=self.step_id, type=self.type, name=self.function.full_name, effect=self.function.effect,
            decision=decision, started_at=self.started_at, trace=Trace.present(), **more,
        )  # fmt: skip


async def recorded(db: Session, work: Work, act: Act, action: str, detail: Mapping[str, Any] | None = None) -> None:
    """Append the audit record of what is decided or done about this call.

    Raises:
        AuditFailed: it was not written; the transaction is lost and nothing may be done.
    """
    await audit.record(
        db, work.ctx, action, run_id=work.claim.run_id, step_id=act.step_id, function=act.function.full_name,
        digest=act.decision.digest, policies=act.decision.policies, detail=detail, trace_id=Trace.present().trace_id,
    )  # fmt: skip
