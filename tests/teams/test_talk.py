"""Employees delegate in Teams: they write, and an agent answers with their own authority."""

import asyncio
import random

import pytest

from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer, button, reply, words
from tests.teams.store import store
from tests.teams.test_files import PNG


@pytest.mark.promise("teams.talk")
async def test_what_somebody_writes_is_answered_with_their_own_authority(delegated: Delegated) -> None:
    teams = delegated.teams
    chat = await anew(teams, "alice")
    said = await teams.say("alice", chat, "How many days of annual leave do I have left?")
    assert [each.status for each in said.answers] == [200]
    found = await teams.until("alice", chat, answer(said, "days of annual leave left."))
    assert any(state.get("type") == "typing" for state in found.history), "it was not streamed"
    (label,) = [each for each in found.activity["entities"] if each["type"] == "https://schema.org/Message"]
    assert label["additionalType"] == ["AIGeneratedContent"]
    runs = (await delegated.host.call("alice", "GET", "/v1/runs?limit=1")).body["items"]
    assert runs[0]["principal"]["id"] == "alice"


@pytest.mark.promise("teams.welcome")
async def test_a_new_chat_is_greeted_once_with_things_to_begin_with(delegated: Delegated) -> None:
    teams = delegated.teams
    chat = await teams.personal("dora")
    welcome = await teams.until("dora", chat, words("Hello"))
    assert "How many days of annual leave do I have left?" in welcome.buttons
    asked = await teams.click("dora", chat, welcome.id, "How many days of annual leave do I have left?")
    await teams.until("dora", chat, reply(asked, "days of annual leave left."))
    view = await teams.seen("dora", chat)
    assert sum("Hello" in message.words for message in view.bots) == 1


@pytest.mark.promise("teams.talk")
async def test_an_activity_that_comes_five_times_is_one_run(delegated: Delegated) -> None:
    teams, number = delegated.teams, random.randrange(10**9)
    chat = await anew(teams, "alice")
    said = await teams.say("alice", chat, f"hello {number}", times=5)
    assert [each.status for each in said.answers] == [200] * 5
    await teams.until("alice", chat, answer(said, "Good day."))
    runs = (await delegated.host.call("alice", "GET", "/v1/runs?limit=50")).body["items"]
    assert sum(run["input"] == f"hello {number}" for run in runs) == 1


@pytest.mark.promise("teams.inbox.taken")
async def test_what_is_asked_right_after_choosing_an_agent_is_done_by_that_agent(delegated: Delegated) -> None:
    teams, mark = delegated.teams, random.randrange(10**9)
    chat = await anew(teams, "alice")
    chosen = [("service_desk", "content_writer", "buyer")[number % 3] for number in range(12)]
    for number, agent in enumerate(chosen):
        for text in ("/new", f"/new {agent}", f"hello {mark}-{number}"):
            said = await teams.say("alice", chat, text)
            assert [each.status for each in said.answers] == [200]
    asked = await done(delegated, f"hello {mark}-", count=len(chosen))
    assert asked == {f"hello {mark}-{number}": agent for number, agent in enumerate(chosen)}


async def done(delegated: Delegated, text: str, *, count: int) -> dict[str, str]:
    """Return which agent did each of alice's inputs that begin so, once so many are done."""
    asked: dict[str, str] = {}
    async with asyncio.timeout(60):
        while len(asked) < count:
            runs = (await delegated.host.call("alice", "GET", "/v1/runs?limit=50")).body["items"]
            mine = [run for run in runs if run["input"].startswith(text) and run["status"] == "completed"]
            asked = {run["input"]: run["agent"] for run in mine}
            await asyncio.sleep(0.1)
    return asked


@pytest.mark.promise("teams.approval")
async def test_an_order_is_approved_on_a_card_and_its_outcome_told_to_both(delegated: Delegated) -> None:
    teams, item = delegated.teams, f"standing desk {random.randrange(10**6)}"
    alices, bobs = await teams.personal("alice"), await teams.personal("bob")
    await teams.say("alice", alices, "/new buyer")
    await teams.say("alice", alices, f"order a {item} for 1,450 EUR")
    card = await teams.until("bob", bobs, words("Your approval is asked", item))
    assert "1,450.00" in card.words
    assert "Alice" in card.words
    task = await teams.until("alice", alices, words("Waiting", item))
    assert "Approve" not in task.buttons
    pressed = await teams.click("bob", bobs, card.id, "Approve", {"comment": "Fine by me"})
    assert pressed.effect == "card"
    await teams.until("alice", alices, words("is placed", item))
    decided = await teams.until("bob", bobs, words("Approved", item))
    assert decided.id == card.id
    assert "Approve" not in decided.buttons
    assert "Fine by me" in decided.words
    again = await teams.until("alice", alices, words("Done", item))
    assert again.id == task.id, "the card was not edited in its place"
    orders = (await delegated.host.sandbox("procurement", "/_sandbox/orders"))["orders"]
    assert [order["placed_by"] for order in orders if order["item"] == item] == ["alice"]


@pytest.mark.promise("teams.commands")
async def test_every_command_is_answered(delegated: Delegated) -> None:
    teams = delegated.teams
    chat = await teams.personal("carol")
    for command, told in (
        ("/help", "What you can write"),
        ("/tasks", "Your tasks"),
        ("/status", "How things stand"),
        ("/stop", "Nothing of yours is under way here"),
        ("/new", "begin anew"),
        ("/signout", "You are signed out"),
    ):
        said = await teams.say("carol", chat, command)
        await teams.until("carol", chat, answer(said, told))


@pytest.mark.promise("teams.cancel")
async def test_a_task_is_cancelled_from_its_card(delegated: Delegated) -> None:
    teams, item = delegated.teams, f"armchair {random.randrange(10**6)}"
    chat = await teams.personal("alice")
    await teams.say("alice", chat, "/new buyer")
    await teams.say("alice", chat, f"order a {item} for 1,450 EUR")
    task = await teams.until("alice", chat, words("Waiting", item))
    bobs = await teams.personal("bob")
    await teams.until("bob", bobs, words("Your approval is asked", item))
    assert (await teams.click("alice", chat, task.id, "Cancel")).effect == "card"
    cancelled = await teams.until("alice", chat, words("Cancelled", item))
    assert "Cancel" not in cancelled.buttons
    await teams.until("bob", bobs, words("No longer asked", item))


@pytest.mark.promise("teams.failure")
async def test_what_went_wrong_is_told_with_a_reference_and_no_words_of_the_machine(delegated: Delegated) -> None:
    teams = delegated.teams
    chat = await teams.personal("alice")
    await teams.say("alice", chat, "/new")
    said = await teams.say("alice", chat, "overloaded")
    failure = await teams.until("alice", chat, answer(said, "That did not work", "Reference"))
    assert "503" not in failure.words
    assert "Traceback" not in failure.words
    runs = (await delegated.host.call("alice", "GET", "/v1/runs?limit=1")).body["items"]
    assert runs[0]["error"]["trace_id"] in failure.words or runs[0]["trace_id"] in failure.words
    assert button("Try again")(await teams.seen("alice", chat)) is not None


@pytest.mark.promise("teams.blind")
async def test_where_the_model_sees_no_images_the_rest_is_done_and_that_is_said(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "dora")
    async with store() as drive:
        content = {"downloadUrl": drive.put("/shot.png", PNG), "fileType": "png"}
        kind = "application/vnd.microsoft.teams.file.download.info"
        image = {"contentType": kind, "name": "shot.png", "content": content}
        said = await teams.say("dora", chat, "hello", attachments=[image])
        await teams.until(
            "dora", chat, answer(said, "I have not looked at shot.png: the model of this agent sees no images.")
        )
        await teams.until("dora", chat, answer(said, "Good day."))
        alone = await teams.say("dora", chat, "", attachments=[image])
        await teams.until("dora", chat, answer(alone, "That did not work", "cannot look at images"))
