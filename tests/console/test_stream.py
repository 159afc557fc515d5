"""A run's events as the console streams them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.console import story
from tests.console.conftest import House, Visitor

WAIT = 10


@dataclass(slots=True)
class Heard:
    name: str
    data: Any
    id: int | None


@asynccontextmanager
async def _following(visitor: Visitor, path: str, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with visitor.http.get(
        f"{visitor.address}/console{path}", headers={"Accept": "text/event-stream", **headers}
    ) as response:
        yield response


async def _next(response: aiohttp.ClientResponse) -> Heard:
    fields: dict[str, str] = {}
    async with asyncio.timeout(WAIT):
        while (line := (await response.content.readline()).decode().rstrip("\n")) or not fields:
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
    return Heard(fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None)


async def _until(response: aiohttp.ClientResponse, name: str) -> Heard:
    while (heard := await _next(response)).name != name:
        pass
    return heard


@pytest.mark.promise("console.live")
async def test_a_follower_hears_steps_text_and_the_rendered_answer(visitor: Visitor, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    run = runs.add(house_of_runs.people["alice"], "employee_assistant", "How much leave?")
    await visitor.sign_in("alice")
    async with _following(visitor, f"/runs/{run.id}/events?last_event_id=0") as response:
        assert response.content_type == "text/event-stream"
        assert (await _next(response)).name == "turn"
        runs.step(run.id, "function", "people.get_leave_balance", "running", key="call")
        heard = await _next(response)
        assert (heard.name, heard.data) == ("line", {"text": "Asking people.get_leave_balance"})
        assert heard.id == runs.runs[run.id].last_seq
        runs.say(run.id, "You have <b>")
        heard = await _next(response)
        assert (heard.name, heard.data, heard.id) == ("delta", {"text": "You have <b>"}, None)
        runs.finish(run.id, "You have **12** <b>days</b>.")
        heard = await _next(response)
        assert heard.data["busy"] is False
        assert heard.data["said"] == "Answer ready."
        assert "<strong>12</strong> &lt;b&gt;days&lt;/b&gt;" in heard.data["html"]
        assert (await _until(response, "done")).data == {}
        assert await asyncio.wait_for(response.content.read(), WAIT) == b""


@pytest.mark.promise("console.live")
async def test_who_comes_back_hears_only_what_they_missed(visitor: Visitor, house_of_runs: House) -> None:
    runs = house_of_runs.runs
    run = runs.add(house_of_runs.people["alice"], "employee_assistant", "How much leave?")
    runs.step(run.id, "function", "people.get_leave_balance", "running", key="call")
    seen = runs.runs[run.id].last_seq
    runs.step(run.id, "function", "people.get_leave_balance", "done", key="call")
    await visitor.sign_in("alice")
    async with _following(
        visitor, f"/runs/{run.id}/events?last_event_id=0", **{"Last-Event-ID": str(seen)}
    ) as response:
        heard = await _next(response)
        assert heard.data == {"text": "Reading the answer of people.get_leave_balance"}
        assert heard.id == seen + 1


async def test_a_waiting_run_shows_its_card_and_goes_on_when_it_is_decided(
    visitor: Visitor, house_of_runs: House
) -> None:
    runs, people = house_of_runs.runs, house_of_runs.people
    run = story.order(runs, people["alice"])
    asked = next(iter(runs.questions.values()))
    await visitor.sign_in("alice")
    async with _following(visitor, f"/runs/{run.id}/events?last_event_id={run.last_seq - 1}") as response:
        heard = await _next(response)
        assert "bob must approve" in heard.data["html"]
        assert heard.data["said"] == "Waiting: bob must decide."
        await runs.decide(people["bob"], asked.id, "approve", asked.digest)
        assert (await _next(response)).data == {"text": "Approved by bob"}
        assert (await _next(response)).data["busy"] is True


async def test_a_timeline_is_streamed_as_its_steps(visitor: Visitor, house_of_runs: House) -> None:
    runs, people = house_of_runs.runs, house_of_runs.people
    run = story.order(runs, people["alice"])
    await visitor.sign_in("alice")
    async with _following(visitor, f"/runs/{run.id}/events?view=timeline&last_event_id=0") as response:
        assert (await _until(response, "step")).data["html"].strip().startswith('<li class="step step--done"')
        assert "Decision on: Create order" in (await _until_html(response, "Decision on"))
        assert "Waiting: bob must approve" in (await _until(response, "head")).data["html"]
        await runs.cancel(people["alice"], run.id)
        assert "Cancelled" in (await _until(response, "head")).data["said"]
        await _until(response, "done")


async def _until_html(response: aiohttp.ClientResponse, words: str) -> str:
    while words not in (heard := await _until(response, "step")).data["html"]:
        pass
    return str(heard.data["html"])


async def test_a_run_that_is_not_there_is_an_error_and_no_stream(visitor: Visitor, house_of_runs: House) -> None:
    await visitor.sign_in("alice")
    async with _following(visitor, "/runs/run_x/events") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
    run = house_of_runs.runs.add(house_of_runs.people["alice"], "buyer", "x")
    async with _following(visitor, f"/runs/{run.id}/events?last_event_id=soon") as response:
        assert response.status == 422


async def test_the_level_and_the_inbox_are_told_as_json(visitor: Visitor, busy: House) -> None:
    busy.level.update(
        state="fetching", received=412_000_000, total=1_117_000_000, name="Qwen2.5-Coder-1.5B", licence="Apache-2.0"
    )
    await visitor.sign_in("bob")
    async with visitor.http.get(f"{visitor.address}/console/level?agent=buyer") as response:
        told = await response.json()
    assert told["label"] == "Assistance only"
    assert told["percent"] == 36
    assert told["news"].startswith("The embedded model is on its way: 412 of 1,117 MB.")
    assert told["model"] == "Qwen2.5-Coder-1.5B · Apache-2.0"
    async with visitor.http.get(f"{visitor.address}/console/level?agent=service_desk") as response:
        own = await response.json()
    assert (own["label"], own["percent"], own["moving"]) == ("Your model", None, False)
    async with visitor.http.get(f"{visitor.address}/console/inbox") as response:
        assert await response.json() == {"count": 1}


@pytest.mark.promise("console.level")
async def test_a_page_without_an_agent_tells_the_level_of_them_all(visitor: Visitor, house_of_runs: House) -> None:
    """Whoever has a model for every agent is not told that none answers."""
    await visitor.sign_in("alice")
    labels: list[str] = []
    for last in ("assistance", "yours"):
        levels = [*["yours"] * (len(house_of_runs.runs.offered) - 1), last]
        house_of_runs.runs.offered = {
            name: {**agent, "model": {"tier": "standard", "level": level}}
            for (name, agent), level in zip(house_of_runs.runs.offered.items(), levels, strict=True)
        }
        async with visitor.http.get(f"{visitor.address}/console/level") as response:
            labels.append((await response.json())["label"])
    assert labels == ["Assistance only", "Your model"]
