"""What becomes of a run is told to whoever asked for it, days later and from any process, once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.running import WAIT_SECONDS, RunningHost, reached, started
from tests.teams.conftest import anew
from tests.teams.pair import LONG_AGO, Pair
from tests.teams.seeing import words
from tests.teams.views import Message

_UNSAID = "select 1 from teams_outbox where state in ('waiting', 'sending') and due_at <= clock_timestamp() and body::text like $1"
PEOPLE = ("alice", "bob", "carol", "dora", "frank", "mona")


async def asked(pair: Pair, what: str) -> tuple[str, Message, Message]:
    """Let alice ask for an order; return what she ordered, her card and bob's, once it is written down that they were sent:
    a host that is killed before has them said again.
    """
    item = f"{what} {random.randrange(10**9)}"
    chat = await anew(pair.teams, "alice", "buyer")
    await pair.teams.say("alice", chat, f"order a {item} for 1,450 EUR")
    card = await pair.teams.until("bob", await pair.teams.personal("bob"), words("Your approval is asked", item))
    task = await pair.teams.until("alice", chat, words("Waiting", item))
    async with asyncio.timeout(WAIT_SECONDS):
        while await pair.query(_UNSAID, f"%{item}%"):
            await asyncio.sleep(0.05)
    return item, task, card


async def told(pair: Pair, item: str, task: Message) -> None:
    """See that the order was placed once and told once, and that the card says so in its place."""
    chat = await pair.teams.personal("alice")
    done = await pair.teams.until("alice", chat, words("Done", item), 60)
    assert done.id == task.id, "the card was not edited in its place"
    await pair.teams.until("alice", chat, words("is placed", item))
    view = await pair.teams.seen("alice", chat)
    assert sum("is placed" in message.text and item in message.text for message in view.bots) == 1
    assert sum(item in message.words and message.cards != [] for message in view.bots) == 1
    orders = (await pair.hosts["a"].sandbox("procurement", "/_sandbox/orders"))["orders"]
    assert [order["placed_by"] for order in orders if order["item"] == item] == ["alice"]


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told")
async def test_a_parked_run_is_told_once_after_every_host_has_gone(pair: Pair) -> None:
    item, task, card = await asked(pair, "sofa")
    await pair.down("a", kill=True)
    await pair.down("b")
    await pair.up("a", "b")
    await pair.use("b")
    bobs = await pair.teams.personal("bob")
    assert (await pair.teams.click("bob", bobs, card.id, "Approve")).effect == "card"
    await told(pair, item, task)
    decided = await pair.teams.until("bob", bobs, words("Approved", item))
    assert decided.id == card.id


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told")
async def test_a_decision_whose_host_dies_at_once_is_told_once_by_another(pair: Pair) -> None:
    await pair.use("a")
    item, task, card = await asked(pair, "carpet")
    await pair.teams.click("bob", await pair.teams.personal("bob"), card.id, "Approve")
    await pair.down("a", kill=True)
    await told(pair, item, task)
    await pair.use("a")


@asynccontextmanager
async def doorless(pair: Pair) -> AsyncGenerator[RunningHost]:
    """A third host on the same database, without the door of Teams: what ends there nobody who tells it hears."""
    folder, teams = pair.folder / "doorless", pair.chosen["teams"].model_copy(update={"enabled": False})
    with (pair.folder / "doorless.log").open("ab") as log:
        process = await started(folder, log=log, **{**pair.chosen, "teams": teams})
    try:
        yield await reached(folder, pair.http)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_SECONDS)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told")
async def test_what_ended_while_nobody_was_there_to_hear_it_is_told_by_who_comes(pair: Pair) -> None:
    await pair.use("a")
    item, task, _ = await asked(pair, "lamp")
    await pair.down("a", "b")
    async with doorless(pair) as host:
        runs = (await host.call("alice", "GET", "/v1/runs?limit=5")).body["items"]
        run = next(each["id"] for each in runs if item in each["input"])
        assert (await host.decide("bob", await host.pending("bob", run), "approve")).status == 200
        await host.settled("alice", run, "completed")
    await pair.up("a", "b")
    await pair.use("a")
    await told(pair, item, task)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.told.once")
async def test_of_a_hundred_tasks_with_two_hosts_each_is_told_once(pair: Pair) -> None:
    teams, mark = pair.teams, random.randrange(10**9)
    chats = {person: await anew(teams, person) for person in PEOPLE}
    said = [(PEOPLE[number % len(PEOPLE)], f"{mark}-{number}x") for number in range(100)]
    for half, name in ((said[:50], "a"), (said[50:], "b")):
        await pair.use(name)
        answers = await asyncio.gather(*(teams.say(person, chats[person], f"repeat {word}") for person, word in half))
        assert {each.answers[0].status for each in answers} == {200}
    for person, word in said:
        await teams.until(person, chats[person], words(f"You said {word}."), 60)
    for person, chat in chats.items():
        seen = [message.text for message in (await teams.seen(person, chat)).bots if str(mark) in message.text]
        assert Counter(seen) == Counter(f"You said {word}." for who, word in said if who == person)
    (row,) = await pair.query("select count(*) from runs where input like $1", f"repeat {mark}-%")
    assert row["count"] == 100


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.doubt")
async def test_who_asked_is_told_when_nobody_knows_whether_it_happened(pair: Pair) -> None:
    host, mark = await pair.use("a"), f"m{random.randrange(10**9)}"
    chat = await anew(pair.teams, "alice", "driller")
    await host.sandbox(
        "counter", "/_sandbox/faults", "POST", {"method": "POST", "path": "/stamps", "cut": "after", "times": 1}
    )
    await pair.teams.say("alice", chat, f"stamp {mark}")
    card = await pair.teams.until("alice", chat, words("Nobody knows whether this happened", mark), 40)
    assert "Answer in the console" in card.buttons
    await pair.teams.until("alice", chat, words("somebody who can say what became of a change", mark))
    run = next(r for r in (await host.call("alice", "GET", "/v1/runs?limit=5")).body["items"] if mark in r["input"])
    answer = {"answer": "happened", "step_id": run["waiting"]["step_id"]}
    assert (await host.call("alice", "POST", f"/v1/runs/{run['id']}/resolve", answer)).status == 200
    await pair.teams.until("alice", chat, words("Done", mark))
    view = await pair.teams.seen("alice", chat)
    assert sum("Nobody knows whether" in message.words and mark in message.words for message in view.bots) == 1


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.retention")
async def test_a_running_host_forgets_what_is_over_its_days(pair: Pair) -> None:
    async with asyncio.timeout(60):
        while await pair.query("select 1 from teams_state where key = $1", LONG_AGO):
            await asyncio.sleep(0.5)
