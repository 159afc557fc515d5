from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.secrets.running import RunningVault, running_vault
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]


@pytest.fixture
async def vault(twin: RunningTwin, tmp_path: Path) -> AsyncIterator[RunningVault]:
    async with running_vault(twin, tmp_path / "vaulted") as running:
        yield running
