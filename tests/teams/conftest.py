"""A host as on any laptop, with the door of Teams open, and the people who use it there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from charter.settings import Teams as TeamsSettings
from tests.running import RunningHost, running_host
from tests.teams.client import Teams
from tests.teams.pair import Pair, pair_in
from tests.teams.seeing import reply

AGENT = TeamsSettings(agent="employee_assistant")


@dataclass(slots=True)
class Delegated:
    """A host and the Teams that its people use."""

    host: RunningHost
    teams: Teams


async def teams_of(host: RunningHost) -> Teams:
    """Return the Teams of a running host, whose bot it is from now on."""
    told = orjson.loads((host.folder / "host.json").read_bytes())
    teams = Teams(told["teams"], host.http)
    await teams.bot(f"{host.address}/api/messages")
    return teams


async def anew(teams: Teams, person: str, agent: str = "", *, chat: str = "") -> str:
    """Return somebody's chat, in which they are signed in and begin anew, with that agent."""
    chat = chat or await teams.personal(person)
    said = await teams.say(person, chat, f"/new {agent}")
    await teams.until(person, chat, reply(said, "begin anew"))
    return chat


@pytest.fixture(scope="package")
async def delegated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Delegated]:
    folder: Path = tmp_path_factory.mktemp("teams")
    async with running_host(folder, knowledge=True, teams=AGENT) as host:
        yield Delegated(host, await teams_of(host))


@pytest.fixture(scope="package")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair_in(tmp_path_factory.mktemp("pair")) as made:
        yield made
