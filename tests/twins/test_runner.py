"""The twins as the child process that the host starts."""

import asyncio
import json
import signal
import socket
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SECONDS = 30
SANDBOX = """
from aiohttp import web

def app(folder, verify):
    async def told(request):
        try:
            claims = await verify(request.query["token"])
        except PermissionError as refusal:
            return web.json_response({"folder": str(folder), "refusal": str(refusal)})
        return web.json_response({"folder": str(folder), "caller": claims["oid"]})

    application = web.Application()
    application.router.add_get("/told", told)
    return application
"""


async def begun(folder: Path, *arguments: str) -> Process:
    command = [sys.executable, "-m", "charter.twins", "--folder", str(folder), *arguments]
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)


async def line_of(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(await asyncio.wait_for(process.stdout.readline(), SECONDS))


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncIterator[tuple[Process, dict[str, Any]]]:
    process = await begun(folder, *arguments)
    try:
        yield process, await line_of(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def refusal(folder: Path, *arguments: str) -> str:
    """Return the one sentence with which the child gives up."""
    process = await begun(folder, *arguments)
    told, said = await asyncio.wait_for(process.communicate(), SECONDS)
    assert (process.returncode, told) == (2, b"")
    (sentence,) = said.decode().splitlines()
    return sentence


async def read(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        return await response.json()


async def person(entra: str, scope: str) -> str:
    form = {"grant_type": "password", "client_id": "charter-cli", "username": "alice", "scope": scope}
    async with aiohttp.ClientSession() as http, http.post(f"{entra}/contoso/oauth2/v2.0/token", data=form) as response:
        return (await response.json())["access_token"]


@pytest.mark.promise("twins.runner")
async def test_one_line_says_where_all_listens_and_the_end_of_input_ends_it(tmp_path: Path) -> None:
    for name in ("people", "procurement"):
        (tmp_path / f"{name}.py").write_text(SANDBOX, "utf-8")
    sandboxes = [part for name in ("people", "procurement") for part in ("--sandbox", f"{name}={tmp_path}/{name}.py")]
    async with running(tmp_path / "twins", *sandboxes) as (process, places):
        assert places.keys() == {
            "entra", "entra_tls", "customers", "key_vault", "drive", "ai_search", "bot_connector", "ca_file", "sandboxes"
        }  # fmt: skip
        assert places["sandboxes"].keys() == {"people", "procurement"}
        assert all(url.startswith("http://localhost:") for url in (places["entra"], *places["sandboxes"].values()))
        metadata = await read(f"{places['entra']}/contoso/v2.0/.well-known/openid-configuration")
        assert metadata["issuer"] == f"{places['entra']}/contoso/v2.0"
        token = await person(places["entra"], "api://people/access_as_user")
        told = await read(f"{places['sandboxes']['people']}/told?token={token}")
        assert told["caller"] == "alice"
        assert Path(told["folder"]).is_dir()
        told = await read(f"{places['sandboxes']['procurement']}/told?token={token}")
        assert "udience" in told["refusal"]
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0


@pytest.mark.promise("twins.tls")
async def test_the_entra_twin_is_one_and_the_same_over_tls(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, places), aiohttp.ClientSession() as http:
        trusting = ssl.create_default_context(cafile=places["ca_file"])
        async with http.get(f"{places['entra_tls']}/contoso/v2.0/.well-known/openid-configuration", ssl=trusting) as it:
            secure = await it.json()
        plain = await read(f"{places['entra']}/contoso/v2.0/.well-known/openid-configuration")
        assert secure["issuer"] == plain["issuer"]
        assert secure["token_endpoint"] == f"{places['entra_tls']}/contoso/oauth2/v2.0/token"
        assert plain["token_endpoint"] == f"{places['entra']}/contoso/oauth2/v2.0/token"
        async with http.get(secure["jwks_uri"], ssl=trusting) as it:
            assert await it.json() == await read(plain["jwks_uri"])


@pytest.mark.promise("twins.runner")
async def test_from_a_given_port_on_one_follows_the_other(tmp_path: Path) -> None:
    (tmp_path / "people.py").write_text(SANDBOX, "utf-8")
    async with running(tmp_path, "--port", str(free(8)), "--sandbox", f"people={tmp_path}/people.py") as (_, places):
        names = ("entra", "entra_tls", "customers", "key_vault", "drive", "ai_search", "bot_connector")
        urls = [*(places[name] for name in names), places["sandboxes"]["people"]]
        first, *others = [int(url.rsplit(":", 1)[1]) for url in urls]
        assert others == [first + 1, first + 2, first + 3, first + 4, first + 5, first + 6, first + 7]


def free(count: int) -> int:
    """Return the first of so many ports in a row that nobody has, as far as one can tell."""
    for port in range(21_000, 30_000, count):
        try:
            for each in range(port, port + count):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no ports are free")


@pytest.mark.promise("twins.runner")
async def test_it_goes_on_through_ctrl_c_and_ends_with_sigterm(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, places):
        process.send_signal(signal.SIGINT)
        assert await read(f"{places['entra']}/_twin/people")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), SECONDS) == 0


@pytest.mark.promise("twins.runner")
async def test_the_host_brings_its_own_secret_and_token_lifetimes_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the host's own secret\n", "utf-8")
    arguments = ["--client-secret-file", str(tmp_path / "secret"), "--token-lifetime", "90"]
    async with running(tmp_path / "twins", *arguments) as (_, places):
        form = {
            "grant_type": "client_credentials",
            "client_id": "charter-host",
            "client_secret": "the host's own secret",
            "scope": "api://people/.default",
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{places['entra']}/contoso/oauth2/v2.0/token", data=form) as response,
        ):
            assert (response.status, (await response.json())["expires_in"]) == (200, 89)


@pytest.mark.promise("twins.port")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_a_port_in_use_is_said_in_one_sentence(family: socket.AddressFamily, tmp_path: Path) -> None:
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]
        sentence = await refusal(tmp_path, "--port", str(port))
    assert f"Port {port}" in sentence
    assert "in use" in sentence
    assert "CHARTER_PORT" in sentence


@pytest.mark.promise("twins.runner")
async def test_a_sandbox_that_does_not_start_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n", "utf-8")
    (tmp_path / "empty.py").write_text("def app(folder, verify):\n    return None\n", "utf-8")
    assert "nowhere_to_be_found" in await refusal(tmp_path / "twins", "--sandbox", f"rates={tmp_path}/broken.py")
    assert "The sandbox of rates" in await refusal(tmp_path / "twins", "--sandbox", f"rates={tmp_path}/empty.py")
    assert "absent.py" in await refusal(tmp_path / "twins", "--sandbox", f"rates={tmp_path}/absent.py")
    assert "name=path" in await refusal(tmp_path / "twins", "--sandbox", "../rates")
    assert "secret" in await refusal(tmp_path / "twins", "--client-secret-file", str(tmp_path / "secret"))
