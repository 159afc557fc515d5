"""Canaries in every place where a secret may be: after good and bad journeys, none has got anywhere else."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from charter import settings
from charter.twins.listening import serve, take
from tests.secrets.ground import Systems, Vaulted, running_systems, vaulted_host
from tests.telemetry.test_spans import Collector

pytestmark = pytest.mark.timeout(240)

TOKENS = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|\b1\.[\w-]{64}\b")
"""What the Entra twin issues: access tokens, and refresh tokens in clear."""

METER, MODEL, WRONG = "canary-meter-5e1f0a", "canary-model-77ab21", "canary-wrong-c0ffee"

HOLDERS = (
    "keys",  # the local profile's own: the host's client secret and the session key
    "twins/entra",  # stands for Entra ID: its signing keys and secrets
    "twins/customers",
    "twins/key_vault",  # stands for Key Vault
    "twins/tls",
)
"""The folders of the data folder that must hold secrets. Everything else is searched."""


def found(text: bytes, canaries: Mapping[str, str]) -> set[str]:
    """Return the names of the canaries in the text, as they are or in hexadecimal; and tokens of any kind."""
    names = {
        name for name, value in canaries.items() if value.encode() in text or value.encode().hex().encode() in text
    }
    return names | ({"a token"} if TOKENS.search(text) else set())


def files(folder: Path) -> Iterator[Path]:
    held = [folder / name for name in HOLDERS]
    for path in folder.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(place) for place in held):
            yield path


async def rows(url: str) -> bytes:
    """Return every row of every table as text."""
    connection: Any = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        )
        assert len(tables) > 10
        texts = [
            str(row[0])
            for table in tables
            for row in await connection.fetch(f'select t::text from "{table[0]}"."{table[1]}" t')
        ]
        return "\n".join(texts).encode()
    finally:
        await connection.close()


async def journey(vaulted: Vaulted, answers: list[bytes]) -> None:
    """Let one thing succeed and many go wrong, each in a way that some careless code would tell secrets of."""
    host, systems = vaulted.host, vaulted.systems
    await vaulted.set("meter-key", METER)
    await vaulted.set("model-key", MODEL)
    assert (await told(vaulted, "read the meter 41"))["output"]["text"] == "41"
    shown = await told(vaulted, "show the meter 41")  # the system shows what it was sent
    assert "[secret]" in shown["output"]["text"]
    exploded = await told(vaulted, "explode the meter 41")  # a plugin that tells all it knows
    assert exploded["status"] in {"completed", "failed"}
    systems.meter.accepted = set()
    await told(vaulted, "read the meter 42")  # a system that repeats the key that it refuses
    await vaulted.set("model-key", WRONG)
    async with asyncio.timeout(60):
        while (await told(vaulted, "hello"))["status"] != "failed":  # a model's endpoint that does the same
            await asyncio.sleep(0.2)
    token = await host.token("alice")
    bad = (token[:-20], token + "x", f"{token}.{token}", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", token[20:])
    answers += [await raw(vaulted, each) for each in bad]
    await host.call("alice", "GET", f"/v1/runs/{token}")
    answers.append(await raw(vaulted, token, "/v1/runs"))


async def told(vaulted: Vaulted, text: str) -> dict[str, Any]:
    run = await vaulted.host.ask("alice", "warden", text)
    await vaulted.host.timeline("alice", run["id"])
    return run


async def raw(vaulted: Vaulted, token: str, path: str = "/v1/agents") -> bytes:
    headers = {"Authorization": f"Bearer {token}"}
    async with vaulted.host.http.get(vaulted.host.address + path, headers=headers) as response:
        return await response.read()


@pytest.mark.promise("secrets.canaries")
async def test_no_secret_gets_where_it_need_not_be(tmp_path: Path) -> None:
    collector, place, answers = Collector(), take(0, "collector"), list[bytes]()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = await serve(app, place)
    telemetry = settings.Telemetry(otlp_endpoint=place.url, log_level="debug")
    log = tmp_path / "log.txt"
    try:
        async with running_systems() as systems:
            systems.meter.accepted, systems.model.accepted = {METER}, {MODEL}
            with closing(log.open("wb")) as file:
                async with vaulted_host(tmp_path / "host", systems, telemetry=telemetry, log=file) as vaulted:
                    await journey(vaulted, answers)
                    canaries = await planted(vaulted)
                    everything = await gathered(vaulted, systems, answers)
    finally:
        await runner.cleanup()
        place.close()
    everything |= {"log": log.read_bytes(), "spans": collector.raw}
    assert len(collector.spans) > 5
    assert b"run failed" in everything["log"] or b"failed" in everything["log"]
    for path in files(tmp_path / "host"):
        everything[str(path.relative_to(tmp_path))] = path.read_bytes()
    hits = {where: names for where, text in everything.items() if (names := found(text, canaries))}
    assert hits == {}


async def planted(vaulted: Vaulted) -> dict[str, str]:
    folder = vaulted.host.folder / "keys"
    return {
        "the meter's key": METER,
        "the model's key": MODEL,
        "a wrong key": WRONG,
        "the client secret": (folder / "client_secret.key").read_text(),
        "the session key": (folder / "session.key").read_text(),
    }


async def gathered(vaulted: Vaulted, systems: Systems, answers: list[bytes]) -> dict[str, bytes]:
    """Return what the host left in the database, answered, and sent to its model."""
    runs = (await vaulted.host.call("alice", "GET", "/v1/runs?limit=50")).body["items"]
    pages = [str(runs).encode()]
    pages += [str(await vaulted.host.timeline("alice", run["id"])).encode() for run in runs]
    pages.append(str((await vaulted.host.call(None, "GET", "/readyz")).body).encode())
    place = vaulted.host.folder / "host.json"
    database = str(settings.read(data_dir=place.parent).database.url) or _told(place)
    return {
        "database": await rows(database),
        "answers": b"\n".join([*answers, *pages]),
        "prompts": b"\n".join(systems.model.bodies),
    }


def _told(place: Path) -> str:
    import orjson

    return str(orjson.loads(place.read_bytes())["database"])


@pytest.mark.promise("secrets.canaries")
def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    """The search can fail: each kind of leak is found where one is planted."""
    canaries = {"the meter's key": METER}
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9m"
    for leak, name in (
        (f"…{METER}…", "the meter's key"),
        (f"\\x{METER.encode().hex()}", "the meter's key"),
        (f'{{"authorization": "Bearer {token}"}}', "a token"),
        (f"1.{'a' * 64}", "a token"),
    ):
        assert found(leak.encode(), canaries) == {name}
    assert found(b"nothing of that kind: eyJ 1.0", canaries) == set()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "session.key").write_text("held")
    (tmp_path / "elsewhere.txt").write_text(METER)
    assert [path.name for path in files(tmp_path)] == ["elsewhere.txt"]
