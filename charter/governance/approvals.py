"""Approvals in the database: opened by a run, decided by a person, once.

Time is the database's: a pending approval past its time *is* expired for everyone who reads it, before anybody has
marked it so. Opening and deciding write their audit record in the same transaction.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import orjson

from charter.context import Context
from charter.errors import (
    AlreadyDecided,
    DigestMismatch,
    Expired,
    FieldError,
    InvalidRequest,
    NotAnApprover,
    NotFound,
    RunFinished,
    SelfApproval,
)
from charter.governance import audit
from charter.governance.approval import Approval, ApprovalStatus, entitlement, entries, may_see
from charter.governance.decision import Call, Decision
from charter.governance.summary import summary
from charter.store.database import Session

__all__ = [
    "Approval",
    "Choice",
    "cancel_of_run",
    "decide",
    "expire_of_run",
    "get",
    "listing",
    "may_see",
    "of_run",
    "open",
]

Choice = Literal["approve", "reject"]
MOST = 200
COMMENT_LIMIT = 2000


def _approval(row: Any) -> Approval:
    """Read a row that also has ``now``, the database's time."""
    values = {name: row[name] for name in Approval.__slots__}
    for name in ("policies", "influenced_by", "approvers"):
        values[name] = tuple(values[name])
    if values["status"] == "pending" and values["expires_at"] <= row["now"]:
        values["status"] = "expired"
    return Approval(**values)


async def open(
    session: Session,
    ctx: Context,
    call: Call,
    decision: Decision,
    *,
    run_id: str,
    influenced_by: Sequence[str] = (),
    lasts: timedelta = timedelta(hours=72),
    trace_id: str | None = None,
) -> Approval:
    """Put the gate's question to its approvers, for the requester ``ctx``; ``lasts`` is the time they have.

    Raises:
        ValueError: the decision asks nothing.
        AuditFailed: nothing was opened.
    """
    if decision.outcome != "ask" or decision.kind is None or not decision.approvers:
        raise ValueError("only a question of the gate can be opened")
    row = await session.fetchrow(
        "insert into approvals (tenant, id, run_id, step_id, kind, status, function, arguments, summary, reason, "
        "policies, influenced_by, requester_id, requester_name, approvers, digest, expires_at) "
        "values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp() + $16) "
        "returning *, clock_timestamp() as now",
        ctx.tenant,
        f"apr_{secrets.token_hex(12)}",
        run_id,
        call.step_id,
        decision.kind,
        call.function.full_name,
        dict(call.arguments),
        summary(call.function.full_name, call.arguments),
        decision.reason,
        list(decision.policies),
        list(influenced_by),
        ctx.principal.id,
        ctx.principal.name,
        list(decision.approvers),
        decision.digest,
        lasts,
    )
    approval = _approval(row)
    detail = {"approvers": list(approval.approvers)}
    await _record(session, ctx, "approval.requested", approval, detail=detail, trace_id=trace_id)
    return approval


async def get(session: Session, approval_id: str) -> Approval:
    """Return one approval of the session's tenant. Who may see it: ``may_see``.

    Raises:
        NotFound: there is none, or it is another tenant's.
    """
    row = await session.fetchrow("select *, clock_timestamp() as now from approvals where id = $1", approval_id)
    if row is None:
        raise NotFound("No such approval.")
    return _approval(row)


async def of_run(session: Session, run_id: str) -> list[Approval]:
    """Return all approvals of one run, oldest first."""
    rows = await session.fetch(
        "select *, clock_timestamp() as now from approvals where run_id = $1 order by created_at, id", run_id
    )
    return [_approval(row) for row in rows]


async def listing(
    session: Session, ctx: Context, *, status: str | None = None, cursor: str | None = None, limit: int = 50
) -> tuple[list[Approval], str | None]:
    """Return a page, newest first, and the cursor of the next (``None`` on the last).

    It shows what this principal may decide or has asked for; an operator sees all of the tenant.

    Raises:
        InvalidRequest: an unknown status, or a cursor that this listing did not give.
    """
    if status is not None and status not in get_args(ApprovalStatus):
        raise InvalidRequest(errors=[FieldError("/status", f"must be one of {', '.join(get_args(ApprovalStatus))}")])
    at, after = _position(cursor)
    limit = max(1, min(limit, MOST))
    rows = await session.fetch(
        "select *, clock_timestamp() as now from approvals "
        "where ($1 or requester_id = $2 or approvers && $3::text[]) and ($4::text is null or $4 = case "
        "when status = 'pending' and expires_at <= clock_timestamp() then 'expired' else status end) "
        "and ($5::timestamptz is null or (created_at, id) < ($5, $6)) order by created_at desc, id desc limit $7",
        ctx.is_operator,
        ctx.principal.id,
        list(entries(ctx)),
        status,
        at,
        after,
        limit + 1,
    )
    found = [_approval(row) for row in rows[:limit]]
    return found, _cursor(found[-1]) if len(rows) > limit else None


def _cursor(last: Approval) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last.created_at.isoformat(), last.id])).decode()


def _position(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        at, after = orjson.loads(base64.urlsafe_b64decode(cursor))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(after, str) or "\x00" in after:
            raise ValueError("not of this list")
    except (binascii.Error, ValueError, TypeError) as fault:
        raise InvalidRequest(errors=[FieldError("/cursor", "is not a cursor of this list")]) from fault
    return moment, after


async def decide(
    session: Session,
    ctx: Context,
    approval_id: str,
    decision: str,
    digest: str,
    *,
    comment: str | None = None,
    trace_id: str | None = None,
) -> tuple[Approval, bool]:
    """Decide, and tell whether that changed anything: the same decision by the same person again does not.

    The row is locked until the session ends, so that of two decisions at once one sees the other.

    Raises:
        NotFound: there is none in this tenant.
        SelfApproval, NotAnApprover: this principal is not to decide.
        DigestMismatch: ``digest`` names another call.
        AlreadyDecided, Expired, RunFinished: too late.
        InvalidRequest: neither ``approve`` nor ``reject``, or too long a comment.
        AuditFailed: nothing was decided.
    """
    _check_request(decision, comment)
    row = await session.fetchrow(
        "select a.*, r.status as run_status, clock_timestamp() as now from approvals a "
        "join runs r on r.tenant = a.tenant and r.id = a.run_id where a.id = $1 for update of a",
        approval_id,
    )
    if row is None:
        raise NotFound("No such approval.")
    approval = _approval(row)
    entry = _entitled(ctx, approval)
    if digest != approval.digest:
        raise DigestMismatch
    status = "approved" if decision == "approve" else "rejected"
    if _said_before(approval, status, ctx):
        return approval, False
    _check_open(approval, row["run_status"])
    row = await session.fetchrow(
        "update approvals set status = $2, decided_by = $3, decided_as = $4, comment = $5, "
        "decided_at = clock_timestamp() where id = $1 returning *, clock_timestamp() as now",
        approval.id,
        status,
        ctx.principal.id,
        entry,
        comment,
    )
    detail = {"status": status, "as": entry, "comment": comment}
    await _record(session, ctx, "approval.decided", approval, detail=detail, trace_id=trace_id)
    return _approval(row), True


def _said_before(approval: Approval, status: str, ctx: Context) -> bool:
    if approval.status not in ("approved", "rejected"):
        return False
    if (approval.status, approval.decided_by) == (status, ctx.principal.id):
        return True
    raise AlreadyDecided(f"It was {approval.status} by {approval.decided_by}.")


def _check_request(decision: str, comment: str | None) -> None:
    if decision not in get_args(Choice):
        raise InvalidRequest(errors=[FieldError("/decision", "must be approve or reject")])
    if comment is not None and (len(comment) > COMMENT_LIMIT or "\x00" in comment):
        raise InvalidRequest(errors=[FieldError("/comment", f"must be text of at most {COMMENT_LIMIT} characters")])


def _entitled(ctx: Context, approval: Approval) -> str:
    # First: whoever asked hears so, though a role of theirs would let them decide for others.
    if approval.kind == "approval" and ctx.principal.id == approval.requester_id:
        raise SelfApproval
    if approval.kind == "confirmation" and ctx.principal.id != approval.requester_id:
        raise NotAnApprover("Only the person who asked can confirm this.")
    entry = entitlement(ctx, approval)
    if entry is None:
        raise NotAnApprover
    return entry


def _check_open(approval: Approval, run_status: str) -> None:
    if approval.status == "expired":
        raise Expired
    if approval.status != "pending" or run_status in ("completed", "failed", "cancelled"):
        raise RunFinished("The run has ended; there is nothing to decide.")


async def expire_of_run(session: Session, run_id: str) -> list[Approval]:
    """Mark what nobody decided in time about this run, and return it."""
    rows = await session.fetch(
        "update approvals set status = 'expired' where status = 'pending' and expires_at <= clock_timestamp() "
        "and run_id = $1 returning *, clock_timestamp() as now",
        run_id,
    )
    return [_approval(row) for row in rows]


async def cancel_of_run(session: Session, run_id: str) -> list[Approval]:
    """Withdraw the open questions of a run that ends, and return them."""
    rows = await session.fetch(
        "update approvals set status = 'cancelled' where status = 'pending' and expires_at > clock_timestamp() "
        "and run_id = $1 returning *, clock_timestamp() as now",
        run_id,
    )
    return [_approval(row) for row in rows]


async def _record(
    session: Session, ctx: Context, action: str, approval: Approval, *, detail: dict[str, Any], trace_id: str | None
) -> None:
    await audit.record(
        session,
        ctx,
        action,
        run_id=approval.run_id,
        step_id=approval.step_id,
        function=approval.function,
        digest=approval.digest,
        policies=approval.policies,
        detail={"approval_id": approval.id, "kind": approval.kind, "requester": approval.requester_id, **detail},
        trace_id=trace_id,
    )
