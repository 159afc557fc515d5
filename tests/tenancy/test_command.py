"""What the commands say where something is wrong: a sentence and what to do, and never a traceback."""

import asyncio
import sys
from pathlib import Path

import orjson
import pytest

from charter.settings import HOUSE, process_environment
from tests.running import WAIT_SECONDS, RunningHost
from tests.tenancy.adatum import created


async def _refused(folder: Path, *arguments: str, said: bytes = b"", **more: str) -> str:
    """Run a command that fails; return what it says on standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", *arguments, cwd=HOUSE,
        env={**process_environment(), "CHARTER_DATA_DIR": str(folder), **more},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate(said), 2 * WAIT_SECONDS)
    assert process.returncode == 2, told
    assert b"Traceback" not in told
    return told.decode()


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The data folder of a host that has gone."""
    gone = {"address": "http://localhost:1", "entra": "http://localhost:1", "plugins": {}, "database": ""}
    gone |= {"vault": "https://localhost:1", "ca_file": "gone.pem", "external": {}}
    (tmp_path / "host.json").write_bytes(orjson.dumps(gone))
    return tmp_path


@pytest.mark.promise("tenants.command")
async def test_the_commands_say_which_field_is_wrong_and_name_the_command(host: RunningHost) -> None:
    told = await _refused(host.folder, "tenants", "set", "fabrikam", '{"agents": ["broker"], "knowledge": ["secrets"]}')
    assert "/settings/agents/0" in told
    assert "/settings/knowledge/0" in told
    unknown = await _refused(host.folder, "tenants", "suspend", "nobody", "--reason", "None.")
    assert "charter tenants list" in unknown
    assert "GET /v1" not in unknown
    assert "Give SETTINGS, --name or --directory." in await _refused(host.folder, "tenants", "set", "fabrikam")
    taken = ("tenants", "create", "fabrikam", "--name", "Other", "--directory", "other")
    assert "charter tenants set" in await _refused(host.folder, *taken)


@pytest.mark.promise("tenants.command")
async def test_a_tenant_is_renamed_and_moved_from_a_terminal(host: RunningHost) -> None:
    adatum = await created(host)
    moved = ("--name", "Adatum Ltd", "--directory", f"{adatum.id}-moved")
    told = await host.command("tenants", "set", adatum.id, *moved, "--json")
    assert (told["name"], told["directory"]) == ("Adatum Ltd", f"{adatum.id}-moved")


@pytest.mark.promise("tenants.command")
async def test_an_export_that_cannot_be_written_leaves_nothing(host: RunningHost, tmp_path: Path) -> None:
    adatum, file = await created(host), tmp_path / "adatum.ndjson"
    assert "is a directory" in await _refused(host.folder, "tenants", "export", adatum.id, "--to", str(tmp_path))
    nowhere = tmp_path / "no" / "such.ndjson"
    assert "cannot be written" in await _refused(host.folder, "tenants", "export", adatum.id, "--to", str(nowhere))
    await _refused(host.folder, "tenants", "export", "nobody", "--to", str(file))
    assert list(tmp_path.iterdir()) == []
    await host.command("tenants", "export", adatum.id, "--to", str(file), "--json")
    assert (list(tmp_path.iterdir()), file.stat().st_mode & 0o777) == ([file], 0o600)


@pytest.mark.promise("tenants.command")
@pytest.mark.parametrize(
    "command", [("tenants", "list"), ("token", "--as", "alice"), ("run", "buyer", "x"), ("secrets", "list")]
)
async def test_commands_for_the_local_host_say_so_elsewhere_and_where_it_has_gone(
    stopped: Path, command: tuple[str, ...]
) -> None:
    assert "works with the local host only" in await _refused(stopped, *command, CHARTER_PROFILE="azure")
    assert "The host at http://localhost:1 does not answer." in await _refused(stopped, *command)


@pytest.mark.promise("secrets.terminal")
@pytest.mark.parametrize(("said", "sentence"), [(b"\xff\xfe", "not text in UTF-8"), (b"x" * 25_601, "25,600 bytes")])
async def test_a_value_that_no_vault_keeps_is_refused_before_it_is_sent(
    stopped: Path, said: bytes, sentence: str
) -> None:
    assert sentence in await _refused(stopped, "secrets", "set", "key", "--from-stdin", said=said)
