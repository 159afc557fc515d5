"""A real host on free ports, as the tests use it: REST as a person, and the sandboxes' own ledgers."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

import host
from charter import settings
from charter.local import keys, whereabouts
from charter.local.people import People

HOUSE = Path(__file__).resolve().parent.parent
SCRIPT = HOUSE / "tests" / "data" / "script.yaml"
WAIT_SECONDS = 30
SHUT = settings.Teams(enabled=False)


@dataclass(slots=True)
class Answer:
    """A response: status, headers and the JSON body."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class RunningHost:
    """A host, reached as people reach it: over HTTP with a token of the Entra twin.

    ``inner`` is the host itself where it runs in this process; only one can, since its segment queue is one per process.
    """

    address: str
    entra: str
    plugins: Mapping[str, str]
    people: People
    http: aiohttp.ClientSession
    folder: Path
    inner: host.Host | None = None
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    async def token(self, name: str) -> str:
        if name not in self.tokens:
            self.tokens[name] = await self.people.sign_in(name)
        return self.tokens[name]

    async def call(self, name: str | None, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request as that person (``None``: without a token)."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if name is not None:
            sent["Authorization"] = f"Bearer {await self.token(name)}"
        async with self.http.request(method, self.address + path, json=body, headers=sent) as response:
            raw = await response.read()
            return Answer(response.status, response.headers, orjson.loads(raw) if raw else None)

    async def ask(self, name: str, agent: str, text: str, **more: Any) -> dict[str, Any]:
        """Start a run, wait until it is settled, and return it."""
        answer = await self.call(
            name, "POST", "/v1/runs", {"agent": agent, "input": text, **more}, Prefer=f"wait={WAIT_SECONDS}"
        )
        assert answer.status == 200, answer.body
        return answer.body

    async def run(self, name: str, run_id: str) -> dict[str, Any]:
        return (await self.call(name, "GET", f"/v1/runs/{run_id}")).body

    async def settled(self, name: str, run_id: str, status: str) -> dict[str, Any]:
        """Follow the run's events until it has that status."""
        async with asyncio.timeout(WAIT_SECONDS):
            async for event, data, _ in self.events(name, run_id):
                if event in {"run.status", "done"} and data["status"] == status:
                    return await self.run(name, run_id)
        raise AssertionError(f"{run_id} never became {status}")

    async def events(self, name: str, run_id: str, after: int = 0) -> AsyncIterator[tuple[str, Any, int | None]]:
        """Yield (event, data, id) of the run's event stream."""
        headers = {"Authorization": f"Bearer {await self.token(name)}", "Last-Event-ID": str(after)}
        async with self.http.get(f"{self.address}/v1/runs/{run_id}/events", headers=headers) as response:
            assert response.status == 200, await response.text()
            event, number = "", None
            async for raw in response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    yield event, orjson.loads(line[6:]), number
                    event, number = "", None

    async def timeline(self, name: str, run_id: str) -> list[dict[str, Any]]:
        return (await self.call(name, "GET", f"/v1/runs/{run_id}/timeline")).body["items"]

    async def pending(self, name: str, run_id: str) -> dict[str, Any]:
        """Return the open approval of a run, as that approver sees it."""
        items = (await self.call(name, "GET", "/v1/approvals?status=pending")).body["items"]
        return next(item for item in items if item["run_id"] == run_id)

    async def decide(self, name: str, approval: Mapping[str, Any], decision: str, **more: Any) -> Answer:
        body = {"decision": decision, "digest": approval["digest"], **more}
        return await self.call(name, "POST", f"/v1/approvals/{approval['id']}/decision", body)

    async def library_read(self) -> None:
        """Wait until the sample documents can be searched."""
        async with asyncio.timeout(240):
            while (await self.call(None, "GET", "/readyz")).body["checks"]["knowledge"]["state"] == "reading":
                await asyncio.sleep(0.2)

    async def command(self, *arguments: str, said: str = "") -> Any:
        """Run a ``charter`` command against this host, with ``said`` at its standard input; return its JSON output."""
        environment = {**settings.process_environment(), "CHARTER_DATA_DIR": str(self.folder)}
        if (self.folder / "settings.yaml").exists():
            environment["CHARTER_SETTINGS"] = str(self.folder / "settings.yaml")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "charter.cli", *arguments, cwd=HOUSE, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(said.encode()), 2 * WAIT_SECONDS)
        assert process.returncode == 0, output
        return orjson.loads(output)

    async def sandbox(self, plugin: str, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask a sandbox's own administration."""
        url = self.plugins[plugin] + path
        async with self.http.request(method, url, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()


def overrides(
    folder: Path,
    *,
    knowledge: bool | settings.Knowledge = False,
    folders: Any = None,
    places: Any = None,
    teams: settings.Teams | None = SHUT,
    **chosen: Any,
) -> dict[str, Any]:
    """Return the settings of a test's host: free ports, the scripted model, no weights; ``knowledge`` reads the sample
    documents, which takes some seconds, or names a store, and ``places`` says more of documents. The door of ``teams`` is
    shut, unless its settings are given; ``None``: it is as on any laptop."""
    scripted = settings.Deployment(kind="scripted", model="scripted", script=SCRIPT)
    if isinstance(knowledge, settings.Knowledge):
        library = knowledge
    else:
        library = settings.Knowledge(at_start=knowledge, folders=folders or {}, **(places or {}))
    models = {"standard": scripted}
    told = {} if teams is None else {"teams": teams}
    return {
        "port": 0,
        "data_dir": folder,
        "models": models,
        "embedded_model": "off",
        "knowledge": library,
        **told,
        **chosen,
    }


@asynccontextmanager
async def host_here(folder: Path, **chosen: Any) -> AsyncIterator[RunningHost]:
    """Start a host in this process; one at a time."""
    inner = await host.start(settings.read(**overrides(folder, **chosen)))
    try:
        async with aiohttp.ClientSession() as http:
            yield await reached(folder, http, inner)
    finally:
        await inner.close()


@asynccontextmanager
async def running_host(folder: Path, *, log: Any = None, **chosen: Any) -> AsyncIterator[RunningHost]:
    """Start a host as people do, in a process of its own; end it with SIGTERM and everything with it. ``log`` is the
    file that takes what it says on standard error."""
    process = await started(folder, log=log, **chosen)
    try:
        async with aiohttp.ClientSession() as http:
            yield await reached(folder, http)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_SECONDS)


async def started(folder: Path, *, log: Any = None, **chosen: Any) -> asyncio.subprocess.Process:
    """Start ``charter serve`` with these settings and wait for its sign."""
    tree = _plain(settings.Settings(**overrides(folder, **chosen)).model_dump(exclude_unset=True))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(tree))
    environment = {**settings.process_environment(), "CHARTER_SETTINGS": str(file)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "charter.cli",
        "serve",
        cwd=HOUSE,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(4 * WAIT_SECONDS * tree.get("workers", 1)):
            while b"Ctrl-C" not in (line := await process.stdout.readline()):
                assert line, "the host did not start"
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise
    return process


def _plain(value: Any) -> Any:
    """Return what a settings file holds: secrets in clear, paths as text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, settings.SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


async def reached(folder: Path, http: aiohttp.ClientSession, inner: host.Host | None = None) -> RunningHost:
    told = orjson.loads((folder / "host.json").read_bytes())
    given = folder / "settings.yaml"
    joined = (yaml.safe_load(given.read_text()) if given.exists() else {}).get("identity", {})
    secret = joined.get("client_secret") or keys.client_secret(folder / "keys")
    people = People(whereabouts.identity(told, settings.SecretStr(secret)), http)
    await people.read()
    return RunningHost(told["address"], told["entra"], told["plugins"], people, http, folder, inner)
