"""The effect ledger: what was intended, and what became of it. Never a silent repeat.

Before a function that changes the world is called there is an intent with an idempotency key and an audit record, in
one transaction under the run's epoch. After it, the outcome. An intent without an outcome means that nobody knows.
"""

from collections.abc import Mapping
from typing import Any

from charter.catalog.spec import FunctionSpec
from charter.store.database import Session


def idempotency_key(run_id: str, step_id: str) -> str:
    """Return the key of a step's effect: the same for every try, another for every other step."""
    return f"{run_id}.{step_id}"


def headers(function: FunctionSpec, key: str) -> dict[str, str]:
    """Return the headers that carry the key, where the function's target honours one."""
    return {function.idempotency_header: key} if function.idempotency_header else {}


def arguments(function: FunctionSpec, given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the arguments, with the key in the field that the target honours, where it does."""
    return {**given, function.idempotency_field: key} if function.idempotency_field else dict(given)


def repeatable(function: FunctionSpec) -> bool:
    """Say whether a second call with the same key is harmless."""
    return function.effect == "read" or bool(function.idempotency_header or function.idempotency_field)


async def intend(
    session: Session, tenant: str, run_id: str, step_id: str, function: str, digest: str, epoch: int
) -> None:
    """Note that the effect is about to happen; a second intent of the same step keeps the first one's key."""
    await session.execute(
        "insert into effects (tenant, run_id, step_id, function, digest, idempotency_key, epoch) values ($1, $2, $3, $4, $5, $6, $7) "
        "on conflict (tenant, run_id, step_id) do update set epoch = excluded.epoch",
        tenant,
        run_id,
        step_id,
        function,
        digest,
        idempotency_key(run_id, step_id),
        epoch,
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
