"""A model that breaks off in the middle of its answer: what was shown is not taken for the answer, which comes anew."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.running import running_host
from tests.runs.endpoints import Endpoint, Plays, endpoint
from tests.teams.conftest import AGENT, Delegated, anew, teams_of
from tests.teams.seeing import answer, behind

BROKEN = tuple(f"one{n} " for n in range(9))
WHOLE = tuple(f"two{n} " for n in range(9))


@pytest.fixture
async def two_models(tmp_path: Path) -> AsyncIterator[tuple[Delegated, Endpoint, Endpoint]]:
    async with endpoint("one") as one, endpoint("two") as two:
        tier = (one.deployment(), two.deployment(priority=1))
        async with running_host(tmp_path, models={"standard": tier}, teams=AGENT) as host:
            yield Delegated(host, await teams_of(host)), one, two


@pytest.mark.promise("teams.withdrawn")
async def test_an_answer_that_breaks_off_is_given_anew_as_a_message(
    two_models: tuple[Delegated, Endpoint, Endpoint],
) -> None:
    delegated, one, two = two_models
    teams, chat = delegated.teams, await anew(delegated.teams, "alice")
    seen = asyncio.Event()
    one.on("tell me", Plays(BROKEN, cut=6, pause=0.5, until=seen))
    two.on("tell me", Plays(WHOLE, pause=0.05))
    said = await teams.say("alice", chat, "tell me")
    await teams.until("alice", chat, answer(said, "one0 one1", growing=True))
    seen.set()
    whole = await teams.until("alice", chat, answer(said, "".join(WHOLE).strip()))
    assert "one0" not in whole.words
    assert all(state["type"] == "message" for state in whole.history)
    broken = await teams.until("alice", chat, answer(said, "one0 one1", "begins anew"))
    assert "two0" not in broken.words
    assert len(behind(await teams.seen("alice", chat), said)) == 2
