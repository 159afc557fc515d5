"""A running host whose tier has three deployments: what fails at one ends at another, once, and the journal tells."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import orjson
import pytest

from tests.running import WAIT_SECONDS, RunningHost, running_host
from tests.runs.endpoints import Endpoint, Plays, endpoint
from tests.tenancy.adatum import created

AGENT = "employee_assistant"
WORDS = tuple(f"two{n} " for n in range(12))


@dataclass(slots=True)
class Place:
    host: RunningHost
    one: Endpoint
    two: Endpoint
    three: Endpoint

    async def ask(self, text: str, who: str = "alice") -> dict[str, Any]:
        return await self.host.ask(who, AGENT, text)

    async def model_steps(self, run: dict[str, Any], who: str = "alice") -> list[dict[str, Any]]:
        return [step for step in await self.host.timeline(who, run["id"]) if step["type"] == "model"]


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with endpoint("one") as one, endpoint("two") as two, endpoint("three") as three:
        tier = (
            one.deployment(region="westeurope", input_price=Decimal(1), output_price=Decimal(2)),
            two.deployment(region="eastus", priority=1, input_price=Decimal(10), output_price=Decimal(20)),
            three.deployment(priority=2),
        )
        async with running_host(tmp_path_factory.mktemp("failover"), models={"standard": tier}) as host:
            yield Place(host, one, two, three)


@pytest.fixture
async def place(running: Place) -> Place:
    """The host, once its first deployment is taken for well again."""
    async with asyncio.timeout(WAIT_SECONDS):
        while (await running.model_steps(await running.ask("how are you")))[0]["output"]["deployment"] != "one":
            await asyncio.sleep(0.5)
    return running


async def followed(
    place: Place, text: str, heard: asyncio.Event | None = None
) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Start a run and follow it to its end; ``heard`` is set with the first event: live text is heard from then on."""
    started = await place.host.call("alice", "POST", "/v1/runs", {"agent": AGENT, "input": text})
    events: list[tuple[str, Any]] = []
    async for event, data, _ in place.host.events("alice", started.body["id"]):
        events.append((event, data))
        if heard is not None:
            heard.set()
    return await place.host.run("alice", started.body["id"]), events


def live(events: list[tuple[str, Any]]) -> list[str]:
    """The live texts, each as it stood when it was withdrawn or complete."""
    texts = [""]
    for event, data in events:
        if event == "output.delta":
            texts[-1] += data["text"]
        elif event == "output.withdrawn":
            texts.append("")
    return texts


@pytest.mark.promise("models.answered")
@pytest.mark.parametrize(
    ("word", "plays", "why"),
    [
        ("f500", Plays(status=500), "failing"),
        ("f401", Plays(status=401), "denied"),
        ("f429", Plays(status=429, headers={"retry-after": "0.2"}), "busy"),
        ("fhtml", Plays(garbage=True), "unreadable"),
        ("fcut", Plays(cut=0, pause=0.1), "unreadable or unreachable"),
    ],
)
async def test_where_one_fails_another_answers_and_the_journal_tells_both(
    place: Place, word: str, plays: Plays, why: str
) -> None:
    place.one.on(word, plays)
    run, events = await followed(place, f"please {word}")
    assert (run["status"], run["output"]["text"]) == ("completed", "Well.")
    assert len(live(events)) == 1, "nothing was said yet: it goes on without a word"
    [step] = await place.model_steps(run)
    assert (step["output"]["deployment"], step["name"]) == ("two", "model-two")
    [attempt] = step["output"]["attempts"]
    assert attempt["deployment"] == "one"
    assert attempt["why"] in why
    assert "secret" not in orjson.dumps(step).decode()
    assert Decimal(step["usage"]["cost"]) == Decimal("0.012"), "what two takes, not one"


@pytest.mark.promise("models.failover")
@pytest.mark.parametrize("neatly", [False, True])
async def test_a_model_that_dies_mid_stream_is_withdrawn_and_another_answers_once(place: Place, neatly: bool) -> None:
    word, heard = f"mid{neatly}", asyncio.Event()
    place.one.on(word, Plays(tuple(f"one{n} " for n in range(9)), cut=6, neatly=neatly, pause=0.05, heard=heard))
    place.two.on(word, Plays(WORDS, pause=0.02))
    run, events = await followed(place, f"please {word}", heard)
    broken, whole = live(events)
    assert broken == "one0 one1 one2 one3 one4 one5 "
    assert (whole, run["output"]["text"]) == ("".join(WORDS), "".join(WORDS))
    [step] = await place.model_steps(run)
    assert step["output"]["text"] == "".join(WORDS)
    assert [event for event, data in events if event == "step" and data["type"] == "model"] == ["step"]
    assert [len(each.heard[f"please {word}"]) for each in (place.one, place.two, place.three)] == [1, 1, 0]


async def lines(place: Place, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {await place.host.token('alice')}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(place.host.address + path, json={**body, "model": AGENT, "stream": True}, headers=headers) as answer,
    ):
        told = [line[6:] async for line in answer.content if line.startswith(b"data: {")]
    return [orjson.loads(line) for line in told]


@pytest.mark.promise("models.failover")
async def test_the_openai_doors_tell_that_an_answer_broke_off(place: Place) -> None:
    place.one.on("doors", Plays(("one0 ", "one1 "), cut=2, pause=0.1))
    place.two.on("doors", Plays(WORDS))
    events = await lines(place, "/v1/responses", {"input": "doors"})
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [(item["status"], item["content"][0]["text"]) for item in items] == [
        ("incomplete", "one0 one1 "),
        ("completed", "".join(WORDS)),
    ]
    assert [item["id"] for item in events[-1]["response"]["output"]] == [items[1]["id"]]

    place.two.on("chat door", Plays(WORDS))
    place.one.on("chat door", Plays(("one0 ", "one1 "), cut=2, pause=0.1))
    chunks = await lines(place, "/v1/chat/completions", {"messages": [{"role": "user", "content": "chat door"}]})
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == "one0 one1 \n\n[The model broke off here. Its answer begins anew.]\n\n" + "".join(WORDS)


@pytest.mark.promise("models.residency")
async def test_a_tenants_data_stays_in_its_regions_whatever_fails(place: Place) -> None:
    place.one.on("border", Plays(status=500))
    adatum = await created(place.host, residency=["westeurope"])
    failed = await place.ask("border of adatum", adatum.ada)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "model_unavailable")
    assert len(place.one.heard["border of adatum"]) > 1
    assert not place.two.heard["border of adatum"] + place.three.heard["border of adatum"]
    [step] = await place.model_steps(failed, adatum.ada)
    assert (step["status"], {each["deployment"] for each in step["output"]["attempts"]}) == ("failed", {"one"})
    theirs = await place.ask("border of contoso")
    assert (await place.model_steps(theirs))[0]["output"]["deployment"] == "two", "contoso has no residency"


@pytest.mark.promise("models.busy")
async def test_a_tenant_with_one_deployment_waits_as_long_as_that_asks(place: Place) -> None:
    place.one.on("patience", Plays(status=429, headers={"retry-after": "0.7"}), Plays())
    place.two.on("patience", Plays(status=429, headers={"retry-after": "30"}))
    place.three.on("patience", Plays(status=503, headers={"retry-after": "30"}))
    run = await place.ask("patience")
    assert run["status"] == "completed"
    first, second = place.one.heard["patience"]
    assert second - first >= 0.69
    [step] = await place.model_steps(run)
    assert [each["why"] for each in step["output"]["attempts"]] == ["busy"] * 3


@pytest.mark.promise("models.faults")
async def test_a_request_that_is_rejected_goes_nowhere_else_and_the_run_says_so(place: Place) -> None:
    place.one.on("unfit", Plays(status=400))
    run = await place.ask("unfit")
    assert (run["status"], run["error"]["retryable"]) == ("failed", False)
    assert "status 400" in run["error"]["detail"]
    assert not place.two.heard["unfit"]
    [step] = await place.model_steps(run)
    assert (step["status"], step["output"]["attempts"][0]["why"]) == ("failed", "rejected")


@pytest.mark.promise("models.cancel")
async def test_cancelling_a_run_ends_the_call_under_way(place: Place) -> None:
    place.one.on("endless", Plays(("word ",) * 4000, pause=0.05))
    started = await place.host.call("alice", "POST", "/v1/runs", {"agent": AGENT, "input": "endless"})
    run_id = started.body["id"]
    async with asyncio.timeout(WAIT_SECONDS):
        while not place.one.heard["endless"]:
            await asyncio.sleep(0.05)
        await place.host.call("alice", "POST", f"/v1/runs/{run_id}/cancel")
        while "endless" not in place.one.left:
            await asyncio.sleep(0.05)
    assert (await place.host.run("alice", run_id))["status"] == "cancelled"
    assert not place.two.heard["endless"]
