"""The record of what was decided and done. Append-only for the host's role; no record, no effect."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.context import Context
from charter.errors import AuditFailed
from charter.store.database import Session

_INSERT = (
    "insert into audit (tenant, actor, action, run_id, step_id, function, digest, policies, detail, trace_id) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)


async def record(
    session: Session,
    ctx: Context,
    action: str,
    *,
    run_id: str | None = None,
    step_id: str | None = None,
    function: str | None = None,
    digest: str | None = None,
    policies: Sequence[str] = (),
    detail: Mapping[str, Any] | None = None,
    trace_id: str | None = None,
) -> None:
    """Append one record within the session's transaction; the actor, agent and channel come from ``ctx``.

    Raises:
        AuditFailed: it was not written; the caller does nothing either, and the transaction is lost.
    """
    actor = f"{'workload' if ctx.principal.type == 'workload' else 'user'}:{ctx.principal.id}"
    found = {"agent": ctx.agent, "channel": ctx.channel, **(detail or {})}
    try:
        await session.execute(
            _INSERT,
            ctx.tenant,
            actor,
            action,
            run_id or ctx.run_id,
            step_id,
            function,
            digest,
            list(policies),
            found,
            trace_id,
        )
    except Exception as fault:
        raise AuditFailed from fault
