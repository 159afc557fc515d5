"""Between a host and its database: what is asked there is heard, and may be changed on the way.

The statements of ``charter_app`` can be made to forget the tenant: each comparison of a tenant becomes true. And the role
itself can be left out, so that row-level security no longer binds: the proof that what is looked for can be found.
"""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from charter.store.database import APP_ROLE

_ENCRYPTION, _CANCEL = (80877103, 80877104), 80877102
_OF_TABLE = re.compile(r"\b(?:\w+\.)?tenant\s*=\s*(\$\d+|\w+\.tenant)(?:::\w+)?")
_OF_TENANTS = re.compile(r"(\bfrom tenants where )id\s*=\s*(\$\d+)")


def forgetful(statement: str) -> str:
    """Return the statement with each comparison of a tenant made true; all else of it stays."""
    statement = _OF_TENANTS.sub(r"\1(\2::text is not null)", statement)
    return _OF_TABLE.sub(lambda found: f"({found[1]}::text is not null)" if "$" in found[1] else "true", statement)


@dataclass(slots=True)
class Between:
    """``heard`` are the statements that ``charter_app`` sent, ``changed`` those of them that went on otherwise."""

    forgets: bool
    unbound: bool
    heard: set[str] = field(default_factory=set[str])
    changed: dict[str, str] = field(default_factory=dict[str, str])
    port: int = 0

    def url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def _told(self, statement: str) -> str:
        self.heard.add(statement)
        if self.forgets and (other := forgetful(statement)) != statement:
            self.changed[statement] = other
            return other
        return statement

    async def _serve(self, socket: str, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, forth = await asyncio.open_unix_connection(socket)
        try:
            watched = await self._opened(client, back, forth)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pour(server, back))
                both.create_task(self._pass_on(client, forth, watched=watched))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for writer in (back, forth):
                writer.close()

    async def _opened(
        self, client: asyncio.StreamReader, back: asyncio.StreamWriter, forth: asyncio.StreamWriter
    ) -> bool:
        """Pass on how the connection begins; tell whether it is one of ``charter_app``."""
        while True:
            size, code = struct.unpack("!II", await client.readexactly(8))
            rest = await client.readexactly(size - 8)
            if code in _ENCRYPTION:
                back.write(b"N")
                continue
            words = rest.split(b"\0")
            role = dict(zip(words[::2], words[1::2], strict=False)).get(b"role", b"").decode()
            if self.unbound and role == APP_ROLE:
                rest = rest.replace(b"role\0" + role.encode() + b"\0", b"")
            forth.write(struct.pack("!II", len(rest) + 8, code) + rest)
            return role == APP_ROLE and code != _CANCEL

    async def _pass_on(self, client: asyncio.StreamReader, forth: asyncio.StreamWriter, *, watched: bool) -> None:
        """Pass on the frontend's messages (PostgreSQL's protocol 3), simple and prepared statements under our eyes."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                kind = await client.readexactly(1)
                size = struct.unpack("!I", await client.readexactly(4))[0]
                body = await client.readexactly(size - 4)
                if watched and kind == b"Q":
                    body = self._told(body[:-1].decode()).encode() + b"\0"
                elif watched and kind == b"P":
                    name, statement, types = body.split(b"\0", 2)
                    body = b"\0".join((name, self._told(statement.decode()).encode(), types))
                forth.write(kind + struct.pack("!I", len(body) + 4) + body)
                await forth.drain()
        if forth.can_write_eof():
            forth.write_eof()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65_536):
        sink.write(chunk)
        await sink.drain()
    sink.close()


@asynccontextmanager
async def between(database_url: str, *, forgets: bool = False, unbound: bool = False) -> AsyncIterator[Between]:
    """Stand before the server of this address, on a port of this machine."""
    folder = parse_qs(urlsplit(database_url).query)["host"][0]
    standing = Between(forgets, unbound)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await standing._serve(f"{folder}/.s.PGSQL.5432", reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**20)
    standing.port = server.sockets[0].getsockname()[1]
    try:
        yield standing
    finally:
        server.close()
