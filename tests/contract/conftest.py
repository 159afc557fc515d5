from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from charter.local import twins
from charter.local.twins import Twins
from tests.contract.services import Entra, of_azure, of_twins
from tests.twins.running import RunningTwin


@dataclass(frozen=True, slots=True)
class Running:
    """The twins as a laptop has them: one child process."""

    twins: Twins
    folder: Path


@pytest.fixture(scope="session")
async def twins_running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("twins")
    (folder / "secret").write_text("the host's own secret", "utf-8")
    running = await twins.start(folder, port=0, sandboxes={}, secret_file=folder / "secret")
    try:
        yield Running(running, folder)
    finally:
        await running.stop()


@pytest.fixture(params=["twin", "azure"])
def entra(request: pytest.FixtureRequest, twins_running: Running) -> Entra:
    """The Entra ID under contract: the twin, or the real one."""
    return of_twins(twins_running.twins, twins_running.folder) if request.param == "twin" else of_azure()


@pytest.fixture
def twin_entra(twins_running: Running) -> Entra:
    return of_twins(twins_running.twins, twins_running.folder)


@pytest.fixture
async def levers(twins_running: Running) -> AsyncIterator[RunningTwin]:
    """The levers of the Entra twin that ``twin_entra`` is."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield RunningTwin(twins_running.twins.entra, twins_running.folder / "entra", http)
