"""First contact: who comes in sees what they may begin with, by their name, and nothing that is others'."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.running import HOUSE, running_host
from tests.teams.conftest import AGENT, Delegated, teams_of
from tests.teams.seeing import answer, words
from tests.teams.views import Message

DEALER = """\
type: chat_completion_agent
name: dealer
description: Tells buyers what a currency is worth.
instructions: instructions.md
model: {tier: standard}
charter:
  owner: procurement@contoso.example
  acts_as: caller
  functions: [rates.find_rate]
  starters: [What is a dollar worth?]
"""
POLICY = '@id("rates") permit (principal in Role::"buyer", action == Action::"rates.find_rate", resource);'
RATES = HOUSE / "tests" / "data" / "whole" / "plugins" / "rates"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Delegated]:
    """A host with an agent more, which buyers alone may start."""
    folder: Path = tmp_path_factory.mktemp("house")
    dealer = folder / "agents" / "dealer"
    dealer.mkdir(parents=True)
    (dealer / "agent.yaml").write_text(DEALER)
    (dealer / "instructions.md").write_text("You tell what currencies are worth.")
    rates = shutil.copytree(RATES, folder / "plugins" / "rates")
    (rates / "policy.cedar").write_text(POLICY)
    folders = {"agents_dirs": str(folder / "agents"), "plugins_dirs": str(folder / "plugins")}
    async with running_host(folder / "host", teams=AGENT, **folders) as host:
        yield Delegated(host, await teams_of(host))


async def greeted(house: Delegated, person: str, chat: str) -> Message:
    """Add the app anew, and return the greeting that is the newest."""
    before = len((await house.teams.seen(person, chat)).bots)
    await house.teams.install(chat, installed=False)
    await house.teams.install(chat, installed=True)
    return await house.teams.until(
        person, chat, lambda view: view.last if len(view.bots) > before and "Hello" in view.last.words else None
    )


@pytest.mark.promise("teams.welcome")
@pytest.mark.promise("teams.welcome.own")
async def test_somebody_is_greeted_with_what_they_may_start_and_nothing_else(house: Delegated) -> None:
    teams = house.teams
    bobs, alices = await teams.personal("bob"), await teams.personal("alice")
    unknown = await teams.until("bob", bobs, words("Hello Bob"))
    assert "Order a standing desk for 1,450 EUR" in unknown.buttons
    assert "Dealer" not in unknown.words, "nobody knows yet that he is a buyer"
    for person, chat in (("bob", bobs), ("alice", alices)):
        said = await teams.say(person, chat, "/status")
        await teams.until(person, chat, answer(said, "How things stand"))
    assert "Dealer" in (await greeted(house, "bob", bobs)).words
    hers = await greeted(house, "alice", alices)
    assert "Dealer" not in hers.words
    assert "Order a standing desk for 1,450 EUR" in hers.buttons


@pytest.mark.promise("teams.welcome.own")
async def test_a_starter_is_read_whole_however_long_it_is(house: Delegated) -> None:
    chat = await house.teams.personal("dora")
    card = (await house.teams.until("dora", chat, words("Hello Dora"))).card
    pressed = [each for group in card["body"] for each in group.get("items", ()) if "selectAction" in each]
    assert len(pressed) == 6
    for each in pressed:
        (said,) = each["items"]
        assert "".join(run["text"] for run in said["inlines"]) == each["selectAction"]["title"]


@pytest.mark.promise("teams.welcome.own")
async def test_whoever_may_start_no_agent_is_told_so_and_asked_to_choose_among_none(house: Delegated) -> None:
    teams = house.teams
    settled = await house.host.call("carol", "PATCH", "/v1/admin/tenants/fabrikam", {"settings": {"agents": []}})
    assert settled.status == 200, settled.body
    chat = await teams.personal("frank")
    said = await teams.say("frank", chat, "Order a desk")
    await teams.until("frank", chat, answer(said, "There is no agent that you may use yet."))
