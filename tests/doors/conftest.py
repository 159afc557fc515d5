from collections.abc import AsyncIterator, Iterator

import pytest

from tests.doors.world import World, world_of
from tests.running import RunningHost
from tests.teams.issuer import BotIssuer


@pytest.fixture(scope="session")
async def world(host: RunningHost, connector: BotIssuer) -> AsyncIterator[World]:
    """One world for the whole matrix: each attack leaves it as it was."""
    assert host.inner is not None
    async with world_of(host, connector, host.inner.settings.database.url, "seen-by-contoso") as made:
        yield made


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Hold that nothing the host logs meanwhile has a token in it: each begins with ``{"`` in base64."""
    caplog.set_level("DEBUG")
    yield
    heard = capsys.readouterr()
    told = caplog.text + heard.out + heard.err
    assert "eyJ" not in told, told[max(0, told.index("eyJ") - 500) :][:1_000]
