"""A question finds the people who decide it, reminds them, and whoever waits hears when nobody can."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.teams.conftest import anew
from tests.teams.pair import TEAM, Pair
from tests.teams.seeing import words
from tests.teams.views import Message, View

_STATES = "select state, attempts from teams_outbox where key like $1"
_TOLD = (
    "select split_part(o.key, ':', 1) as kind, count(*) from teams_outbox o join approvals a on o.key like '%' || a.id || '%' "
    "where a.arguments ->> 'item' = $1 and o.state = 'sent' group by 1"
)


async def order(pair: Pair, what: str) -> tuple[str, str]:
    """Let alice ask for an order that needs bob's word; return what it is and her chat."""
    item = f"{what} {random.randrange(10**9)}"
    chat = await anew(pair.teams, "alice", "buyer")
    await pair.teams.say("alice", chat, f"order a {item} for 1,450 EUR")
    await pair.teams.until("alice", chat, words("Waiting", item))
    return item, chat


async def card_of(pair: Pair, item: str) -> tuple[str, Message]:
    bobs = await pair.teams.personal("bob")
    return bobs, await pair.teams.until("bob", bobs, words("Your approval is asked", item))


async def long_open(pair: Pair, item: str) -> None:
    """Let a question have been open for so long that its reminders are due: none is before a test wants it."""
    await pair.query(
        "update approvals set created_at = created_at - interval '1 hour' where arguments ->> 'item' = $1", item
    )


async def unreachable(pair: Pair, item: str, alices: str) -> None:
    """Wait until alice hears that bob cannot be asked about just this."""

    def told(view: View) -> bool:
        asked = next(at for at, each in enumerate(view.messages) if each.author != "bot" and item in each.text)
        return any("Bob cannot be asked in Teams" in each.text for each in view.messages[asked:])

    await pair.teams.until("alice", alices, told)


async def no_newcomer(pair: Pair, person: str) -> None:
    """Wait until somebody has been asked whatever they were to be asked before they came."""
    async with asyncio.timeout(30):
        while await pair.query("select 1 from teams_people where newcomer and id = $1", person):
            await asyncio.sleep(0.2)


async def orders(pair: Pair, item: str) -> int:
    listed = (await pair.hosts["a"].sandbox("procurement", "/_sandbox/orders"))["orders"]
    return sum(each["item"] == item for each in listed)


async def said(pair: Pair, person: str, chat: str, *wanted: str) -> int:
    view = await pair.teams.seen(person, chat)
    return sum(all(word in message.text for word in wanted) for message in view.bots)


@asynccontextmanager
async def disabled(pair: Pair, person: str) -> AsyncIterator[None]:
    """Take somebody's account away, as an administrator of Entra does."""
    entra = f"{pair.hosts['a'].entra}/_twin/people/{person}"
    async with pair.http.patch(entra, json={"disabled": True}) as response:
        assert response.status < 300
    try:
        yield
    finally:
        async with pair.http.patch(entra, json={"disabled": False}) as response:
            assert response.status < 300


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.reminders")
async def test_who_does_not_decide_is_reminded_and_who_waits_is_told_each_once(pair: Pair) -> None:
    await pair.up("a", "b")
    await pair.use("a")
    channel = await pair.teams.channel("alice", "bob", team=TEAM)
    item, alices = await order(pair, "lectern")
    bobs, _ = await card_of(pair, item)
    before = await said(pair, "bob", bobs, "still waits for your decision")
    await long_open(pair, item)
    once = {"approval": 1, "reminder": 2, "escalation": 2}
    async with asyncio.timeout(60):
        while {row["kind"]: row["count"] for row in await pair.query(_TOLD, item)} != once:
            await asyncio.sleep(0.2)
    await pair.teams.until("alice", alices, words("Nobody has decided about your request yet"))
    await pair.teams.until("bob", channel, words("still waits for a decision", "Alice"))
    assert await said(pair, "bob", bobs, "still waits for your decision") == before + 2


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.clicks")
async def test_what_nobody_decided_in_time_cannot_be_approved_any_more(pair: Pair) -> None:
    await pair.use("a")
    item, alices = await order(pair, "pedestal")
    bobs, card = await card_of(pair, item)
    await pair.query("update approvals set expires_at = clock_timestamp() where arguments ->> 'item' = $1", item)
    late = await pair.teams.click("bob", bobs, card.id, "Approve")
    assert "Nobody decided in time" in str(late.body["value"])
    expired = await pair.teams.until("bob", bobs, words("Nobody decided in time", item))
    assert expired.id == card.id
    assert "Approve" not in expired.buttons
    assert await orders(pair, item) == 0
    await pair.query("update runs set lease_until = clock_timestamp() where input like $1", f"%{item}%")
    await pair.teams.until("alice", alices, words("not ordered"), 40)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.unreachable")
async def test_who_asks_hears_that_the_approver_has_taken_the_app_away(pair: Pair) -> None:
    host = await pair.use("a")
    bobs = await pair.teams.personal("bob")
    await pair.teams.install(bobs, installed=False)
    try:
        item, alices = await order(pair, "carousel")
        await unreachable(pair, item, alices)
    finally:
        await pair.teams.install(bobs, installed=True)
    run = next(r for r in (await host.call("alice", "GET", "/v1/runs?limit=5")).body["items"] if item in r["input"])
    assert (await host.decide("bob", await host.pending("bob", run["id"]), "approve")).status == 200
    await pair.teams.until("alice", alices, words("is placed", item))


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.newcomers")
async def test_who_adds_the_app_after_they_were_to_be_asked_is_asked_then_and_once(pair: Pair) -> None:
    await pair.use("a")
    bobs = await pair.teams.personal("bob")
    await pair.teams.install(bobs, installed=False)
    try:
        item, alices = await order(pair, "hammock")
        await unreachable(pair, item, alices)
        assert words("Your approval is asked", item)(await pair.teams.seen("bob", bobs)) is None
    finally:
        await pair.teams.install(bobs, installed=True)
    _, card = await card_of(pair, item)
    await pair.query("update teams_people set newcomer = true where id = 'bob'")
    await no_newcomer(pair, "bob")
    assert (await pair.teams.click("bob", bobs, card.id, "Approve")).effect == "card"
    await pair.teams.until("alice", alices, words("is placed", item))
    assert sum(item in message.words for message in (await pair.teams.seen("bob", bobs)).bots) == 1
    assert await orders(pair, item) == 1


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.authority")
async def test_for_somebody_who_is_disabled_meanwhile_nothing_is_done_and_both_are_told(pair: Pair) -> None:
    await pair.use("a")
    item, alices = await order(pair, "trampoline")
    bobs, card = await card_of(pair, item)
    before = await said(pair, "bob", bobs, "What you approved for Alice was not done")
    async with disabled(pair, "alice"):
        assert (await pair.teams.click("bob", bobs, card.id, "Approve")).effect == "card"
        await pair.teams.until("alice", alices, words("Your sign-in could not be renewed"), 40)
    async with asyncio.timeout(40):
        while await said(pair, "bob", bobs, "What you approved for Alice was not done") != before + 1:
            await asyncio.sleep(0.2)
    assert await orders(pair, item) == 0
    await pair.teams.say("alice", alices, "/signout")
    await pair.teams.until("alice", alices, words("signed out"))


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.reminders.overtaken")
async def test_nobody_is_reminded_of_what_was_decided_before_the_reminder_could_leave(pair: Pair) -> None:
    host = await pair.use("a")
    item, alices = await order(pair, "parasol")
    bobs, card = await card_of(pair, item)
    (row,) = await pair.query("select id, run_id from approvals where arguments ->> 'item' = $1", item)
    before = await said(pair, "bob", bobs, "still waits for your decision")
    await pair.teams.fault("send", 429, retry_after=20, times=100, conversation=bobs)
    try:
        await long_open(pair, item)
        async with asyncio.timeout(60):
            while not any(each["attempts"] for each in await pair.query(_STATES, f"reminder:{row['id']}:%")):
                await asyncio.sleep(0.1)
        assert (await host.decide("bob", await host.pending("bob", row["run_id"]), "approve")).status == 200
        await pair.teams.until("alice", alices, words("is placed", item))
    finally:
        await pair.teams.heal()
    decided = await pair.teams.until("bob", bobs, words("Approved", item), 60)
    assert decided.id == card.id
    states = {each["state"] for each in await pair.query(_STATES, f"reminder:{row['id']}:%")}
    assert states == {"given_up"}
    assert await said(pair, "bob", bobs, "still waits for your decision") == before


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.newcomers")
async def test_who_has_the_role_only_since_others_were_asked_is_asked_too(pair: Pair) -> None:
    await pair.use("a")
    await anew(pair.teams, "dora")
    item, alices = await order(pair, "pergola")
    await card_of(pair, item)
    await no_newcomer(pair, "dora")
    await pair.query(
        "update approvals set approvers = '{role:buyer,role:employee}' where arguments ->> 'item' = $1", item
    )
    doras = await pair.teams.personal("dora")
    assert words(item)(await pair.teams.seen("dora", doras)) is None
    await pair.query("update teams_people set roles = '{}' where id = 'dora'")
    await pair.teams.say("dora", doras, "/signout")
    await pair.teams.until("dora", doras, words("signed out"))
    await pair.teams.say("dora", doras, "/status")
    await pair.teams.until("dora", doras, words("Your approval is asked", item), 40)
    await pair.teams.say("alice", alices, "/stop")
    await pair.teams.until("dora", doras, words("No longer asked", item), 40)
