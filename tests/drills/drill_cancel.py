"""Cancelling cuts a model's answer short, wherever the run is worked on, and never an effect that is on its way."""

import asyncio
import time
from typing import Any

from tests.drills.ground import Ground, ground
from tests.drills.host import Host
from tests.drills.load import Size, mark
from tests.drills.result import Result
from tests.drills.slow_model import SlowModel, slow_model

MOST_SECONDS = 2.0


async def cancel(size: Size) -> Result:
    """Cancel through another process than the one that works: a model call, a streamed one, and an effect."""
    result = Result()
    async with slow_model() as model:
        deployment = {
            "kind": "openai",
            "model": "slow",
            "base_url": model.url,
            "api_key": "none",
            "timeout_seconds": 100,
        }
        async with ground(2, runs={"lease_seconds": 6}, models={"standard": deployment}) as here:
            times = [await model_cut(here, model, result, streamed=n % 2 == 1) for n in range(max(4, size.of(4)))]
            result.note(model_calls=f"{len(times)} cut, p100 {max(times):.2f} s after the cancellation")
            await effect_kept(here, model, result)
    return result


async def model_cut(here: Ground, model: SlowModel, result: Result, *, streamed: bool) -> float:
    """Cancel while the model thinks; return how long its connection stayed open after that."""
    hung_up, waiting = len(model.hung_up), model.waiting
    run = await _begun(here, f"think about {mark('c')}", streamed=streamed)
    await here.until(lambda: model.waiting > waiting, 20, "the model was asked")
    begun = time.monotonic()
    answer = await _cancelled(here, run)
    try:
        await here.until(lambda: len(model.hung_up) > hung_up, 10, "the model's connection was closed")
        took = model.hung_up[-1] - begun
    except AssertionError:
        took = 10.0
    state = (await here.states([run]))[run]
    if answer["status"] != "cancelled" or state != "cancelled":
        result.faults.append(f"{run} is {state} after its cancellation")
    if took > MOST_SECONDS:
        result.faults.append(f"the model call went on for {took:.1f} s after the cancellation ({streamed=})")
    return took


async def effect_kept(here: Ground, model: SlowModel, result: Result) -> None:
    """Cancel while an effect is on its way: it happens once, its outcome is recorded, and nothing follows."""
    await here.pace(3)
    sign = mark("c")
    run = await _begun(here, f"book {sign}")
    limit = time.monotonic() + 15
    while not await here.rows("select 1 from effects where run_id = $1", run):
        assert time.monotonic() < limit, "nothing was announced"
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    asked, begun = model.asked, time.monotonic()
    await _cancelled(here, run)
    said = time.monotonic() - begun
    outcome = None
    while outcome is None and time.monotonic() - begun < 15:
        outcome = (await here.rows("select outcome from effects where run_id = $1", run))[0]["outcome"]
        await asyncio.sleep(0.1)
    settled = time.monotonic() - begun
    await asyncio.sleep(1)
    booked = [row for row in await here.ledger() if row["mark"] == sign]
    told = await here.client.run("alice", run)
    outcomes = [effect["outcome"] for effect in told["effects"]]
    result.note(
        effect=f"cancelled in {said:.2f} s; {len(booked)} booked, recorded as {outcome} after {settled:.1f} s, told as {outcomes}"
    )
    result.faults += [
        sentence
        for wrong, sentence in (
            (told["status"] != "cancelled", f"the run is {told['status']}"),
            (said > MOST_SECONDS, f"the cancellation took {said:.1f} s"),
            (len(booked) != 1, f"{len(booked)} entries were booked by the effect on its way"),
            (outcome != "done" or outcomes != ["done"], f"the outcome is {outcome}, told as {outcomes}"),
            (model.asked > asked, "the model was asked again after the cancellation"),
        )
        if wrong
    ]
    await here.pace(0)


async def _begun(here: Ground, text: str, *, streamed: bool = False) -> str:
    """Start a run: who starts it to follow it has a model that streams, who waits for it one that answers at once."""
    if streamed:
        return await here.client.start("alice", text)
    headers = {"Authorization": f"Bearer {await here.client.token('alice')}", "Prefer": "wait=1"}
    url = f"{here.serving()[0].address}/v1/runs"
    async with here.http.post(url, json={"agent": "driller", "input": text}, headers=headers) as answer:
        return (await answer.json())["id"]


async def _worker(here: Ground, run: str) -> Host:
    """Return the host that works on the run."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        rows = await here.rows(
            "select split_part(lease_owner, ':', 2) as pid from runs where id = $1 and status = 'running'", run
        )
        if rows and (found := [host for host in here.hosts if str(host.pid) == rows[0]["pid"]]):
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody works on {run}")


async def _cancelled(here: Ground, run: str) -> dict[str, Any]:
    """Cancel at another host than the one that works."""
    worker = await _worker(here, run)
    other = next(host for host in here.serving() if host is not worker)
    answer = await here.client.call("alice", "POST", f"/v1/runs/{run}/cancel", first=other.address)
    assert answer.status == 200, answer.body
    return answer.body


DRILLS = {"cancel": cancel}
