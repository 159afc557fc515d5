"""A running host with something of every kind in it, and what one needs to knock at its doors."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import asyncpg
import jwt
from aiohttp import web

from charter.channels.console.cookies import Cookies
from charter.identity.code_flow import Tokens
from charter.identity.session_rows import Held, Place, SessionRows
from charter.local import keys
from tests.channels.cited import cited_run
from tests.doors.forge import Forge
from tests.doors.table import CONNECTOR, Door
from tests.doors.wire import Lines, Reply, send
from tests.running import RunningHost
from tests.teams.issuer import BotIssuer

HOURS = 3600
_LEFT_OUT = frozenset({"hosts", "schema_migrations", "sessions"})
"""What knocking itself changes."""


@dataclass(slots=True)
class World:
    """``owner`` is a session of the database's owner, whom row-level security does not bind; ``lure`` an address of ours
    that nobody may ever contact, and ``lured`` the paths that were asked for there.
    """

    host: RunningHost
    contoso: Forge
    customers: Forge
    connector: BotIssuer
    owner: Any
    sessions: SessionRows
    cookies: Cookies
    lure: str
    lured: list[str]
    ids: dict[str, str] = field(default_factory=dict[str, str])
    sent: int = 0

    async def knock(
        self, door: Door, lines: Lines = (), *, target: str = "", body: bytes | None = None, **ids: str
    ) -> Reply:
        """Send the door's good request with these header lines instead of who may use it."""
        known = self.ids | ids | {name: (self.ids | ids)[kind] for name, kind in door.ids.items()}
        told, given = _told(door, known)
        lines = [*told, *lines]
        self.sent += 1
        sent = given if body is None else body
        return await send(self.host.address, door.method, target or _target(door, known), lines, sent)

    def asked(self, door: Door, **ids: str) -> str:
        """Return what a knock at the door says of itself."""
        known = self.ids | ids | {name: (self.ids | ids)[kind] for name, kind in door.ids.items()}
        return f"{_target(door, known)} {_told(door, known)[1].decode()}"

    async def as_token(self, door: Door, token: str) -> Reply:
        """Knock with a token as the door takes it: in the header, or within a session of the console."""
        return await self.knock(door, await self.pass_of(door, token))

    async def pass_of(self, door: Door, token: str) -> list[bytes]:
        """Return the lines by which a door takes a token."""
        if door.guard in ("bearer", "channel"):
            return [f"Authorization: Bearer {token}".encode()]
        return await self.session(token)

    async def session(self, token: str | None) -> list[bytes]:
        """Return the cookie of a console session whose row holds this token, and the form token that goes with it;
        without a token those of a visitor.
        """
        value = f".{secrets.token_urlsafe(24)}"
        if token is not None:
            tenant, owner, tid = _claimed(token)
            identifier = secrets.token_urlsafe(32)
            value, ends = f"{tenant}.{identifier}", time.time() + HOURS
            await self.sessions.open(Place.of(tenant, identifier), Held(owner, Tokens(tid, token, "", ends, ends)))
        return [f"Cookie: charter_console={value}".encode(), f"X-CSRF-Token: {self.cookies.proof(value)}".encode()]

    async def token(self, name: str) -> str:
        if name == CONNECTOR:
            return self.connector.signed()
        return await self.host.token(name)

    async def rows(self, tenant: str) -> dict[str, str]:
        """Return a digest of all that the database holds of a tenant, by table."""
        tables = await self.owner.fetch(
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant'"
        )
        found: dict[str, str] = {}
        for table in sorted({row["table_name"] for row in tables} - _LEFT_OUT):
            query = (
                f"select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t where tenant = $1"
            )
            found[table] = await self.owner.fetchval(query, tenant)
        return found

    async def still(self) -> None:
        """Wait until no run is worked on, so that only what is knocked at can change anything."""
        async with asyncio.timeout(30):
            while await self.owner.fetchval("select count(*) from runs where status in ('running', 'queued')"):
                await asyncio.sleep(0.05)


class _Rows:
    """The sessions' table, under the eyes of the owner: not one of the host's own connections."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def tenant_session(self, tenant: str, /) -> AsyncIterator[Any]:
        connection: Any = await asyncpg.connect(self._url)
        try:
            yield connection
        finally:
            await connection.close()


def _claimed(token: str) -> tuple[str, str, str]:
    """Return the tenant, the principal and the Entra tenant of a session that would hold this token."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        claims = {}
    tid, oid = str(claims.get("tid")), str(claims.get("oid"))
    if tid == "customers":
        return "contoso", f"customers:{oid}", tid
    return (tid if tid in ("contoso", "fabrikam") else "contoso"), oid, tid


def _target(door: Door, ids: Mapping[str, str]) -> str:
    target = door.path.format_map(ids) + door.tail
    return f"{target}?{door.query.format_map(ids)}" if door.query else target


def _told(door: Door, ids: Mapping[str, str]) -> tuple[list[bytes], bytes]:
    """Return the headers that say what is sent, and the body."""
    page = [b"X-Charter-Console: 1"] if door.path.startswith("/console") else []
    if door.body is None:
        # A form that says nothing is a form all the same.
        return (page, b"") if door.method != "POST" or not page else ([*page, _FORM], b"")
    filled = {name: value.format_map(ids) if isinstance(value, str) else value for name, value in door.body.items()}
    if page:
        return [*page, _FORM], urlencode(filled).encode()
    return [b"Content-Type: application/json"], json.dumps(filled).encode()


_FORM = b"Content-Type: application/x-www-form-urlencoded"


@asynccontextmanager
async def world_of(
    host: RunningHost, connector: BotIssuer, database_url: str, mark: str, *, reads: bool = True
) -> AsyncIterator[World]:
    """Fill the host with things of contoso that have ``mark`` in them; ``reads``: a passage of its library among them.

    ``connector`` is whose tokens the host's channel believes.
    """
    lured: list[str] = []
    owner: Any = await asyncpg.connect(database_url)
    key = keys.fernet_key(host.folder / "keys", "session")
    runner = await _lure(lured)
    told = json.loads((host.folder / "host.json").read_bytes())
    twins, customers = host.folder / "twins", told["external"]["customers"]["authority"]
    world = World(
        host,
        Forge.of(twins / "entra", host.entra, "contoso", "alice"),
        Forge.of(twins / "customers", customers, "customers", "walter"),
        connector,
        owner,
        SessionRows(_Rows(database_url), key),
        Cookies("/console", secure=False, key=base64.urlsafe_b64decode(key)),
        f"http://127.0.0.1:{runner.addresses[0][1]}",
        lured,
    )
    try:
        await _furnish(world, mark)
        if reads:
            await host.library_read()
            [cited, *_] = (await cited_run(host))["output"]["citations"]
            world.ids |= {"document": cited["document_id"], "passage": cited["passage_id"]}
        await world.still()
        yield world
    finally:
        await runner.cleanup()
        await owner.close()


async def _lure(lured: list[str]) -> web.AppRunner:
    async def take(request: web.Request) -> web.Response:
        lured.append(request.path)
        return web.json_response({"keys": []})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


async def _furnish(world: World, mark: str) -> None:
    host, ids = world.host, world.ids
    run = await host.ask("alice", "employee_assistant", f"hello {mark}", metadata={"mark": mark})
    ids |= {"agent": "employee_assistant", "run": run["id"], "thread": run["thread"]}
    ids["response"] = "resp_" + run["id"].removeprefix("run_")
    ids["liked"] = run["id"]
    assert (await host.call("alice", "PUT", f"/v1/runs/{run['id']}/feedback", {"reaction": "like"})).status == 200
    ids["step"] = (await host.timeline("alice", run["id"]))[0]["id"]
    for name in ("", "console_"):
        waiting = await _order(world, mark)
        approval = await host.pending("bob", waiting["id"])
        ids |= {f"{name}approval": approval["id"], f"{name}digest": approval["digest"]}
        ids[f"{name}cancelled"] = (await _order(world, mark))["id"]
    for name in ("", "console_"):
        doubt = await _doubt(world)
        ids |= {f"{name}doubt": doubt["id"], f"{name}doubt_step": doubt["waiting"]["step_id"]}
        ids[f"{name}since"] = doubt["waiting"]["since"]
    ids["tenant"] = "doorstep"
    tenant = {"id": ids["tenant"], "name": "Doorstep", "directory": ids["tenant"]}
    assert (await host.call("carol", "POST", "/v1/admin/tenants", tenant)).status == 201


async def _order(world: World, mark: str) -> dict[str, Any]:
    """Let alice ask for something that her manager has to approve."""
    return await world.host.ask("alice", "buyer", f"Order a desk {mark} {secrets.token_hex(4)} for 1,450 EUR")


async def _doubt(world: World) -> dict[str, Any]:
    """Let a payment of bob's be cut off, of which nobody knows then whether it happened."""
    host = world.host
    run = await host.ask("bob", "buyer", f"Pay invoice INV-{secrets.randbelow(10**6)} over 980.00 EUR")
    approval = await host.pending("carol", run["id"])
    entra = f"{host.entra}/_twin/people/dora"
    await host.http.patch(entra, json={"roles": ["employee", "hr", "buyer"]})
    try:
        token = await host.people.sign_in("dora")
    finally:
        await host.http.patch(entra, json={"roles": ["employee", "hr"]})
    fault = {"method": "POST", "path": "/payments", "cut": "before", "times": 1}
    await host.sandbox("procurement", "/_sandbox/faults", "POST", fault)
    said = {"decision": "approve", "digest": approval["digest"]}
    url = f"{host.address}/v1/approvals/{approval['id']}/decision"
    async with host.http.post(url, json=said, headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 200, await answer.text()
    async with asyncio.timeout(90):
        while (found := await host.run("bob", run["id"]))["status"] != "waiting" or (
            found["waiting"]["for"] != "unknown_effect"
        ):
            await asyncio.sleep(0.1)
    return found
