"""The doctor on a running host, on a broken one, on an empty house, and on what the azure profile would run with."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from charter.settings import HOUSE, process_environment
from tests.posture.production import GOOD, folders
from tests.running import WAIT_SECONDS, RunningHost
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]


async def doctor(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "doctor", *arguments, cwd=HOUSE,
        env={**process_environment(), **environment}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 2 * WAIT_SECONDS)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def findings(**environment: str) -> tuple[int, dict[str, Any]]:
    code, said = await doctor("--json", **environment)
    return code, orjson.loads(said)


def states(told: dict[str, Any]) -> dict[str, str]:
    return {finding["name"]: finding["state"] for finding in told["findings"]}


@pytest.mark.promise("posture.doctor")
async def test_a_running_laptop_is_in_order_and_says_what_nobody_looked_at(host: RunningHost) -> None:
    code, told = await findings(CHARTER_DATA_DIR=str(host.folder))
    found = states(told)
    in_order = {
        "identity.contoso",
        "identity.customers",
        "host.fabrikam",
        "directory.contoso",
        "on-behalf-of",
        "database",
    }
    assert {name for name in in_order if found.get(name) != "ok"} == set(), told
    assert found["plugins.people"] == "ok"
    assert found["models.standard"] == "unproven"
    assert code == 0
    assert told["failed"] == 0
    assert (told["passed"], told["skipped"]) == (
        list(found.values()).count("ok"),
        list(found.values()).count("unproven"),
    )


@pytest.mark.promise("models.prices")
async def test_a_deployment_without_a_price_is_named() -> None:
    tier = [
        {"kind": "openai", "name": "own", "model": "m", "base_url": "http://127.0.0.1:9/v1"},
        {"kind": "openai", "name": "listed", "model": "gpt-4.1", "api_key": "k"},
    ]
    said = orjson.dumps(tier).decode()
    _, told = await findings(CHARTER_MODELS__STANDARD=said, CHARTER_COSTS__RATES='{"USD": "0.9"}')
    found = states(told)
    assert (found["prices.standard.own"], found["prices.standard.listed"]) == ("unproven", "ok")


@pytest.mark.promise("posture.doctor")
async def test_what_does_not_answer_is_refused_and_the_rest_is_still_looked_at(
    host: RunningHost, tmp_path: Path
) -> None:
    told = orjson.loads((host.folder / "host.json").read_bytes())
    (tmp_path / "host.json").write_bytes(
        orjson.dumps({**told, "plugins": {**told["plugins"], "people": "http://localhost:1"}, "database": "postgresql:///x?host=/nowhere"})
    )  # fmt: skip
    (tmp_path / "keys").symlink_to(host.folder / "keys")
    code, said = await findings(CHARTER_DATA_DIR=str(tmp_path))
    found = states(said)
    assert (found.get("plugins.people"), found.get("database")) == ("refused", "refused"), said
    assert (found["plugins.procurement"], found["identity.contoso"]) == ("ok", "ok")
    assert code == 1


@pytest.mark.promise("posture.doctor")
async def test_a_host_that_the_identity_provider_does_not_know_is_refused(
    twin: RunningTwin, tmp_path: Path, database_url: str
) -> None:
    file = tmp_path / "settings.yaml"
    identity = {
        "authority": twin.url,
        "graph": f"{twin.url}/graph",
        "client_secret": "wrong",
        "tenants": {"contoso": "contoso"},
    }
    file.write_text(yaml.safe_dump({"profile": "azure", "identity": identity, "database": {"url": database_url}}))
    _, told = await findings(CHARTER_SETTINGS=str(file), CHARTER_DATA_DIR=str(tmp_path))
    found = states(told)
    assert (found["identity.contoso"], found["host.contoso"], found["on-behalf-of"]) == ("ok", "refused", "unproven")
    assert "wrong" not in str([each for each in told["findings"] if each["name"] == "host.contoso"])


@pytest.mark.promise("posture.doctor")
async def test_of_a_host_that_has_gone_it_is_said_once(tmp_path: Path) -> None:
    gone = {"address": "http://localhost:1", "entra": "http://localhost:1"}
    (tmp_path / "host.json").write_bytes(orjson.dumps(gone))
    _, told = await findings(CHARTER_DATA_DIR=str(tmp_path))
    assert states(told)["host"] == "unproven"
    assert told["failed"] == 0, told


@pytest.mark.promise("posture.doctor")
async def test_an_empty_house_is_never_green(tmp_path: Path) -> None:
    agents, plugins = folders(tmp_path, agents=False)
    code, said = await doctor(
        CHARTER_SHIPPED="false", CHARTER_AGENTS_DIRS=str(agents), CHARTER_PLUGINS_DIRS=str(plugins),
        CHARTER_DATA_DIR=str(tmp_path), CHARTER_PLUGIN_URLS__MARKET="https://market.contoso.example",
    )  # fmt: skip
    assert code == 1
    assert "There is no agent" in said
    assert "REFUSED" in said


@pytest.mark.promise("posture.doctor")
async def test_in_the_azure_profile_each_refusal_stands_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({**GOOD, "session_key": "", "identity": {**GOOD["identity"], "authority": ""}}))
    code, said = await doctor(CHARTER_SETTINGS=str(file))
    assert code == 1
    assert "CHARTER_SESSION_KEY" in said
    assert "keyvault:charter-session-key" in said
    assert "Entra tenants whose tokens are believed: 1." in said
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "serve", cwd=HOUSE, stderr=asyncio.subprocess.PIPE,
        env={**process_environment(), "CHARTER_SETTINGS": str(file), "CHARTER_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    _, why = await asyncio.wait_for(started.communicate(), WAIT_SECONDS)
    assert started.returncode == 2
    assert "The azure profile does not start: " in why.decode()
    assert "CHARTER_SESSION_KEY" in why.decode()
