"""Employees delegate in Teams: they write, an agent answers."""

import pytest

from tests.teams.conftest import Delegated


@pytest.mark.promise("teams.answer")
async def test_what_somebody_writes_is_answered_with_their_own_authority(delegated: Delegated) -> None:
    teams = delegated.teams
    chat = await teams.personal("alice")
    said = await teams.say("alice", chat, "How many days of annual leave do I have left?")
    assert [answer.status for answer in said.answers] == [200]
    answer = await teams.answered(said)
    assert "days of annual leave left" in answer.text
