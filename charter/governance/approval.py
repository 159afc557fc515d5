"""A person's decision on one exact call: the public shape, who may see it and who may decide it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from charter.context import Context
from charter.governance.decision import ApprovalKind

ApprovalStatus = Literal["pending", "approved", "rejected", "expired", "cancelled"]


@dataclass(frozen=True, slots=True)
class Approval:
    """``decided_as`` is the entry of ``approvers`` by which ``decided_by`` was entitled; it stays inside the house."""

    tenant: str
    id: str
    run_id: str
    step_id: str
    kind: ApprovalKind
    status: ApprovalStatus
    function: str
    arguments: Mapping[str, Any]
    summary: str
    reason: str
    policies: tuple[str, ...]
    influenced_by: tuple[str, ...]
    requester_id: str
    requester_name: str
    approvers: tuple[str, ...]
    digest: str
    created_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_as: str | None = None
    decided_at: datetime | None = None
    comment: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "run_id": self.run_id,
            "step_id": self.step_id,
            "status": self.status,
            "function": self.function,
            "arguments": dict(self.arguments),
            "summary": self.summary,
            "reason": self.reason,
            "policies": list(self.policies),
            "influenced_by": list(self.influenced_by),
            "requester": {"id": self.requester_id, "name": self.requester_name},
            "approvers": list(self.approvers),
            "digest": self.digest,
            "expires_at": _rfc3339(self.expires_at),
            "decided_by": self.decided_by,
            "decided_at": _rfc3339(self.decided_at) if self.decided_at else None,
            "comment": self.comment,
        }


def entries(ctx: Context) -> tuple[str, ...]:
    """Return what ``approvers`` may say to mean this principal, the most exact first."""
    return (f"user:{ctx.principal.id}", *(f"role:{role}" for role in sorted(ctx.principal.roles)))


def entitlement(ctx: Context, approval: Approval) -> str | None:
    """Return the entry of ``approvers`` that lets this principal decide; ``None``: there is none.

    Only a person decides: not a workload, and not an agent that works for a person.
    """
    if ctx.tenant != approval.tenant or ctx.principal.type == "workload" or ctx.agent is not None:
        return None
    return next((entry for entry in entries(ctx) if entry in approval.approvers), None)


def may_see(ctx: Context, approval: Approval) -> bool:
    """The person who asked, those who may decide, and operators; within the tenant."""
    if ctx.tenant != approval.tenant:
        return False
    return ctx.is_operator or ctx.principal.id == approval.requester_id or entitlement(ctx, approval) is not None


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
