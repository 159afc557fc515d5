"""Buttons that go on with something: what was said with it goes along, and whoever presses twice means it once."""

import random
from collections.abc import AsyncIterator

import pytest

from charter.settings import Teams as TeamsSettings
from tests.running import running_host
from tests.teams.conftest import Delegated, teams_of
from tests.teams.seeing import answer, behind, reply
from tests.teams.store import store


@pytest.fixture(scope="module")
async def free(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Delegated]:
    """A host on which no agent answers whoever has not chosen one."""
    async with running_host(tmp_path_factory.mktemp("free"), teams=TeamsSettings()) as host:
        yield Delegated(host, await teams_of(host))


async def inputs(free: Delegated, person: str, text: str) -> int:
    runs = (await free.host.call(person, "GET", "/v1/runs?limit=50")).body["items"]
    return sum(run["input"] == text for run in runs)


@pytest.mark.timeout(300)
@pytest.mark.promise("teams.pressed.once")
async def test_an_agent_that_is_chosen_twice_gets_the_request_once_with_its_file(free: Delegated) -> None:
    teams, text = free.teams, f"what is in the file {random.randrange(10**6)}"
    chat = await teams.personal("alice")
    async with store() as drive:
        content = {"downloadUrl": drive.put("/notes.txt", b"The lobby screen flickers."), "fileType": "txt"}
        kind = "application/vnd.microsoft.teams.file.download.info"
        file = {"contentType": kind, "name": "notes.txt", "content": content}
        said = await teams.say("alice", chat, text, attachments=[file])
        asked = await teams.until("alice", chat, answer(said, "Who should take this?", text))
        await teams.click("alice", chat, asked.id, "Employee assistant")
        await teams.until("alice", chat, answer(said, "The lobby screen flickers."))
    await teams.until("alice", chat, answer(said, "I have read notes.txt."))
    again = [await teams.click("alice", chat, asked.id, title) for title in ("Employee assistant", "Buyer")]
    for pressed in again:
        await teams.until("alice", chat, reply(pressed, "That has begun already"))
    assert await inputs(free, "alice", text) == 1


@pytest.mark.promise("teams.pressed.once")
async def test_what_is_tried_again_twice_is_tried_once(free: Delegated) -> None:
    teams, text = free.teams, f"overloaded {random.randrange(10**6)}"
    chat = await teams.personal("dora")
    new = await teams.say("dora", chat, "/new employee assistant")
    await teams.until("dora", chat, answer(new, "begin anew"))
    said = await teams.say("dora", chat, text)
    failed = await teams.until("dora", chat, answer(said, "That did not work"))
    _, again = [await teams.click("dora", chat, failed.id, "Try again") for _ in range(2)]
    await teams.until("dora", chat, reply(again, "That has begun already"))
    assert await inputs(free, "dora", text) == 2
    failures = [m for m in behind(await teams.seen("dora", chat), said) if "Reference" in m.words]
    assert len({m.id for m in failures}) <= 2
