"""The journal: every step a run takes, appended once, under the epoch of whoever works on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import orjson

from charter.runs.run import TERMINAL, Step
from charter.store.database import Session
from charter.telemetry.tracing import Trace

_TRUSTED: dict[str, Any] = {"integrity": "trusted", "readers": [], "influenced_by": []}


class Fenced(Exception):
    """The run belongs to another epoch by now: this process must do nothing more for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. ``kind`` ``run`` is a change of status (``output`` then holds what waits);
    ``step`` and ``approval`` belong to a step; a step that changes gets a further entry of the same ``step_id``.
    """

    kind: Literal["run", "step", "approval"]
    status: str
    step_id: str | None = None
    type: str | None = None
    name: str | None = None
    effect: str | None = None
    input: Any = None
    output: Any = None
    label: Mapping[str, Any] | None = None
    decision: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an append changes in the run's row in the same transaction."""

    status: str | None = None
    waiting: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    model_turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = field(default=Decimal(0))
    trace: Trace | None = None

    def __or__(self, later: "Change") -> "Change":
        """Return both changes as one: amounts add up, everything else is the later one's where it says something."""
        return Change(
            status=later.status or self.status,
            waiting=later.waiting or self.waiting,
            output=later.output or self.output,
            error=later.error or self.error,
            model_turns=self.model_turns + later.model_turns,
            input_tokens=self.input_tokens + later.input_tokens,
            output_tokens=self.output_tokens + later.output_tokens,
            cost=self.cost + later.cost,
            trace=self.trace or later.trace,
        )


NOTHING = Change()

_ADVANCE = (
    "update runs set last_seq = last_seq + $3, status = coalesce($4, status), "
    "waiting = case when $4::text is null then waiting else $5::jsonb end, output = coalesce($6::jsonb, output), "
    "error = coalesce($7::jsonb, error), model_turns = model_turns + $8, input_tokens = input_tokens + $9, "
    "output_tokens = output_tokens + $10, cost = cost + $11, trace_id = coalesce(trace_id, $12), span_id = coalesce(span_id, $13), "
    "worked = worked + case when $4 <> 'running' and working_since is not null then clock_timestamp() - working_since "
    "else interval '0' end, working_since = case when $4 <> 'running' then null else working_since end, "
    "updated_at = clock_timestamp() where id = $1 and epoch = $2 returning last_seq"
)
_INSERT = (
    "insert into journal (tenant, run_id, seq, kind, step_id, type, name, status, effect, input, output, label, decision, "
    "usage, trace_id, span_id, epoch, started_at, ended_at) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
)


async def append(
    session: Session, tenant: str, run_id: str, epoch: int, entries: Sequence[Entry], change: Change = NOTHING
) -> int:
    """Append the entries and change the run's row; return the last journal number.

    Raises:
        Fenced: the run's epoch is another one by now; nothing was written.
    """
    last: int | None = await session.fetchval(
        _ADVANCE, run_id, epoch, len(entries), change.status, change.waiting, change.output, change.error, change.model_turns,
        change.input_tokens, change.output_tokens, change.cost,
        change.trace.trace_id if change.trace else None, change.trace.span_id if change.trace else None,
    )  # fmt: skip
    if last is None:
        raise Fenced(run_id)
    first = last - len(entries) + 1
    await session.executemany(
        _INSERT, [_row(tenant, run_id, epoch, first + n, entry) for n, entry in enumerate(entries)]
    )
    return last


def _row(tenant: str, run_id: str, epoch: int, seq: int, entry: Entry) -> tuple[Any, ...]:
    trace = entry.trace
    return (
        tenant, run_id, seq, entry.kind, entry.step_id, entry.type, entry.name, entry.status, entry.effect,
        entry.input, entry.output, entry.label, entry.decision, entry.usage,
        trace.trace_id if trace else None, trace.span_id if trace else None, epoch, entry.started_at, entry.ended_at,
    )  # fmt: skip


async def last(session: Session, run_id: str, epoch: int) -> int:
    """Return the last journal number of the run.

    Raises:
        Fenced: the run's epoch is another one by now.
    """
    found: int | None = await session.fetchval("select last_seq from runs where id = $1 and epoch = $2", run_id, epoch)
    if found is None:
        raise Fenced(run_id)
    return found


async def ended(session: Session, run_id: str) -> bool:
    status = await session.fetchval("select status from runs where id = $1", run_id)
    return status in TERMINAL


async def entries(session: Session, run_id: str, after: int = 0) -> list[asyncpg.Record]:
    """Return the raw entries behind ``after``, in order."""
    return await session.fetch("select * from journal where run_id = $1 and seq > $2 order by seq", run_id, after)


async def steps(session: Session, run_id: str) -> list[Step]:
    """Return the run's steps as they stand now, in the order in which they began."""
    return fold(await entries(session, run_id))


def fold(rows: Sequence[asyncpg.Record]) -> list[Step]:
    """Join the entries of each step: later ones complete what earlier ones left open."""
    joined: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["step_id"] is None:
            continue
        step = joined.setdefault(row["step_id"], {"seq": row["seq"], "at": row["at"]})
        step.update({key: value for key, value in row.items() if value is not None and key not in {"seq", "at"}})
    return [step_of(step) for step in joined.values()]


def step_of(row: Mapping[str, Any]) -> Step:
    return Step(
        id=row["step_id"],
        seq=row["seq"],
        type=row["type"],
        name=row["name"],
        status=row["status"],
        effect=row.get("effect"),
        input=row.get("input"),
        output=row.get("output"),
        label=row.get("label") or _TRUSTED,
        decision=row.get("decision"),
        usage=row.get("usage"),
        started_at=row.get("started_at") or row["at"],
        ended_at=row.get("ended_at"),
        trace_id=row.get("trace_id"),
        span_id=row.get("span_id"),
    )


def now() -> datetime:
    return datetime.now(UTC)


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys: the form that digests are made of."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
