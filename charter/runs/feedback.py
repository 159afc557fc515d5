"""What people thought of an answer: a like or a dislike with its reason, kept with the run and gone with it."""

import base64
import binascii
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg
import orjson
from opentelemetry.trace import get_current_span

from charter.context import Context
from charter.errors import Conflict, FieldError, Forbidden, InvalidRequest
from charter.governance import audit
from charter.runs.run import Page, Run, timestamp
from charter.store.database import Session
from charter.telemetry import names
from charter.telemetry.tracing import Trace

Reaction = Literal["like", "dislike"]
REACTIONS: tuple[Reaction, ...] = ("like", "dislike")
LONGEST = 2000

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
# What is said again as it was keeps its time, and is no news to the audit.
_PUT = (
    "insert into run_feedback (tenant, run_id, principal, reaction, reason) values ($1, $2, $3, $4, $5) "
    "on conflict (tenant, run_id, principal) do update set reaction = excluded.reaction, reason = excluded.reason, "
    "at = clock_timestamp() where (run_feedback.reaction, run_feedback.reason) <> (excluded.reaction, excluded.reason) "
    "returning run_id"
)
_OF = (
    "select f.*, r.agent from run_feedback f join runs r on r.tenant = f.tenant and r.id = f.run_id "
    "where f.run_id = any($1) and f.principal = r.principal and ($2 or r.principal = $3)"
)
_NEWEST = (
    "select f.*, r.agent from run_feedback f join runs r on r.tenant = f.tenant and r.id = f.run_id "
    "where ($1::timestamptz is null or (f.at, f.run_id) < ($1, $2)) and ($3::text is null or f.reaction = $3) "
    "and ($4::text is null or r.agent = $4) order by f.at desc, f.run_id desc limit $5"
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the person of a run thought of its answer."""

    run: str
    agent: str
    principal: str
    reaction: Reaction
    reason: str
    at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "agent": self.agent,
            "principal": self.principal,
            "reaction": self.reaction,
            "reason": self.reason,
            "at": timestamp(self.at),
        }


def worded(reason: str) -> str:
    """Return what can be seen of a reason.

    Raises:
        InvalidRequest: that is too long.
    """
    told = reason.replace("\r\n", "\n").replace("\r", "\n")
    told = "".join(char for char in told if char in "\n\t" or unicodedata.category(char) not in _HIDDEN).strip()
    if len(told) > LONGEST:
        raise InvalidRequest("The reason is too long.", errors=[FieldError("/reason", f"at most {LONGEST} characters")])
    return told


async def put(session: Session, ctx: Context, run: Run, reaction: Reaction, reason: str) -> Feedback:
    """Keep what the run's person thinks of its answer, in place of what they said before; without a record, nothing.

    Raises:
        Forbidden: it is another person's run.
        Conflict: there is nothing yet to think of.
        InvalidRequest: the reason is too long.
    """
    if run.principal["id"] != ctx.principal.id:
        raise Forbidden("Only the person who asked says what they think of the answer.", action="Ask them to.")
    if not run.finished:
        raise Conflict("The run is not over yet.", action="Say what you think of its answer when it is there.")
    told = worded(reason)
    if await session.fetchval(_PUT, ctx.tenant, run.id, ctx.principal.id, reaction, told):
        asked = ctx.within(agent=run.agent, run_id=run.id)
        detail = {"reaction": reaction, "with_reason": bool(told)}
        await audit.record(session, asked, "feedback.given", detail=detail, trace_id=Trace.present().trace_id)
    get_current_span().set_attributes({names.REACTION: reaction, names.AGENT: run.agent, names.RUN: run.id})
    return (await of(session, ctx, [run.id]))[run.id]


async def of(session: Session, ctx: Context, runs: Sequence[str]) -> Mapping[str, Feedback]:
    """Return what was said of these runs, as far as this principal may see them."""
    rows = await session.fetch(_OF, list(runs), ctx.is_operator, ctx.principal.id)
    return {row["run_id"]: _read(row) for row in rows}


async def listing(
    session: Session, ctx: Context, *, reaction: str | None, agent: str | None, cursor: str | None, limit: int
) -> Page:
    """Return a page of what the tenant's people said, newest first.

    Raises:
        Forbidden: no operator.
        InvalidRequest: no such reaction, or a cursor that this listing did not give.
    """
    if not ctx.is_operator:
        raise Forbidden("Operators alone read what everybody thought of the answers.")
    if reaction is not None and reaction not in REACTIONS:
        raise InvalidRequest("There is no such reaction.", errors=[FieldError("/reaction", "like or dislike")])
    at, before = _position(cursor)
    rows = await session.fetch(_NEWEST, at, before, reaction, agent, limit + 1)
    found = [_read(row) for row in rows[:limit]]
    return Page(found, _cursor(found[-1]) if len(rows) > limit else None)


def _read(row: asyncpg.Record) -> Feedback:
    return Feedback(row["run_id"], row["agent"], row["principal"], row["reaction"], row["reason"], row["at"])


def _cursor(last: Feedback) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last.at.isoformat(), last.run])).decode().rstrip("=")


def _position(cursor: str | None) -> tuple[datetime | None, str | None]:
    if cursor is None:
        return None, None
    try:
        at, run = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(run, str) or "\0" in run:
            raise ValueError("no position")
    except (ValueError, TypeError, binascii.Error) as fault:
        raise InvalidRequest(
            "The cursor is not one of ours.", errors=[FieldError("/cursor", "take it from next")]
        ) from fault
    return moment, run
