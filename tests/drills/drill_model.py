"""A model that refuses, fails, babbles or hangs: each run finishes, or fails and says why."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from tests.drills import load
from tests.drills.audit import Asked, audit
from tests.drills.bad_model import FAULTS, bad_model
from tests.drills.drill_kill import QUICK
from tests.drills.ground import SCRIPT, Ground, ground
from tests.drills.load import Size
from tests.drills.result import Result

_FINISH = frozenset({"busy-twice", "broken-once", "stranger", "nonsense"})
"""After these a run can go on; after the others it must fail."""
_DONE = {
    ("stranger", 1): (("note", 2), ("book", 3)),
    ("nonsense", 1): (("note", 2), ("book", 3)),
}
"""What is done where the fault takes the place of a turn of the script."""
_CODES = frozenset({"model_unavailable", "budget_exhausted"})
_TIMEOUT_SECONDS = 2


async def model(size: Size) -> Result:
    """Each fault at the first turn and in the middle, between effects."""
    told = Result()
    # A model that drips is ended by the run's minutes, of which there is at least one.
    faults = [fault for fault in FAULTS if size.long or fault != "drip"]
    async with bad_model(SCRIPT) as bad:
        deployment = {"kind": "openai", "model": "drill", "base_url": bad.url, "timeout_seconds": _TIMEOUT_SECONDS}
        async with ground(2, runs=QUICK, models={"standard": deployment}) as here:
            asked = [await _asked(here, fault, turn) for _ in range(size.of(1)) for fault in faults for turn in (1, 3)]
            left = await here.ended([run.run for _, run in asked], seconds=90)
            told.note(faults=", ".join(f"{count} {fault}" for fault, count in sorted(bad.faults.items())))
            told.take(await audit(here, [run for _, run in asked]))
            await _codes(here, asked, told)
            told.faults += [f"{run.mark} ({fault}) has not ended after 90 s" for fault, run in asked if run.run in left]
    return told


async def _asked(here: Ground, fault: str, turn: int) -> tuple[str, Asked]:
    sign = load.mark("work")
    agent = "hurried" if fault == "drip" else "driller"
    run = await here.client.start("alice", f"work {sign} then {fault} at {turn}", agent=agent)
    return fault, Asked("work", sign, run, _DONE.get((fault, turn)))


async def _codes(here: Ground, asked: Sequence[tuple[str, Asked]], told: Result) -> None:
    rows = await here.rows("select id, status, error ->> 'code' as code, error ->> 'detail' as detail from runs")
    by_id = {row["id"]: row for row in rows}
    told.note(codes=", ".join(f"{n} {code}" for code, n in Counter(row["code"] or "none" for row in rows).items()))
    for fault, run in asked:
        row = by_id[run.run]
        if row["status"] == "failed" and row["code"] not in _CODES:
            told.faults.append(f"{run.mark} ({fault}) failed with {row['code']}: {row['detail']}")
        if row["status"] == "failed" and fault in _FINISH:
            told.faults.append(
                f"{run.mark} ({fault}) could have gone on, but failed with {row['code']}: {row['detail']}"
            )
        if row["status"] == "completed" and fault not in _FINISH:
            told.faults.append(f"{run.mark} ({fault}) is completed, although its model never answered")


DRILLS: dict[str, Callable[[Size], Awaitable[Result]]] = {"model": model}
