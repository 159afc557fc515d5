"""Live text that is withdrawn, as followers in other processes hear it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from charter.runs.following import Followers, News, Voice
from charter.runs.outlet import CHANNEL, WITHDRAWN, Outlet
from tests.running import WAIT_SECONDS


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[tuple[Followers, Followers]]:
    here, elsewhere = Followers(database_url), Followers(database_url)
    await here.open()
    await elsewhere.open()
    yield here, elsewhere
    await here.close()
    await elsewhere.close()


@pytest.mark.promise("models.failover")
async def test_what_is_withdrawn_here_is_withdrawn_for_followers_in_other_processes(
    two: tuple[Followers, Followers],
) -> None:
    here, elsewhere = two
    queue: asyncio.Queue[News] = asyncio.Queue()
    voice = Voice(here, "run_w", expected=False)
    with elsewhere.hear("run_w", queue):
        async with asyncio.timeout(WAIT_SECONDS):
            while not here.followed("run_w"):
                await asyncio.sleep(0.02)
            assert voice.begin()
            await voice.say("half an ans")
            assert await queue.get() == "half an ans"
            await voice.withdraw()
            await voice.say("the whole ")
            await voice.say("answer")
            await voice.end()
            assert await queue.get() is None
            heard = ""
            while heard != "the whole answer":
                heard += str(await queue.get())


@pytest.mark.promise("models.failover")
def test_what_was_not_sent_yet_is_not_sent_once_it_is_withdrawn() -> None:
    outlet = Outlet("p")
    outlet.add("run", "half")
    outlet.withdraw("run")
    outlet.add("run", "whole")
    assert outlet.due() == [(WITHDRAWN, "p:run"), (CHANNEL, "p:run:whole")]
