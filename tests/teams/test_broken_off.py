"""An answer that was growing when its host was killed: nothing goes on growing, and the whole is told once."""

import asyncio

import pytest

from tests.teams.conftest import anew
from tests.teams.pair import Pair
from tests.teams.seeing import answer, behind


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.streams.killed")
async def test_what_was_growing_when_its_host_was_killed_is_ended_and_the_answer_comes(pair: Pair) -> None:
    teams = pair.teams
    await pair.use("a")
    await pair.up("b")
    chat = await anew(teams, "alice")
    said = await teams.say("alice", chat, "think for long")
    async with asyncio.timeout(20):
        while not await pair.query("select 1 from teams_tasks where shown <> '' and reply_to = $1", said.activity):
            await asyncio.sleep(0.02)
    assert answer(said, growing=True)(await teams.seen("alice", chat)) is not None
    await pair.down("a", kill=True)
    await teams.until("alice", chat, answer(said, "That was long."), 90)
    ended = await teams.until("alice", chat, answer(said, "It comes as a message of its own"))
    assert any(state.get("type") == "typing" for state in ended.history), "another message says so"
    found = behind(await teams.seen("alice", chat), said)
    assert not any(message.growing for message in found)
    assert sum("That was long." in message.text for message in found) == 1
    await pair.use("a")
