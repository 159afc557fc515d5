"""Which agent a message is for: measured on what people write, and asked about wherever it is not clear."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.channels.teams.choosing import Choice, Choosing
from charter.context import Context
from charter.errors import Unavailable
from charter.knowledge.embedder import E5Embedder
from tests.running import RunningHost

UTTERANCES = yaml.safe_load(Path(__file__).with_name("utterances.yaml").read_text())


def _agents(host: RunningHost, ctx: Context) -> list[dict[str, Any]]:
    assert host.inner is not None
    return host.inner.service.agents(ctx)


def _examples(host: RunningHost, name: str) -> Sequence[str]:
    assert host.inner is not None
    return host.inner.service.editions.current.catalog.function(name).examples


@pytest.fixture(scope="module")
async def embedder() -> AsyncIterator[E5Embedder]:
    made = E5Embedder()
    await made.query("hello")
    yield made
    made.close()


@pytest.fixture(scope="module")
async def choosing(host: RunningHost, people: dict[str, Context], embedder: E5Embedder) -> AsyncIterator[Choosing]:
    made = Choosing(embedder, lambda name: _examples(host, name), seconds=60)  # what is meant is measured, not how soon
    made.learn(_agents(host, people["bob"]))
    await made.learned()
    yield made
    await made.close()


class Slow:
    """An embedder that does not answer until it may."""

    name, dimensions = "slow", 384

    def __init__(self, *, fails: bool = False) -> None:
        self.may = asyncio.Event()
        self.fails = fails

    async def query(self, text: str) -> list[float]:
        if self.fails:
            raise Unavailable("The embedder does not load.")
        await self.may.wait()
        return [float(len(text)), 1.0]

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        return [await self.query(text) for text in texts]


@pytest.mark.promise("teams.choosing")
@pytest.mark.parametrize(("half", "least_right"), [("tuned", 31), ("held out", 26)])
async def test_of_what_people_write_hardly_anything_goes_to_a_wrong_agent(
    half: str,
    least_right: int,
    choosing: Choosing,
    host: RunningHost,
    people: dict[str, Context],
    capsys: pytest.CaptureFixture[str],
) -> None:
    agents = _agents(host, people["bob"])
    assert {agent["name"] for agent in agents} == {"buyer", "content_writer", "employee_assistant", "service_desk"}
    right, asked, first, wrong = 0, 0, 0, list[str]()
    said = UTTERANCES[0 if half == "tuned" else 1 :: 2]
    for each in said:
        choice = await choosing.choose(agents, each["text"])
        if not choice.agent:
            assert len(choice.among) == 4
            asked += 1
            first += choice.among[0] in each["agents"]
        elif choice.agent in each["agents"]:
            right += 1
        else:
            wrong.append(f"{each['text']} -> {choice.agent}")
    with capsys.disabled():
        print(
            f"\n{half}: {len(said)} messages, {right} right, {asked} asked ({first} with the right one first), {wrong}"
        )
    assert right >= least_right
    assert len(wrong) <= 1, wrong


@pytest.mark.promise("teams.choosing")
async def test_where_no_agent_is_meant_the_person_is_asked(
    choosing: Choosing, host: RunningHost, people: dict[str, Context]
) -> None:
    agents = _agents(host, people["bob"])
    for each in UTTERANCES:
        if not each["agents"]:
            assert (await choosing.choose(agents, each["text"])).agent == "", each["text"]
    assert (await choosing.choose(agents, "   ")).agent == ""


@pytest.mark.promise("teams.choosing")
async def test_while_the_embedder_loads_the_person_is_asked_at_once(
    host: RunningHost, people: dict[str, Context]
) -> None:
    agents, slow = _agents(host, people["bob"]), Slow()
    choosing = Choosing(slow, lambda name: _examples(host, name))
    async with asyncio.timeout(20):
        choice = await choosing.choose(agents, "Order a standing desk for 1,450 EUR")
        again = await choosing.choose(agents, "Order a standing desk for 1,450 EUR")
    assert choice == again == Choice(among=tuple(agent["name"] for agent in agents))
    await choosing.close()


async def test_a_message_waits_no_longer_than_a_second_for_its_vector(
    host: RunningHost, people: dict[str, Context]
) -> None:
    agents, slow = _agents(host, people["bob"]), Slow()
    choosing = Choosing(slow, lambda name: _examples(host, name))
    slow.may.set()
    choosing.learn(agents)
    await choosing.learned()
    slow.may.clear()
    async with asyncio.timeout(20):
        assert (await choosing.choose(agents, "Order a standing desk for 1,450 EUR")).agent == ""
    await choosing.close()


async def test_without_an_embedder_the_person_is_asked(host: RunningHost, people: dict[str, Context]) -> None:
    agents = _agents(host, people["bob"])
    choosing = Choosing(Slow(fails=True), lambda name: _examples(host, name))
    for _ in range(2):
        assert (await choosing.choose(agents, "Order a desk")).agent == ""
        await choosing.learned()
    await choosing.close()


@pytest.mark.promise("teams.choosing")
async def test_the_agent_of_the_settings_answers_whoever_may_start_it(
    host: RunningHost, people: dict[str, Context], embedder: E5Embedder
) -> None:
    agents = _agents(host, people["bob"])
    settled = Choosing(embedder, lambda name: _examples(host, name), preferred="service_desk")
    assert await settled.choose(agents, "Order a standing desk for 1,450 EUR") == Choice("service_desk")
    others = [agent for agent in agents if agent["name"] != "service_desk"]
    assert (await settled.choose(others, "Order a standing desk for 1,450 EUR")).agent != "service_desk"
    await settled.close()


async def test_the_only_agent_answers_and_nobody_is_asked_about_none(
    host: RunningHost, people: dict[str, Context], choosing: Choosing
) -> None:
    agents = _agents(host, people["bob"])
    assert await choosing.choose(agents[:1], "hello") == Choice(str(agents[0]["name"]))
    assert await choosing.choose([], "hello") == Choice()


async def test_no_more_than_four_are_asked_about(
    host: RunningHost, people: dict[str, Context], choosing: Choosing
) -> None:
    agents = _agents(host, people["bob"])
    many = [*agents, *({**agent, "name": f"{agent['name']}_too"} for agent in agents)]
    assert len((await choosing.choose(many, "hello")).among) == 4


@pytest.mark.promise("teams.choosing")
async def test_the_loop_goes_on_while_a_message_is_read(
    host: RunningHost, people: dict[str, Context], choosing: Choosing
) -> None:
    agents = _agents(host, people["bob"])
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    turning = asyncio.create_task(turn())
    await choosing.choose(agents, "My laptop screen flickers " * 200)
    turning.cancel()
    assert turns >= 3
