"""A small service desk for the laptop: tickets, comments, password resets. It checks who calls and keeps what it is told.

Its own administration, for people and tests on the same machine: ``GET /_sandbox/tickets``, ``/_sandbox/resets``;
``PATCH /_sandbox/tickets/{ticket_id}`` with ``status`` or ``assigned_to``; ``POST …/{ticket_id}/comments`` with ``author``
and ``text``, as somebody else than the owner writes them.
"""

import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from aiohttp import web

Verify = Callable[[str], Awaitable[Mapping[str, Any]]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HERE = Path(__file__).parent
_SCHEMA = """
create table tickets (number integer primary key, tenant text, opened_by text, title text, priority text, category text,
  status text, assigned_to text, opened_at text, updated_at text);
create table comments (number integer primary key, tenant text, ticket text, written_by text, author text, text text,
  written_at text);
create table resets (number integer primary key, tenant text, person text, system text, sent_at text);
create table support (tenant text, name text);
create table answers (tenant text, caller text, key text, request text, status int, body text,
  primary key (tenant, caller, key));
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom the verified token names."""

    tenant: str
    id: str
    roles: frozenset[str]


CALLER = web.RequestKey("caller", Caller)


class Refused(Exception):
    """The call is refused; ``detail`` is told to the caller as a problem document."""

    def __init__(self, status: int, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors = [{"pointer": f"/{field}", "detail": detail}] if field is not None else []


def app(folder: Path, verify: Verify) -> web.Application:
    """Return the system, with its data in ``folder``. ``verify`` turns a bearer token into claims or PermissionError."""
    system = ServiceDesk(Store(folder / "service_desk.sqlite"))

    @web.middleware
    async def gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if not request.path.startswith("/_sandbox/"):
                await _admit(request, verify)
            return await handler(request)
        except Refused as refusal:
            return _problem(refusal.status, refusal.detail, refusal.errors)
        except web.HTTPException as fault:
            return _problem(fault.status, fault.reason, [])

    application = web.Application(middlewares=[gateway])
    application.add_routes(system.routes())
    return application


async def _admit(request: web.Request, verify: Verify) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "A bearer token is needed.")
    try:
        claims = await verify(token.strip())
    except PermissionError as reason:
        raise Refused(401, str(reason)) from reason
    request[CALLER] = Caller(str(claims["tid"]), str(claims["oid"]), frozenset(claims.get("roles", ())))


def _problem(status: int, detail: str, errors: list[dict[str, str]]) -> web.Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    text = json.dumps(body | ({"errors": errors} if errors else {}))
    return web.Response(status=status, text=text, content_type="application/problem+json")


class Store:
    """One SQLite file; a row is a plain dict. A fresh file gets the tables and the tenants' data of sandbox.yaml."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode = wal")
        self.contract: dict[str, Any] = yaml.safe_load((_HERE / "openapi.yaml").read_text("utf-8"))
        if self.one("select name from sqlite_master where name = 'answers'") is None:
            with self.transaction():
                for statement in _SCHEMA.split(";"):
                    self._database.execute(statement)
                for tenant, facts in yaml.safe_load((_HERE / "sandbox.yaml").read_text("utf-8")).items():
                    _seed(self, tenant, facts)

    @contextmanager
    def transaction(self) -> Generator[None, None, None]:
        self._database.execute("begin immediate")
        try:
            yield
            self._database.execute("commit")
        except BaseException:
            self._database.execute("rollback")
            raise

    def all(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._database.execute(query, values)]

    def one(self, query: str, *values: Any) -> dict[str, Any] | None:
        return next(iter(self.all(query, *values)), None)

    def add(self, table: str, **values: Any) -> None:
        marks = ", ".join("?" * len(values))
        self._database.execute(f"insert into {table} ({', '.join(values)}) values ({marks})", tuple(values.values()))

    def next(self, table: str, first: int) -> int:
        """Return the number that the next row of the table gets; numbers begin at ``first``."""
        highest = self.all(f"select max(number) as highest from {table}")[0]["highest"]
        return max(first, (highest or 0) + 1)

    async def body(self, request: web.Request, schema: str) -> dict[str, Any]:
        """Return the JSON body, if it is one that the OpenAPI document describes."""
        try:
            body = await request.json()
        except ValueError as fault:
            raise Refused(422, "The body is not JSON.", "") from fault
        rules = {"$ref": f"#/components/schemas/{schema}", "components": self.contract["components"]}
        checker: Any = jsonschema.Draft202012Validator(rules, format_checker=jsonschema.FormatChecker(["date"]))
        for error in checker.iter_errors(body):
            field = "/".join(str(part) for part in error.absolute_path)
            raise Refused(422, f"The request is not valid{f' at {field}' if field else ''}: {error.message}.", field)
        return body

    def once(self, request: web.Request, body: Any, act: Callable[[], tuple[int, dict[str, Any]]]) -> web.Response:
        """Do it in one transaction; under a key that came before, answer as before instead."""
        who = {"tenant": request[CALLER].tenant, "caller": request[CALLER].id}
        key = request.headers.get("Idempotency-Key")
        asked = hashlib.sha256(f"{request.path} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()
        with self.transaction():
            known = self.one("select * from answers where tenant = ? and caller = ? and key = ?", *who.values(), key)
            if known is not None and known["request"] != asked:
                raise Refused(409, "This Idempotency-Key came before with another request.")
            if known is not None:
                return web.Response(status=known["status"], text=known["body"], content_type="application/json")
            status, answer = act()
            if key:
                self.add("answers", **who, key=key, request=asked, status=status, body=json.dumps(answer))
        return web.json_response(answer, status=status)


def _now(hours: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seed(store: Store, tenant: str, facts: Mapping[str, Any]) -> None:
    for name in facts["support"]:
        store.add("support", tenant=tenant, name=name)
    for ticket in facts["tickets"]:
        known = {key: value for key, value in ticket.items() if key not in {"id", "hours", "comments"}}
        moments = {"opened_at": _now(ticket["hours"]), "updated_at": _now(ticket["hours"] // 2)}
        store.add("tickets", tenant=tenant, number=int(ticket["id"][4:]), **known, **moments)
        for comment in ticket.get("comments", ()):
            number = store.next("comments", 1)
            store.add("comments", number=number, tenant=tenant, ticket=ticket["id"], written_at=_now(), **comment)


class ServiceDesk:
    """The routes of openapi.yaml, and the administration's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/tickets", self.tickets),
            web.post("/tickets", self.create),
            web.get("/tickets/{ticket_id}", self.one_ticket),
            web.post("/tickets/{ticket_id}/comments", self.comment),
            web.post("/tickets/{ticket_id}/close", self.close),
            web.post("/password-resets", self.reset),
            web.get("/_sandbox/tickets", self.ticket_ledger),
            web.patch("/_sandbox/tickets/{ticket_id}", self.change_ticket),
            web.post("/_sandbox/tickets/{ticket_id}/comments", self.foreign_comment),
            web.get("/_sandbox/resets", self.reset_ledger),
        ]

    async def tickets(self, request: web.Request) -> web.Response:
        status = request.query.get("status")
        if status not in {None, "open", "closed"}:
            raise Refused(422, f"There is no status {status}.", "status")
        query = "select * from tickets where tenant = ? and opened_by = ? order by opened_at desc, number desc"
        rows = self._store.all(query, request[CALLER].tenant, request[CALLER].id)
        # In progress is open to the one who waits.
        seen = [row for row in rows if status is None or (row["status"] == "closed") == (status == "closed")]
        return web.json_response({"tickets": [_summary(row) for row in seen[:50]]})

    def _own(self, request: web.Request) -> dict[str, Any]:
        query = "select * from tickets where tenant = ? and opened_by = ? and 'INC-' || number = ?"
        ticket_id = request.match_info["ticket_id"]
        row = self._store.one(query, request[CALLER].tenant, request[CALLER].id, ticket_id)
        if row is None:
            raise Refused(404, f"You have no ticket {ticket_id}.")
        return row

    async def one_ticket(self, request: web.Request) -> web.Response:
        row = self._own(request)
        query = "select author, text from comments where tenant = ? and ticket = ? order by number"
        comments = self._store.all(query, row["tenant"], f"INC-{row['number']}")
        kept = {name: row[name] for name in ("category", "assigned_to", "updated_at")}
        return web.json_response({**_summary(row), **kept, "comments": comments})

    async def create(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewTicket")

        def act() -> tuple[int, dict[str, Any]]:
            number, now = self._store.next("tickets", 1101), _now()
            about = {"priority": "medium", "category": "other", **body}
            whose = {"tenant": request[CALLER].tenant, "opened_by": request[CALLER].id}
            self._store.add("tickets", number=number, status="open", opened_at=now, updated_at=now, **whose, **about)
            told = {"ticket_id": f"INC-{number}", "status": "open", "priority": about["priority"], "opened_at": now}
            return 201, told

        return self._store.once(request, body, act)

    async def comment(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewComment")

        def act() -> tuple[int, dict[str, Any]]:
            row = self._own(request)
            if row["status"] == "closed":
                raise Refused(409, f"INC-{row['number']} is closed; open a new ticket.")
            number = self._written(row, request[CALLER].id, request[CALLER].id, body["text"])
            return 201, {"ticket_id": f"INC-{row['number']}", "comment_id": f"COM-{number}"}

        return self._store.once(request, body, act)

    def _written(self, row: Mapping[str, Any], by: str | None, author: str, text: str) -> int:
        number, ticket_id = self._store.next("comments", 1), f"INC-{row['number']}"
        whose = {"tenant": row["tenant"], "ticket": ticket_id, "written_by": by, "author": author}
        self._store.add("comments", number=number, text=text, written_at=_now(), **whose)
        self._store.all("update tickets set updated_at = ? where number = ?", _now(), row["number"])
        return number

    async def close(self, request: web.Request) -> web.Response:
        def act() -> tuple[int, dict[str, Any]]:
            row = self._own(request)
            if row["status"] == "closed":
                raise Refused(409, f"INC-{row['number']} is closed already.")
            query = "update tickets set status = 'closed', updated_at = ? where number = ?"
            self._store.all(query, _now(), row["number"])
            return 200, {"ticket_id": f"INC-{row['number']}", "status": "closed"}

        return self._store.once(request, None, act)

    async def reset(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewReset")

        def act() -> tuple[int, dict[str, Any]]:
            whose = {"tenant": request[CALLER].tenant, "person": request[CALLER].id, "system": body["system"]}
            query = "select * from resets where tenant = ? and person = ? and system = ? and sent_at > ?"
            if self._store.one(query, *whose.values(), _now(hours=1)):
                raise Refused(409, "A password for this system was sent within the last hour; look at your phone.")
            number = self._store.next("resets", 101)
            self._store.add("resets", number=number, sent_at=_now(), **whose)
            return 201, {"reset_id": f"RST-{number}", "system": body["system"], "status": "sent", "valid_minutes": 30}

        return self._store.once(request, body, act)

    async def ticket_ledger(self, request: web.Request) -> web.Response:
        rows = self._store.all("select * from tickets order by number")
        return web.json_response({"tickets": [{"ticket_id": f"INC-{row['number']}", **row} for row in rows]})

    async def change_ticket(self, request: web.Request) -> web.Response:
        body, ticket_id = await request.json(), request.match_info["ticket_id"]
        for column in {"status", "assigned_to"} & body.keys():
            self._store.all(f"update tickets set {column} = ? where 'INC-' || number = ?", body[column], ticket_id)
        return web.json_response({"ticket_id": ticket_id})

    async def foreign_comment(self, request: web.Request) -> web.Response:
        body, ticket_id = await request.json(), request.match_info["ticket_id"]
        row = self._store.one("select * from tickets where 'INC-' || number = ?", ticket_id)
        if row is None:
            raise Refused(404, f"There is no ticket {ticket_id}.")
        number = self._written(row, None, body["author"], body["text"])
        return web.json_response({"ticket_id": ticket_id, "comment_id": f"COM-{number}"}, status=201)

    async def reset_ledger(self, request: web.Request) -> web.Response:
        return web.json_response({"resets": self._store.all("select * from resets order by number")})


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("title", "status", "priority", "opened_at")
    return {"ticket_id": f"INC-{row['number']}", **{name: row[name] for name in kept}}
