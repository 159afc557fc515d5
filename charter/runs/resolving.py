"""Release a waiting run: a person has said what became of an effect that nobody knew of.

``happened``: the effect is done; ``result`` is what the model is told of it. ``retry``: it did not happen, and is called
once more. ``give_up``: it stays unknown, it is not called again, and the model is told so.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import asyncpg
import orjson

from charter.context import Context
from charter.errors import AlreadyDecided, Conflict, FieldError, InvalidRequest, NotFound, RunFinished
from charter.governance import audit
from charter.governance.labels import TRUSTED
from charter.runs import effects, journal, records
from charter.runs.records import Claim
from charter.runs.run import TERMINAL, new_id
from charter.store.database import Session
from charter.telemetry.tracing import Trace

Answer = Literal["happened", "retry", "give_up"]

_LIMIT_BYTES = 100_000
_HAPPENED = {"note": "A person confirmed that this happened; its result is not known."}
_IN_WORDS = {"happened": "it happened", "retry": "it did not happen, try again", "give_up": "it is given up"}
_GIVEN_UP = {"error": "Nobody knows whether this happened; it was given up and is not tried again."}


async def resolve(
    session: Session,
    ctx: Context,
    run_id: str,
    step_id: str,
    answer: Answer,
    result: Any,
    *,
    since: str | None,
    lease_seconds: int,
) -> Claim | None:
    """Note the answer and release the run; ``None``: this very answer was given before.

    ``since`` binds the answer to the doubt that began then: after a retry there may be another of the same step.

    Raises:
        NotFound: no such run for this principal, or the run has no such step.
        AlreadyDecided: somebody has said something else.
        RunFinished: the run has ended.
        Conflict: the run does not wait for this step, or not since then.
        InvalidRequest: a result where none belongs, or one that is too large.
    """
    _acceptable(answer, result)
    run = await records.read(session, ctx, run_id)
    row = await session.fetchrow("select status, waiting, epoch from runs where id = $1 for update", run_id)
    effect = await session.fetchrow("select * from effects where run_id = $1 and step_id = $2", run_id, step_id)
    if row is None or effect is None:
        raise NotFound(f"The run {run_id} has no effect {step_id[:64]}.")
    if not _asked(row, step_id, since):
        if effect["answer"] == answer:
            return None
        raise _too_late(row, effect)
    await effects.answered(session, run_id, step_id, answer, ctx.principal.id)
    entries = [_said(step_id, effect, answer, ctx), await _entry(session, run_id, step_id, answer, result)]
    await audit.record(
        session, ctx.within(agent=run.agent, run_id=run_id), "effect.answered", run_id=run_id, step_id=step_id,
        function=effect["function"], digest=effect["digest"], detail={"answer": answer}, trace_id=Trace.present().trace_id,
    )  # fmt: skip
    return await released(session, ctx, run_id, row["epoch"], entries, lease_seconds=lease_seconds)


def _asked(row: asyncpg.Record, step_id: str, since: str | None) -> bool:
    waits: Any = row["waiting"] or {}
    asked = row["status"] == "waiting" and (waits.get("for"), waits.get("step_id")) == ("unknown_effect", step_id)
    return asked and since in (None, waits["since"])


def _too_late(row: asyncpg.Record, effect: asyncpg.Record) -> Conflict:
    if effect["answer"] is not None:
        return AlreadyDecided(f"{effect['answered_by']} has said already: {_IN_WORDS[effect['answer']]}.")
    if row["status"] in TERMINAL:
        return RunFinished(f"The run is {row['status']}.")
    return Conflict("The run does not wait for this answer any more.", action="Read the run again.")


async def known_late(session: Session, ctx: Context, run_id: str, entry: journal.Entry) -> None:
    """Release the run where it waits for a person to say what the process that made the call has come to know: it was
    frozen, or cut off, and adopted meanwhile.
    """
    row = await session.fetchrow("select status, waiting, epoch from runs where id = $1 for update", run_id)
    waits: Any = row["waiting"] or {} if row is not None and row["status"] == "waiting" else {}
    if row is not None and (waits.get("for"), waits.get("step_id")) == ("unknown_effect", entry.step_id):
        await released(session, ctx, run_id, row["epoch"], [entry], lease_seconds=0)


async def released(
    session: Session, ctx: Context, run_id: str, epoch: int, entries: Sequence[journal.Entry], *, lease_seconds: int
) -> Claim:
    """Let a waiting run go on: it is queued, and looked after until it is in the queue."""
    change = journal.Change(status="queued")
    await journal.append(session, ctx.tenant, run_id, epoch, [*entries, journal.Entry("run", "queued")], change)
    row = await session.fetchrow(
        "update runs set lease_until = clock_timestamp() + make_interval(secs => $2) where id = $1 returning *",
        run_id,
        lease_seconds,
    )
    assert row is not None
    return records.claim_of(row)


def _acceptable(answer: Answer, result: Any) -> None:
    if answer not in get_args(Answer):
        raise InvalidRequest("There is no such answer.", errors=[FieldError("/answer", "happened, retry or give_up")])
    if result is not None and answer != "happened":
        raise InvalidRequest("Only what happened has a result.", errors=[FieldError("/result", "leave it out")])
    if len(orjson.dumps(result)) > _LIMIT_BYTES:
        raise InvalidRequest(
            "The result is too large.", errors=[FieldError("/result", f"at most {_LIMIT_BYTES} bytes")]
        )


def _said(step_id: str, effect: asyncpg.Record, answer: Answer, ctx: Context) -> journal.Entry:
    """Who said what, as a step of its own: the effect's step goes on and may be in doubt again."""
    moment = journal.now()
    return journal.Entry(
        "step", "done", step_id=new_id("stp"), type="approval", name=effect["function"],
        input={"for": "unknown_effect", "step_id": step_id}, output={"answer": answer, "answered_by": ctx.principal.id},
        started_at=moment, ended_at=moment, trace=Trace.present(),
    )  # fmt: skip


async def _entry(session: Session, run_id: str, step_id: str, answer: Answer, result: Any) -> journal.Entry:
    moment = journal.now()
    if answer == "retry":
        return journal.Entry("step", "waiting", step_id=step_id)
    if answer == "give_up":
        await effects.settle(session, run_id, step_id, "unknown", _GIVEN_UP)
        return journal.Entry("step", "failed", step_id=step_id, output=_GIVEN_UP, ended_at=moment)
    output = _HAPPENED if result is None else result
    await effects.settle(session, run_id, step_id, "done", output)
    return journal.Entry("step", "done", step_id=step_id, output=output, label=TRUSTED.as_json(), ended_at=moment)
