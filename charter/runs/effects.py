"""The effect ledger: what was intended, and what became of it. Never a silent repeat.

Before a function that changes the world is called there is an intent with an idempotency key and an audit record, in
one transaction under the run's epoch. After it, the outcome. An intent without an outcome means that nobody knows; what
is done then depends on what the function's target offers (its *path*): the same call with the same key, a look-up, or,
where there is neither, a person.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from charter.catalog.spec import FunctionSpec
from charter.store.database import Session

Path = Literal["key", "lookup", "person"]
_LOOKED_UP_HEADER = "Idempotency-Key"


def idempotency_key(run_id: str, step_id: str) -> str:
    """Return the key of a step's effect: the same for every try, another for every other step."""
    return f"{run_id}.{step_id}"


def headers(function: FunctionSpec, key: str) -> dict[str, str]:
    """Return the headers that carry the key, where the function's target honours one or can be asked for it."""
    name = function.idempotency_header or (_LOOKED_UP_HEADER if function.lookup else None)
    return {name: key} if name else {}


def arguments(function: FunctionSpec, given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the arguments, with the key in the field that the target honours, where it does."""
    return {**given, function.idempotency_field: key} if function.idempotency_field else dict(given)


def path(function: FunctionSpec) -> Path:
    """Return the way out when nobody knows whether the function's effect happened."""
    if function.idempotency_header or function.idempotency_field:
        return "key"
    return "lookup" if function.lookup else "person"


def repeatable(function: FunctionSpec) -> bool:
    """Say whether a second call with the same key is harmless."""
    return function.effect == "read" or path(function) == "key"


async def intend(
    session: Session, tenant: str, run_id: str, step_id: str, function: str, digest: str, epoch: int
) -> None:
    """Note that the effect is about to happen; a second intent of the same step keeps the first one's key."""
    await session.execute(
        "insert into effects (tenant, run_id, step_id, function, digest, idempotency_key, epoch) values ($1, $2, $3, $4, $5, $6, $7) "
        "on conflict (tenant, run_id, step_id) do update set epoch = excluded.epoch, intended_at = clock_timestamp(), "
        "outcome = null, result = null, settled_at = null, answer = null",
        tenant,
        run_id,
        step_id,
        function,
        digest,
        idempotency_key(run_id, step_id),
        epoch,
    )


async def in_doubt(session: Session, run_id: str) -> set[str]:
    """Return the steps whose effect was intended and has no known outcome; where a person said retry, nobody doubts."""
    rows = await session.fetch(
        "select step_id from effects where run_id = $1 and (outcome is null or outcome = 'unknown') "
        "and answer is distinct from 'retry'",
        run_id,
    )
    return {row["step_id"] for row in rows}


async def doubt(session: Session, run_id: str, step_id: str, taken: Path) -> datetime:
    """Count that nobody knew, and the path taken; return when the effect was intended last."""
    return await session.fetchval(
        "update effects set doubts = doubts + 1, path = $3 where run_id = $1 and step_id = $2 returning intended_at",
        run_id,
        step_id,
        taken,
    )


async def settle(session: Session, run_id: str, step_id: str, outcome: str, result: Any) -> None:
    """Note what became of the effect: ``done``, ``failed`` (it surely did not happen) or ``unknown``."""
    await session.execute(
        "update effects set outcome = $3, result = $4, settled_at = clock_timestamp() where run_id = $1 and step_id = $2",
        run_id,
        step_id,
        outcome,
        result,
    )


async def settle_late(session: Session, run_id: str, step_id: str, epoch: int, outcome: str, result: Any) -> None:
    """Note what a process knows that has lost the run: of its own intent only, and it corrects no other's word."""
    await session.execute(
        "update effects set outcome = $3, result = $4, settled_at = clock_timestamp() "
        "where run_id = $1 and step_id = $2 and (outcome is null or outcome = 'unknown') and epoch = $5 and answer is null",
        run_id,
        step_id,
        outcome,
        result,
        epoch,
    )


async def answered(session: Session, run_id: str, step_id: str, answer: str, by: str) -> None:
    """Note what a person said about an effect that nobody knew of."""
    await session.execute(
        "update effects set answer = $3, answered_by = $4 where run_id = $1 and step_id = $2",
        run_id,
        step_id,
        answer,
        by,
    )
