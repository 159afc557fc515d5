"""One checked call on its way to the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from charter.catalog.spec import FunctionSpec
from charter.governance.gate import Call, Decision
from charter.models.chat import ToolCall
from charter.runs import journal
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
