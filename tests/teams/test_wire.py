"""An answer on its way to a person's screen: whatever befalls the wire, it arrives, and it arrives once."""

import asyncio
import random
from typing import Any

import pytest

from tests.running import WAIT_SECONDS
from tests.teams.client import Teams
from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer, behind
from tests.teams.views import Message, View

STORY = "Once upon a time there was a governed host, and every run in it could be followed to its end."
NOT_ALLOWED = {"error": {"code": "ContentStreamNotAllowed", "message": "Content stream is not allowed"}}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "alice": ("final", {"status": 429, "retry_after": 1, "times": 2}),
    "bob": ("final", {"status": 429, "retry_after": 9}),
    "carol": ("final", {"status": 403, "body": NOT_ALLOWED, "times": 100}),
    "dora": ("final", {"status": 502, "after": True}),
    "frank": ("stream", {"status": 403, "body": NOT_ALLOWED, "times": 100}),
    "mona": ("stream", {"status": 500, "times": 100}),
}


def marked(words: str) -> str:
    return f"{words} ({random.randrange(10**9)})"


async def run_of(delegated: Delegated, person: str, text: str, *status: str) -> dict[str, Any]:
    """Return the run of this message, once it has such a status."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            runs = (await delegated.host.call(person, "GET", "/v1/runs?limit=20")).body["items"]
            if found := [run for run in runs if run["input"] == text and run["status"] in status]:
                return found[0]
            await asyncio.sleep(0.1)


async def told(teams: Teams, person: str, text: str) -> tuple[str, list[Message]]:
    """Say something whose answer is the story; return all that is left of it once nothing grows any more."""
    chat = await anew(teams, person)
    operation, fault = FAULTS[person]
    await teams.fault(operation, conversation=chat, **fault)
    said = await teams.say(person, chat, text)

    def settled(view: View) -> list[Message] | None:
        found = behind(view, said)
        return found if not any(message.growing for message in found) and answer(said, STORY)(view) else None

    return person, await teams.until(person, chat, settled, 40)


@pytest.mark.promise("teams.wire")
async def test_whatever_befalls_a_stream_its_answer_is_there_once(delegated: Delegated) -> None:
    teams = delegated.teams
    try:
        async with asyncio.TaskGroup() as group:
            telling = [group.create_task(told(teams, person, "tell me a long story")) for person in FAULTS]
    finally:
        await teams.heal()
    for person, messages in (task.result() for task in telling):
        assert [message.words for message in messages if "Hello" not in message.words] == [STORY], FAULTS[person]


@pytest.mark.promise("teams.wire")
async def test_a_stream_that_teams_ends_for_its_length_becomes_one_message(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "dora")
    await teams.limits(stream_seconds=1)
    try:
        said = await teams.say("dora", chat, "take your time, and think for long")
        await teams.until("dora", chat, answer(said, "Here it is, after some time."))
    finally:
        await teams.limits(stream_seconds=120)
    found = behind(await teams.seen("dora", chat), said)
    assert [message.words for message in found] == ["Here it is, after some time."]


@pytest.mark.promise("teams.stop")
async def test_stop_cancels_the_turn_of_a_model_that_thinks_and_says_so(delegated: Delegated) -> None:
    teams, chat, text = delegated.teams, await anew(delegated.teams, "dora"), marked("think for ages")
    said = await teams.say("dora", chat, text)
    await teams.until("dora", chat, lambda view: any(each.growing for each in behind(view, said)))
    assert await teams.stop("dora", chat)
    await teams.until("dora", chat, answer(said, "It is stopped"))
    run = await run_of(delegated, "dora", text, "cancelled")
    steps = await delegated.host.timeline("dora", run["id"])
    assert [step["status"] for step in steps if step["type"] == "model"] in ([], ["failed"])
    again = await teams.say("dora", chat, "hello")
    greeting = await teams.until("dora", chat, answer(again, "Good day."))
    assert any(state["type"] == "typing" for state in greeting.history), "nothing is streamed any more"
    assert answer(said, "That took ages.")(await teams.seen("dora", chat)) is None


@pytest.mark.promise("teams.slow")
async def test_a_slow_model_holds_no_request_and_its_answer_comes(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "frank")
    await teams.forget()
    said = await teams.say("frank", chat, "think for ages")
    meanwhile = [await teams.say("frank", chat, "hello") for _ in range(2)]
    for each in meanwhile:
        await teams.until("frank", chat, answer(each, "Good day."))
    assert answer(said, "That took ages.", growing=True)(await teams.seen("frank", chat)) is None
    found = await teams.until("frank", chat, answer(said, "That took ages."), 40)
    assert any(state.get("type") == "typing" for state in found.history), "it was not streamed"
    assert sum("That took ages." in message.words for message in behind(await teams.seen("frank", chat), said)) == 1
    posts = await teams.record(kind="posted")
    assert max(post["seconds"] for post in posts) < 10  # the model takes longer
    assert {post["status"] for post in posts} <= {200}


@pytest.mark.promise("teams.first")
async def test_within_two_seconds_a_person_sees_that_something_is_done(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "mona")
    waits: list[float] = []
    for _ in range(5):
        said = await teams.say("mona", chat, "hello")
        await teams.until("mona", chat, answer(said, "Good day."))
        began = next(p["at"] for p in await teams.record(kind="posted") if p["activity"].get("id") == said.activity)
        signs = {"stream", "typing", "send"}
        shown = [a["at"] for a in await teams.record(kind="asked", conversation=chat) if a["operation"] in signs]
        waits.append(min(at for at in shown if at > began) - began)
    assert sorted(waits)[1] < 2, waits


@pytest.mark.promise("teams.first")
async def test_who_writes_again_while_an_answer_grows_is_answered_beside_it(delegated: Delegated) -> None:
    teams, chat = delegated.teams, await anew(delegated.teams, "mona")
    first = await teams.say("mona", chat, "think for long")
    await teams.until("mona", chat, lambda view: any(each.growing for each in behind(view, first)))
    second = await teams.say("mona", chat, "hello")
    beside = await teams.until("mona", chat, answer(second, "Good day."))
    assert all(state["type"] == "message" for state in beside.history), "two answers grew at once"
    await teams.until("mona", chat, answer(first, "That was long."), 40)
    runs = (await delegated.host.call("mona", "GET", "/v1/runs?limit=2")).body["items"]
    assert len({run["thread"] for run in runs}) == 1
