"""A business system that answers after nobody waits any more, or not at all: who can be asked is asked, and nobody twice."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.drills import load
from tests.drills.audit import Asked, audit
from tests.drills.ground import Ground, ground
from tests.drills.load import Size
from tests.drills.result import Result

_WAIT, _SETTLE = 2, 6
_LATE: dict[str, dict[str, object]] = {
    "late": {"delay_seconds": 4},
    "cut before": {"cut": "before"},
    "cut after": {"cut": "after"},
}
_DOORS = {"book": "/bookings", "note": "/notes", "stamp": "/stamps"}
_ANSWERS = {"late": ("happened", {"entry_id": "E-0"}), "cut before": ("retry", None), "cut after": ("give_up", None)}
"""What a person who has looked into the system would say."""


async def late(size: Size) -> Result:
    """Calls end after their time-out, are cut off before the work, and after it, for each kind of function."""
    told = Result()
    count = size.of(8)
    async with ground(2, runs={"function_seconds": _WAIT, "settle_seconds": _SETTLE}) as here:
        done = await asyncio.gather(*(_door(here, word, count, told) for word in _DOORS))
        asked = [each for some in done for each in some]
        await here.ended([each.run for each in asked], seconds=60)
        counted = await audit(here, asked)
        told.take(counted)
        # With a key the call is repeated at once, and may take the fault that was meant for another run's.
        for path, least in {"key": count + 2, "lookup": 3 * count, "person": 4 * count}.items():
            if counted.paths[path] < least:
                told.faults.append(f"{counted.paths[path]} doubts went by {path}; at least {least} were made")
    return told


async def _door(here: Ground, word: str, count: int, told: Result) -> list[Asked]:
    asked: list[Asked] = []
    for name, fault in _LATE.items():
        await _order(here, word, count, fault)
        some = await load.ask(here, [word] * count, over=0.5)
        asked += some
        runs = [each.run for each in some]
        left = await here.ended(runs, seconds=60, also=frozenset({"waiting:unknown_effect"}))
        states = (await here.states(runs)).values()
        expected = "waiting:unknown_effect" if word == "stamp" else "completed"
        wrong = [state for state in states if state != expected]
        if left or wrong:
            told.faults.append(f"{word}, {name}: {len(wrong)} of {count} runs are {sorted(set(wrong))}, not {expected}")
        if word == "stamp":
            await _answered(here, some, name, told)
    return asked


async def _order(here: Ground, word: str, count: int, fault: dict[str, object]) -> None:
    order = {"method": "POST", "path": _DOORS[word], "times": count, **fault}
    await here.sandbox("POST", "/_sandbox/faults", order)


async def _answered(here: Ground, asked: list[Asked], name: str, told: Result) -> None:
    """Let a person answer for each run; a retry that is cut off again waits again."""
    answer, result = _ANSWERS[name]
    if answer == "retry":
        await _order(here, "stamp", len(asked), _LATE[name])
        await asyncio.gather(*(_answer(here, each, answer, result, told, again=False) for each in asked))
        await here.ended([each.run for each in asked], seconds=30, also=frozenset({"waiting:unknown_effect"}))
    await asyncio.gather(*(_answer(here, each, answer, result, told) for each in asked))
    await here.ended([each.run for each in asked], seconds=30)
    states = await here.states([each.run for each in asked])
    if wrong := [state for state in states.values() if state != "completed"]:
        told.faults.append(f"stamp, {name}: after {answer} {len(wrong)} runs are {sorted(set(wrong))}")


async def _answer(here: Ground, asked: Asked, answer: str, result: object, told: Result, *, again: bool = True) -> None:
    run = await here.client.run("alice", asked.run)
    if (run["waiting"] or {}).get("for") != "unknown_effect":
        told.faults.append(f"{asked.mark} does not wait for {answer}: it is {run['status']}")
        return
    step = run["waiting"]["step_id"]
    given = await here.client.resolve("alice", asked.run, step, answer, result)
    if given.status != 200:
        told.faults.append(f"{asked.mark}: {answer} was answered with {given.status} {given.body}")
    elif again:
        same = await here.client.resolve("alice", asked.run, step, answer, result)
        other = await here.client.resolve("alice", asked.run, step, "give_up" if answer != "give_up" else "happened")
        if (same.status, other.status) != (200, 409):
            told.faults.append(f"{asked.mark}: the same answer again got {same.status}, another one {other.status}")


DRILLS: dict[str, Callable[[Size], Awaitable[Result]]] = {"late": late}
