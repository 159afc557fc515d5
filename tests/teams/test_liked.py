"""What people think of an answer is kept with its run, and operators read it."""

import random

import pytest

from tests.teams.conftest import Delegated, anew
from tests.teams.seeing import answer


async def thought_of(delegated: Delegated, text: str) -> tuple[str, str, str] | None:
    """Return who thought what of the answer to this, and why, as an operator reads it."""
    runs = (await delegated.host.call("carol", "GET", "/v1/runs?limit=20")).body["items"]
    (run,) = [run for run in runs if run["input"] == text]
    told = await delegated.host.call("carol", "GET", f"/v1/runs/{run['id']}/feedback")
    return (told.body["principal"], told.body["reaction"], told.body["reason"]) if told.status == 200 else None


@pytest.mark.promise("teams.feedback")
async def test_a_like_and_a_dislike_with_its_reason_are_kept_with_the_run(delegated: Delegated) -> None:
    teams, chat, text = delegated.teams, await anew(delegated.teams, "alice"), f"hello {random.randrange(10**9)}"
    said = await teams.say("alice", chat, text)
    message = await teams.until("alice", chat, answer(said, "Good day."))
    assert (await teams.feedback("alice", chat, message.id, "like")).status == 200
    assert await thought_of(delegated, text) == ("alice", "like", "")
    await teams.feedback("alice", chat, message.id, "dislike", "It says nothing.")
    assert await thought_of(delegated, text) == ("alice", "dislike", "It says nothing.")


@pytest.mark.promise("teams.feedback")
async def test_what_others_in_a_group_think_of_somebodys_answer_is_not_kept(delegated: Delegated) -> None:
    teams, text = delegated.teams, f"hello {random.randrange(10**9)}"
    for person in ("alice", "dora"):
        await anew(teams, person)
    group = await teams.group("alice", "dora")
    said = await teams.say("alice", group, text, mention=True)
    message = await teams.until("dora", group, answer(said, "Good day."))
    assert (await teams.feedback("dora", group, message.id, "dislike", "Not for me.")).status == 200
    assert await thought_of(delegated, text) is None
    await teams.feedback("alice", group, message.id, "like", "For me.")
    assert await thought_of(delegated, text) == ("alice", "like", "For me.")
