"""Let a run in: one transaction with its thread, its first journal entry, and the limits that hold.

The same Idempotency-Key with the same request is the same run; with another request it is a conflict.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from charter.catalog.spec import AgentSpec
from charter.context import Context
from charter.errors import IdempotencyKeyReused, NotFound
from charter.runs import files, images, journal, places, records
from charter.runs.places import BATCH, PEOPLE
from charter.runs.run import Run, StartRun, new_id
from charter.settings import Runs
from charter.store.database import Database, Turn
from charter.telemetry.tracing import Trace

_INSERT = (
    "insert into runs (tenant, id, thread, agent, principal, authority, status, bundle, input, metadata, idempotency_key, "
    "request_digest, lease_owner, lease_until, trace_id, span_id, priority, currency, images, files, epoch, working_since) "
    "values ($1, $2, $3, $4, $5, $6, $16, $7, $8, $9, $10, $11, $12, clock_timestamp() + make_interval(secs => $13), $14, $15, $17, $18, $19, "
    "$20, case when $16 = 'running' then 1 else 0 end, case when $16 = 'running' then clock_timestamp() end) "
    "on conflict (tenant, principal, idempotency_key) where idempotency_key is not null do nothing returning *"
)


@dataclass(frozen=True, slots=True)
class Host:
    """Who admits: its name in leases, whether it has a place for one more run, and what it counts costs in."""

    owner: str
    free: bool
    settings: Runs
    currency: str


async def admit(
    database: Database, ctx: Context, agent: AgentSpec, request: StartRun, host: Host, trace: Trace
) -> tuple[records.Claim, Run | None]:
    """Admit the run; it comes with its claim only when it is new. Begin with it here where its status is running;
    where it is queued it has to be given to the queue.

    Raises:
        NotFound: the thread is not this principal's.
        QueueFull: too many of the tenant's runs wait for a place.
        TooMany: the tenant started too many in the last minute.
        IdempotencyKeyReused: the key came before with another request.
    """
    found = await _admitted(database, ctx, agent, request, host, trace, turn="beside")
    found = found or await _admitted(database, ctx, agent, request, host, trace, turn="alone")
    assert found is not None, "who is alone is told"
    return found


async def _admitted(
    database: Database, ctx: Context, agent: AgentSpec, request: StartRun, host: Host, trace: Trace, *, turn: Turn
) -> tuple[records.Claim, Run | None] | None:
    digest = _digest(request)
    async with database.tenant_session(ctx.tenant, turn=turn) as session:
        if request.idempotency_key and (known := await _known(session, ctx, request.idempotency_key)):
            return _same(known, digest), None
        status = await places.status(
            session, agent.name, priority(ctx), host.settings, free=host.free, alone=turn == "alone"
        )
        if status is None:
            return None
        row = await session.fetchrow(
            _INSERT, ctx.tenant, new_id("run"), await _thread(session, ctx, agent, request), agent.name, ctx.principal.id,
            records.authority(ctx), agent.bundle, request.input, dict(request.metadata), request.idempotency_key, digest,
            host.owner, host.settings.lease_seconds, trace.trace_id, trace.span_id, status, priority(ctx),
            host.currency, len(request.images), len(request.files),
        )  # fmt: skip
        if row is None:  # the same key came at the same moment: once alone, the other one's run is known
            return None
        if request.images:
            await images.keep(session, ctx.tenant, row["id"], request.images)
        entries = [journal.Entry("run", status), _message(request, trace)]
        seq = await journal.append(session, ctx.tenant, row["id"], row["epoch"], entries)
        claim = replace(records.claim_of(row), opens_thread=request.thread is None, seq=seq)
        return claim, records.run_of(row, effects=[])


def priority(ctx: Context) -> int:
    """People come before batch: the smaller number is served first."""
    return BATCH if ctx.principal.type == "workload" else PEOPLE


def _message(request: StartRun, trace: Trace) -> journal.Entry:
    moment = journal.now()
    return journal.Entry(
        "step",
        "done",
        step_id=new_id("stp"),
        type="message",
        name="user",
        input=request.input,
        output=files.kept(request.files),
        label=_label(request),
        started_at=moment,
        ended_at=moment,
        trace=trace,
    )


def _label(request: StartRun) -> dict[str, Any] | None:
    label = images.label_of(len(request.images)).joined(files.label_of(len(request.files)))
    return None if label.trusted else label.as_json()


def _digest(request: StartRun) -> str:
    body: list[Any] = [request.agent, request.input, request.thread, dict(request.metadata)]
    if request.images:
        body.append([[image.media_type, hashlib.sha256(image.data).hexdigest()] for image in request.images])
    if request.files:
        body.append(files.digest(request.files))
    return hashlib.sha256(journal.canonical(body)).hexdigest()


async def _known(session: "asyncpg.Connection[asyncpg.Record]", ctx: Context, key: str) -> asyncpg.Record | None:
    return await session.fetchrow(
        "select * from runs where principal = $1 and idempotency_key = $2", ctx.principal.id, key
    )


def _same(row: asyncpg.Record, digest: str) -> records.Claim:
    if row["request_digest"] != digest:
        raise IdempotencyKeyReused()
    return records.claim_of(row)


async def _thread(
    session: "asyncpg.Connection[asyncpg.Record]", ctx: Context, agent: AgentSpec, request: StartRun
) -> str:
    if request.thread is None:
        thread = new_id("thr")
        title = " ".join(request.input.split())[:80]
        await session.execute(
            "insert into threads (tenant, id, principal, agent, title) values ($1, $2, $3, $4, $5)",
            ctx.tenant, thread, ctx.principal.id, agent.name, title,
        )  # fmt: skip
        return thread
    owned = await session.fetchval(
        "update threads set updated_at = clock_timestamp() where id = $1 and principal = $2 returning id",
        request.thread,
        ctx.principal.id,
    )
    if owned is None:
        raise NotFound(f"There is no thread {request.thread[:64]}.")
    return request.thread
