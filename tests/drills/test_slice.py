"""The fast slice of the drills: one harm at each place, in one ground. ``make drill`` does the rest."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from charter.runs.drill import POINTS
from tests.drills import load
from tests.drills.audit import Asked, audit
from tests.drills.drill_freeze import all_thawed
from tests.drills.drill_kill import at_each_place
from tests.drills.ground import Ground, ground
from tests.drills.result import Result

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="drills watch their processes in /proc"),
]

_PLACES = sorted(POINTS)
_FROZEN_AT = "before_send"
_SHORT = {"function_seconds": 2, "settle_seconds": 3, "lease_seconds": 4}


@pytest.fixture(scope="module")
async def here() -> AsyncIterator[Ground]:
    """One host that nobody harms, one for each place to die at, and one that stands still."""
    points = [{}, *({place: "kill"} for place in _PLACES), {_FROZEN_AT: "freeze"}]
    async with ground(len(points), points=points, runs=_SHORT) as here:
        here.respawn = False
        here.thaw_after = 7
        yield here


@pytest.mark.promise("drills.frozen")
async def test_a_host_that_stood_still_before_it_sent_sends_nothing_when_it_moves_again(here: Ground) -> None:
    host = here.hosts[-1]
    asked = await asyncio.gather(*(load.ask_at(here, word, host) for word in ("note", "stamp")))
    await here.until(lambda: host.frozen, 20, "the host stands still")
    left = await here.ended([each.run for each in asked], seconds=30, also=frozenset({"waiting:unknown_effect"}))
    await all_thawed(here)
    assert not left
    assert (await audit(here, asked, may_wait=frozenset({"stamp"}), only_these=False)).faults == []
    host.kill()


@pytest.mark.promise("drills.late")
async def test_what_ends_after_its_time_is_asked_for_and_never_done_again(here: Ground) -> None:
    for door in ("/bookings", "/notes", "/stamps"):
        await here.sandbox("POST", "/_sandbox/faults", {"method": "POST", "path": door, "delay_seconds": 3})
    asked = [await load.ask_at(here, word, here.hosts[0]) for word in ("book", "note", "stamp")]
    await here.ended([each.run for each in asked], seconds=30, also=frozenset({"waiting:unknown_effect"}))
    states = await here.states([each.run for each in asked])
    assert [states[each.run] for each in asked] == ["completed", "completed", "waiting:unknown_effect"]
    told = await audit(here, asked, may_wait=frozenset({"stamp"}), only_these=False)
    assert told.faults == []
    assert {"key", "lookup", "person"} <= told.paths.keys()
    await _say_it_happened(here, asked[-1])


async def _say_it_happened(here: Ground, asked: Asked) -> None:
    run = await here.client.run("alice", asked.run)
    answer = await here.client.resolve("alice", asked.run, run["waiting"]["step_id"], "happened", {"entry_id": "E-0"})
    assert answer.status == 200, answer.body
    assert not await here.ended([asked.run], seconds=20)
    assert (await here.client.run("alice", asked.run))["output"]["text"] == "Done: E-0."


@pytest.mark.promise("drills.killed")
async def test_a_host_that_is_killed_at_any_place_loses_nothing_and_does_nothing_twice(here: Ground) -> None:
    told = Result()
    await asyncio.wait_for(at_each_place(here, dict(zip(_PLACES, here.hosts[1:], strict=False)), told), 150)
    assert told.faults == []
