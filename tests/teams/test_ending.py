"""How a task ends: told once, where it was asked for, in one message."""

import random

import pytest

from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer, behind, words
from tests.teams.views import Message


@pytest.mark.promise("teams.ended")
async def test_a_failure_is_one_message(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "alice")
    said = await teams.say("alice", chat, "overloaded")
    await teams.until("alice", chat, answer(said, "I could not finish this.", "That did not work", "Reference"))
    await anew(teams, "alice")
    failures = [m for m in behind(await teams.seen("alice", chat), said) if "could not" in m.words or m.cards]
    assert len(failures) == 1


@pytest.mark.promise("teams.ended")
async def test_stop_ends_what_is_under_way_in_its_conversation_and_that_is_told_once(delegated: Delegated) -> None:
    teams, here, there = delegated.teams, f"lamp {random.randrange(10**6)}", f"chair {random.randrange(10**6)}"
    chat = await anew(teams, "dora", "buyer")
    group = await teams.group("dora", "bob")
    await teams.say("dora", group, "/new buyer", mention=True)
    await teams.until("dora", group, words("begin anew"))
    await teams.say("dora", chat, f"order a {here} for 1,450 EUR")
    await teams.until("dora", chat, words("Waiting", here))
    await teams.say("dora", group, f"order a {there} for 1,450 EUR", mention=True)
    await teams.until("dora", group, words("Waiting", there))
    stop = await teams.say("dora", chat, "/stop")
    await teams.until("dora", chat, words("Cancelled", here))
    await teams.until("dora", chat, answer(stop, "It is stopped. Nothing more is begun."))
    nothing = await teams.say("dora", chat, "/stop")
    await teams.until("dora", chat, answer(nothing, "Nothing of yours is under way here"))
    assert sum("is stopped" in m.words for m in behind(await teams.seen("dora", chat), stop)) == 1
    assert words("Waiting", there)(await teams.seen("dora", group)) is not None
    await teams.say("dora", group, "/stop", mention=True)
    await teams.until("bob", group, words("Cancelled", there))
    await teams.until("bob", group, words("It is stopped. Nothing more is begun."))


@pytest.mark.promise("teams.ended")
async def test_that_somebody_has_to_decide_is_said_beside_the_card_that_tells_the_rest(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "alice", "buyer")
    said = await teams.say("alice", chat, f"order a shelf {random.randrange(10**6)} for 1,450 EUR")
    await teams.until("alice", chat, answer(said, "Somebody has to decide first."))
    await teams.until("alice", chat, answer(said, "It then goes on by itself"))
    stop = await teams.say("alice", chat, "/stop")
    await teams.until("alice", chat, answer(stop, "It is stopped."))


def ended(message: Message) -> bool:
    return "Good day." in message.words and not message.growing


@pytest.mark.promise("teams.commands.counted")
async def test_a_task_that_waits_is_listed_and_counted_however_much_came_after_it(delegated: Delegated) -> None:
    teams, item = delegated.teams, f"sofa {random.randrange(10**6)}"
    chat = await anew(teams, "carol", "buyer")
    await teams.say("carol", chat, f"order a {item} for 1,450 EUR")
    await teams.until("carol", chat, words("Waiting", item))
    await anew(teams, "carol")
    first, *_ = [await teams.say("carol", chat, f"hello {number}") for number in range(11)]
    await teams.until("carol", chat, lambda view: sum(ended(each) for each in behind(view, first)) == 11, 60)
    listing = await teams.say("carol", chat, "/tasks")
    told = await teams.until("carol", chat, answer(listing, "Your tasks", "in the console"))
    assert told.words.index(item) < told.words.index("hello")
    status = await teams.say("carol", chat, "/status")
    await teams.until("carol", chat, answer(status, "One of your tasks waits for somebody."))
    stop = await teams.say("carol", chat, "/stop")
    await teams.until("carol", chat, answer(stop, "It is stopped."))
