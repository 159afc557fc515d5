"""The guards of durable runs, one at a time and in seconds; without its guard each of these turns red (drill mutants)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.drills import load
from tests.drills.audit import audit
from tests.drills.drill_authority import CASES, lasting, restored
from tests.drills.drill_freeze import all_thawed
from tests.drills.drill_parked import decided, park, pending_segments
from tests.drills.drill_pickle import plant, refused
from tests.drills.ground import Ground, ground
from tests.drills.result import Result

pytestmark = pytest.mark.timeout(150)

PLACES = 3
_SHORT = {
    "lease_seconds": 3, "settle_seconds": 1, "tenant_concurrent": PLACES, "agent_concurrent": PLACES, "concurrent": 8
}  # fmt: skip


@pytest.fixture(scope="module")
async def here() -> AsyncIterator[Ground]:
    """One host that nobody harms; doomed ones come and stay away."""
    async with ground(1, runs=_SHORT) as here:
        here.respawn = False
        here.thaw_after = 7
        yield here


@pytest.mark.promise("drills.fence")
async def test_a_process_that_wakes_up_late_records_nothing_for_a_run_that_others_finished(here: Ground) -> None:
    zombie = await here.add({"after_send": "freeze"})
    asked = await load.ask_at(here, "book", zombie)
    assert not await here.ended([asked.run], seconds=30)
    await all_thawed(here)
    rows = await here.rows("select epoch, status from journal where run_id = $1 order by seq", asked.run)
    told = await audit(here, [asked], only_these=False)
    last = (await here.rows("select last_seq from runs where id = $1", asked.run))[0]["last_seq"]
    zombie.kill()

    epochs = [row["epoch"] for row in rows]
    assert epochs == sorted(epochs)
    assert max(epochs) > 1, "nobody took the run over"
    assert (last, told.faults) == (len(rows), [])


@pytest.mark.promise("drills.doubt")
async def test_an_effect_that_was_sent_is_not_repeated_when_nobody_recorded_its_outcome(here: Ground) -> None:
    doomed = await here.add({"after_send": "kill"})
    asked = await load.ask_at(here, "stamp", doomed)
    assert not await here.ended([asked.run], seconds=30, also=frozenset({"waiting:unknown_effect"}))
    told = await audit(here, [asked], may_wait=frozenset({"stamp"}), only_these=False)

    assert not doomed.serves, "the host did not die at its place"
    assert (told.faults, dict(told.states)) == ([], {"waiting:unknown_effect": 1})


@pytest.mark.promise("drills.parked")
async def test_runs_that_wait_hold_no_place_and_all_go_on(here: Ground) -> None:
    runs = await park(here, 3 * PLACES)
    quick = await here.client.start("alice", f"read {load.mark('q')}")
    assert not await here.ended([quick], seconds=10)
    assert await pending_segments(here) == 0

    times = await decided(here, len(runs))
    states = await here.states(runs)

    assert Counter(states.values()) == {"completed": len(runs)}
    assert max(times) < 5


@pytest.mark.promise("drills.pickle")
async def test_a_planted_pickle_runs_no_code_and_holds_nobody_up(here: Ground) -> None:
    files = [await plant(here, n, "ENQUEUED") for n in range(PLACES + 1)]
    ended = await refused(here, len(files))
    assert [file.name for file in files if file.exists()] == []
    assert ended == len(files)
    runs = await asyncio.gather(*(here.client.start("alice", f"read {load.mark('q')}") for _ in range(2 * PLACES)))
    left = await here.ended(runs, seconds=20)

    assert (left, [file.name for file in files if file.exists()]) == (set(), [])


@pytest.mark.promise("drills.authority")
async def test_an_approval_that_outlasts_every_token_is_carried_out_by_those_only_who_still_may(here: Ground) -> None:
    told = Result()
    try:
        await lasting(here, told, CASES, token_seconds=5, margin=2)
    finally:
        await restored(here)

    assert told.faults == []
