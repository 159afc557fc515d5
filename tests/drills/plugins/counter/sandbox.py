"""The counting house: one row for each thing done, kept before it is answered.

``GET /_sandbox/ledger`` lists the rows; ``PATCH /_sandbox/pace`` with ``{"seconds": 0.2}`` sets how long work takes, half
of it before the row is written and half after, so that whoever dies meanwhile leaves a doubt.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

Verify = Callable[[str], Awaitable[Mapping[str, Any]]]

_SCHEMA = (
    "create table if not exists ledger (number integer primary key, kind text, mark text, place int, key text, "
    "caller text)"
)
_KEYED = frozenset({"book", "sign"})


def app(folder: Path, verify: Verify) -> web.Application:
    """Return the system, with its ledger in ``folder``."""
    house = CountingHouse(folder / "counter.sqlite", verify)
    application = web.Application()
    application.add_routes(
        [
            web.post("/bookings", house.keep("book")),
            web.post("/signatures", house.keep("sign")),
            web.post("/notes", house.keep("note")),
            web.post("/stamps", house.keep("stamp")),
            web.get("/notes", house.find_note),
            web.get("/entries", house.count),
            web.get("/_sandbox/ledger", house.ledger),
            web.patch("/_sandbox/pace", house.set_pace),
        ]
    )
    return application


class CountingHouse:
    """Keeps entries. Bookings and signatures honour a key; notes only remember theirs; stamps have none."""

    def __init__(self, file: Path, verify: Verify) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode = wal")
        self._database.execute(_SCHEMA)
        self._verify = verify
        self._seconds = 0.0

    def keep(self, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def kept(request: web.Request) -> web.Response:
            caller = await self._caller(request)
            body = await request.json()
            await asyncio.sleep(self._seconds / 2)
            number = self._number(kind, body, request.headers.get("Idempotency-Key"), caller)
            await asyncio.sleep(self._seconds / 2)
            return web.json_response({"entry_id": f"E-{number}"}, status=201)

        return kept

    def _number(self, kind: str, body: Mapping[str, Any], key: str | None, caller: str) -> int:
        # No await in here: asking and keeping are one.
        if kind in _KEYED and key is not None:
            known = self._all("select number from ledger where kind = ? and key = ? and caller = ?", kind, key, caller)
            if known:
                return known[0]["number"]
        row = (kind, body["mark"], body["place"], key, caller)
        kept = self._database.execute("insert into ledger (kind, mark, place, key, caller) values (?, ?, ?, ?, ?)", row)
        return kept.lastrowid or 0

    async def find_note(self, request: web.Request) -> web.Response:
        caller, key = await self._caller(request), request.query["key"]
        found = self._all("select * from ledger where kind = 'note' and key = ? and caller = ?", key, caller)
        if not found:
            return web.json_response({"detail": "There is no note with this key."}, status=404)
        return web.json_response({"entry_id": f"E-{found[0]['number']}"})

    async def count(self, request: web.Request) -> web.Response:
        await self._caller(request)
        found = self._all("select count(*) as entries from ledger where mark = ?", request.query["mark"])
        return web.json_response({"entries": found[0]["entries"]})

    async def ledger(self, request: web.Request) -> web.Response:
        return web.json_response({"rows": self._all("select * from ledger order by number")})

    async def set_pace(self, request: web.Request) -> web.Response:
        self._seconds = float((await request.json())["seconds"])
        return web.json_response({"seconds": self._seconds})

    def _all(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._database.execute(query, values)]

    async def _caller(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = await self._verify(token if scheme == "Bearer" else "")
        except PermissionError as reason:
            raise web.HTTPUnauthorized(text=str(reason)) from reason
        return f"{claims['tid']}/{claims['oid']}"
