"""The run's row: read, listed, admitted, claimed. All within a tenant's session."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from charter.context import Context, Principal
from charter.errors import FieldError, InvalidRequest, NotFound
from charter.runs import journal
from charter.runs.run import Page, Run
from charter.store.database import Session

EFFECTS = (
    "coalesce((select jsonb_agg(jsonb_build_object('step_id', e.step_id, 'function', e.function, "
    "'outcome', coalesce(e.outcome, 'unknown')) || case when e.answer is null then '{}' "
    "else jsonb_build_object('answer', e.answer, 'answered_by', e.answered_by) end order by e.intended_at) from effects e "
    "where e.run_id = r.id and (e.outcome is not null or r.status <> 'running')), '[]'::jsonb) as effects"
)


_READ = f"select r.*, {EFFECTS} from runs r where r.id = $1"  # noqa: S608 - constants
_BEGUN = f"select r.*, {EFFECTS} from runs r where r.principal = $1 and r.idempotency_key = $2"  # noqa: S608 - constants
_LIST = (
    f"select r.*, {EFFECTS} from runs r where ($1 or r.principal = $2) "  # noqa: S608 - constants
    "and ($3::timestamptz is null or (r.created_at, r.id) < ($3, $4)) and ($5::text is null or r.status = $5) "
    "and ($6::text is null or r.agent = $6) and ($7::text is null or r.thread = $7) "
    "order by r.created_at desc, r.id desc limit $8"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a run: whoever holds another epoch can record nothing."""

    ctx: Context
    run_id: str
    epoch: int
    thread: str
    input: str
    bundle: str
    agent: str
    trace_id: str | None
    span_id: str | None
    model_turns: int
    created_at: datetime
    opens_thread: bool = False
    priority: int = 1
    seq: int = 0
    worked: timedelta = timedelta(0)
    images: int = 0
    files: int = 0


def authority(ctx: Context) -> dict[str, Any]:
    """Return who asks as it is kept with the run; no token is in it."""
    principal = ctx.principal
    return {
        "type": principal.type,
        "name": principal.name,
        "roles": sorted(principal.roles),
        "groups": sorted(principal.groups),
        "external": principal.external,
        "scopes": sorted(ctx.scopes),
        "channel": ctx.channel,
        "approver": ctx.approver,
    }


def context_of(row: asyncpg.Record) -> Context:
    """Return the context that the run was admitted under."""
    kept: Mapping[str, Any] = row["authority"]
    principal = Principal(
        row["principal"], kept["type"], kept["name"], frozenset(kept["roles"]), frozenset(kept["groups"]),
        kept.get("external", ""),
    )  # fmt: skip
    ctx = Context(
        row["tenant"], principal, frozenset(kept["scopes"]), channel=kept["channel"], approver=kept.get("approver")
    )
    return ctx.within(agent=row["agent"], run_id=row["id"])


def run_of(row: asyncpg.Record, *, effects: Sequence[Mapping[str, Any]] | None = None) -> Run:
    return Run(
        id=row["id"],
        tenant=row["tenant"],
        status=row["status"],
        agent=row["agent"],
        principal={"id": row["principal"], "type": row["authority"]["type"]},
        thread=row["thread"],
        bundle=row["bundle"],
        input=row["input"],
        waiting=row["waiting"],
        output=row["output"],
        error=row["error"],
        effects=row["effects"] if effects is None else effects,
        usage={
            "model_turns": row["model_turns"],
            "input_tokens": row["input_tokens"],
            "output_tokens": row["output_tokens"],
            "cost": {"amount": f"{row['cost']:.4f}", "currency": row["currency"]},
        },
        forked_from=row["forked_from"],
        trace_id=row["trace_id"],
        metadata=row["metadata"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_seq=row["last_seq"],
        images=row["images"],
        files=row["files"],
    )


async def read(session: Session, ctx: Context, run_id: str) -> Run:
    """Return the run if this principal may see it: its own, or any of the tenant for an operator.

    Raises:
        NotFound: no such run, another person's, or another tenant's.
    """
    row = await session.fetchrow(_READ, run_id)
    if row is None or not (ctx.is_operator or row["principal"] == ctx.principal.id):
        raise NotFound(f"There is no run {run_id[:64]}.")
    return run_of(row)


async def begun(session: Session, ctx: Context, key: str) -> Run | None:
    """Return the run that this principal began by that idempotency key, if they did."""
    row = await session.fetchrow(_BEGUN, ctx.principal.id, key)
    return run_of(row) if row else None


async def recorded(session: Session, ctx: Context, run_id: str) -> tuple[Run, Claim]:
    """Return the run, if this principal may see it, with what it was worked on under.

    Raises:
        NotFound: as ``read``.
    """
    run = await read(session, ctx, run_id)
    row = await session.fetchrow("select * from runs where id = $1", run_id)
    if row is None:
        raise NotFound(f"There is no run {run_id[:64]}.")
    return run, claim_of(row)


async def listing(
    session: Session, ctx: Context, *, cursor: str | None, limit: int, filters: Mapping[str, str | None]
) -> Page:
    """Return runs, newest first."""
    before, before_id = _cursor(cursor)
    rows = await session.fetch(
        _LIST,
        ctx.is_operator,
        ctx.principal.id,
        before,
        before_id,
        filters.get("status"),
        filters.get("agent"),
        filters.get("thread"),
        limit + 1,
    )
    runs = [run_of(row) for row in rows[:limit]]
    more = _next(runs[-1].created_at, runs[-1].id) if len(rows) > limit else None
    return Page(runs, more)


async def claim(session: Session, run_id: str, epoch: int, owner: str, lease_seconds: int) -> Claim | None:
    """Take the run for the segment ``epoch``, if the segment before it is over or its lease has run out."""
    row = await session.fetchrow(
        "update runs set epoch = $2, status = 'running', waiting = null, lease_owner = $3, "
        "lease_until = clock_timestamp() + make_interval(secs => $4), "
        "worked = worked + case when status = 'running' then least(lease_until, clock_timestamp()) - working_since else interval '0' end, "
        "working_since = clock_timestamp(), updated_at = clock_timestamp() "
        "where id = $1 and epoch = $2 - 1 and (status in ('queued', 'waiting') or (status = 'running' and lease_until < clock_timestamp())) "
        # A time-out that comes too early must not close a question that is still open.
        "and not exists (select 1 from approvals a where a.run_id = runs.id and a.status = 'pending' and a.expires_at > clock_timestamp()) "
        "returning *",
        run_id,
        epoch,
        owner,
        lease_seconds,
    )
    if row is None:
        return None
    seq = await journal.append(session, row["tenant"], run_id, epoch, [journal.Entry("run", "running")])
    return replace(claim_of(row), seq=seq)


async def give_back(session: Session, run_id: str, epoch: int, *, seconds: float = 0) -> None:
    """Let the segment after ``epoch``, which was not begun here, be offered anew after that time."""
    await session.execute(
        "update runs set lease_until = clock_timestamp() + make_interval(secs => $3) where id = $1 and epoch = $2 and status = 'queued'",
        run_id,
        epoch,
        seconds,
    )


async def enqueued(session: Session, run_id: str, epoch: int) -> None:
    """Note that the segment after ``epoch`` is in the queue: nobody need look after the run until it comes out."""
    await session.execute(
        "update runs set lease_until = null where id = $1 and epoch = $2 and status = 'queued'", run_id, epoch
    )


def claim_of(row: asyncpg.Record, *, opens_thread: bool = False) -> Claim:
    """``opens_thread`` says that nothing was said in the thread before, and nothing done in the run."""
    return Claim(
        opens_thread=opens_thread,
        ctx=context_of(row),
        run_id=row["id"],
        epoch=row["epoch"],
        thread=row["thread"],
        input=row["input"],
        bundle=row["bundle"],
        agent=row["agent"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        model_turns=row["model_turns"],
        created_at=row["created_at"],
        priority=row["priority"],
        seq=row["last_seq"],
        worked=row["worked"],
        images=row["images"],
        files=row["files"],
    )


def _next(moment: datetime, run_id: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([moment.isoformat(), run_id])).decode().rstrip("=")


def _cursor(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        moment, run_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return datetime.fromisoformat(moment), str(run_id)
    except (ValueError, TypeError, binascii.Error) as fault:
        raise InvalidRequest(
            "The cursor is not one of ours.", errors=[FieldError("/cursor", "take it from next")]
        ) from fault
