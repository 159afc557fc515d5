"""The session key of an installation is changed while runs wait: a new one is put before the old one, and nothing is lost."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.running import running_host

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.mark.promise("identity.rekeyed")
async def test_a_run_that_waits_outlives_a_change_of_the_session_key(tmp_path: Path) -> None:
    async with running_host(tmp_path, session_key=SecretStr(OLD)) as before:
        first, second = [await before.ask("alice", "buyer", f"Order a desk {n} for 1,450 EUR") for n in range(2)]
    async with running_host(tmp_path, session_key=SecretStr(f"{NEW},{OLD}")) as between:
        assert (await between.decide("bob", await between.pending("bob", first["id"]), "approve")).status == 200
        assert (await between.settled("alice", first["id"], "completed"))["effects"][0]["outcome"] == "done"
    # What was used meanwhile is sealed with the new one; the old one can go.
    async with running_host(tmp_path, session_key=SecretStr(NEW)) as after:
        assert (await after.decide("bob", await after.pending("bob", second["id"]), "approve")).status == 200
        assert (await after.settled("alice", second["id"], "completed"))["effects"][0]["outcome"] == "done"
