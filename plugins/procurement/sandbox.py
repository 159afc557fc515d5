"""A small ERP for the laptop: catalogue, orders, supplier notes, invoices. It checks who calls and keeps what it is told.

Its own administration, for people and tests on the same machine: ``GET /_sandbox/orders``, ``/_sandbox/notes``,
``/_sandbox/payments``; ``PATCH /_sandbox/orders/{order_id}`` with ``status`` or ``remark``.
"""

import hashlib
import json
import re
import sqlite3
import unicodedata
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
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
create table suppliers (tenant text, name text, general int);
create table articles (tenant text, id text, name text, words text, supplier text, minor int, days int);
create table orders (number integer primary key, tenant text, placed_by text, item text, article text, supplier text,
  minor int, currency text, status text, note text, remark text, placed_on text, expected_on text);
create table notes (number integer primary key, tenant text, written_by text, supplier text, text text, key text);
create table invoices (tenant text, id text, supplier text, minor int, currency text);
create table payments (number integer primary key, tenant text, paid_by text, invoice text, minor int, currency text);
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
    system = Erp(Store(folder / "procurement.sqlite"))

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


def _in_days(days: int) -> str:
    return str(date.today() + timedelta(days=days))  # noqa: DTZ011 - a delivery date is the local day


def _seed(store: Store, tenant: str, facts: Mapping[str, Any]) -> None:
    for name in facts["suppliers"]:
        store.add("suppliers", tenant=tenant, name=name, general=name == facts["general_supplier"])
    for article in facts["articles"]:
        store.add("articles", tenant=tenant, **article)
    suppliers = {article["id"]: article["supplier"] for article in facts["articles"]}
    for order in facts["orders"]:
        known = {key: value for key, value in order.items() if key not in {"id", "placed", "expected"}}
        days = {"placed_on": _in_days(order["placed"]), "expected_on": _in_days(order["expected"])}
        supplier = {"supplier": suppliers.get(order.get("article", "")), "currency": "EUR"}
        store.add("orders", tenant=tenant, number=int(order["id"][3:]), **{**supplier, **known, **days})
    for invoice in facts["invoices"]:
        known = {key: value for key, value in invoice.items() if key != "paid"}
        store.add("invoices", tenant=tenant, currency="EUR", **known)
        if invoice.get("paid"):
            paid = {"paid_by": "bob", "invoice": invoice["id"], "minor": invoice["minor"], "currency": "EUR"}
            store.add("payments", number=store.next("payments", 401), tenant=tenant, **paid)


class Erp:
    """The routes of openapi.yaml, and the administration's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/articles", self.search),
            web.get("/orders", self.orders),
            web.post("/orders", self.order),
            web.get("/orders/{order_id}", self.one_order),
            web.get("/vendor-notes", self.find_note),
            web.post("/vendor-notes", self.note),
            web.post("/payments", self.pay),
            web.get("/_sandbox/orders", self.order_ledger),
            web.patch("/_sandbox/orders/{order_id}", self.change_order),
            web.get("/_sandbox/notes", self.note_ledger),
            web.get("/_sandbox/payments", self.payment_ledger),
        ]

    async def search(self, request: web.Request) -> web.Response:
        wanted = _words(request.query.get("query", ""))
        if not wanted:
            raise Refused(422, "Say in `query` what to look for.", "query")
        rows = self._store.all("select * from articles where tenant = ?", request[CALLER].tenant)
        best = sorted((row for row in rows if _score(wanted, row)), key=lambda row: -_score(wanted, row))
        return web.json_response({"articles": [_article(row) for row in best[:5]]})

    async def orders(self, request: web.Request) -> web.Response:
        status = request.query.get("status")
        if status not in {None, "placed", "shipped", "delivered", "cancelled"}:
            raise Refused(422, f"There is no status {status}.", "status")
        rows = self._store.all("select * from orders where tenant = ? order by number desc", request[CALLER].tenant)
        seen = [row for row in rows if _may_see(request, row) and status in {None, row["status"]}]
        return web.json_response({"orders": [self._told(row) for row in seen[:50]]})

    async def one_order(self, request: web.Request) -> web.Response:
        order_id = request.match_info["order_id"]
        query = "select * from orders where tenant = ? and 'PO-' || number = ?"
        row = self._store.one(query, request[CALLER].tenant, order_id)
        if row is None or not _may_see(request, row):
            raise Refused(404, f"There is no order {order_id}.")
        return web.json_response(self._told(row))

    def _told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        query = "select name from articles where tenant = ? and id = ?"
        article = self._store.one(query, row["tenant"], row["article"])
        exact = article is not None and article["name"].lower() == row["item"].lower()
        kept = ("status", "supplier", "placed_by", "placed_on", "expected_on", "remark")
        return {
            "order_id": f"PO-{row['number']}",
            "item": article["name"] if article else None,
            "description": None if exact else row["item"],
            "total": {"minor": row["minor"], "currency": row["currency"]},
            **{name: row[name] for name in kept},
        }

    async def order(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewOrder")
        return self._store.once(request, body, lambda: self._place(request, body))

    def _place(self, request: web.Request, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        tenant, total = request[CALLER].tenant, body["total"]
        article = self._meant(tenant, body["item"])
        supplier = self._supplier(tenant, body.get("supplier"), article)
        number, expected = self._store.next("orders", 8001), _in_days(article["days"] if article else 10)
        about = {"item": body["item"], "article": article["id"] if article else None, "note": body.get("note")}
        days = {"placed_on": _in_days(0), "expected_on": expected}
        whose = {"tenant": tenant, "placed_by": request[CALLER].id, "supplier": supplier}
        self._store.add("orders", number=number, status="placed", **whose, **about, **total, **days)
        answer = {"order_id": f"PO-{number}", "status": "placed", "supplier": supplier}
        return 201, {**answer, "total": total, "expected_on": expected}

    def _meant(self, tenant: str, item: str) -> dict[str, Any] | None:
        """Return the article whose whole name the item says; anything else is ordered in free words."""
        said = f" {' '.join(_words(item))} "
        rows = self._store.all("select * from articles where tenant = ? order by length(name) desc", tenant)
        return next((row for row in rows if f" {' '.join(_words(row['name']))} " in said), None)

    def _supplier(self, tenant: str, named: str | None, article: Mapping[str, Any] | None) -> str:
        if named is None and article is not None:
            return article["supplier"]
        rows = self._store.all("select * from suppliers where tenant = ?", tenant)
        if named is None:
            # A tenant that is new here has no suppliers of its own yet.
            return next((row["name"] for row in rows if row["general"]), "General Supplies")
        found = [row["name"] for row in rows if named.lower() in row["name"].lower()]
        if len(found) != 1:
            known = ", ".join(row["name"] for row in rows)
            raise Refused(422, f"There is no supplier {named[:60]}; there are {known}.", "supplier")
        return found[0]

    async def find_note(self, request: web.Request) -> web.Response:
        query = "select * from notes where tenant = ? and key = ? order by number"
        row = self._store.one(query, request[CALLER].tenant, request.query.get("key"))
        if row is None:
            raise Refused(404, "There is no note with this key.")
        return web.json_response({"note_id": f"NOTE-{row['number']}", "supplier": row["supplier"], "text": row["text"]})

    async def note(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewNote")
        if not request[CALLER].roles & {"buyer", "workload"}:
            raise Refused(403, "Only buyers write notes on suppliers.")
        supplier, number = (
            self._supplier(request[CALLER].tenant, body["supplier"], None),
            self._store.next("notes", 301),
        )
        whose = {"tenant": request[CALLER].tenant, "written_by": request[CALLER].id}
        key = request.headers.get("Idempotency-Key")
        self._store.add("notes", number=number, supplier=supplier, text=body["text"], key=key, **whose)
        return web.json_response({"note_id": f"NOTE-{number}", "supplier": supplier}, status=201)

    async def pay(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewPayment")
        if "buyer" not in request[CALLER].roles:
            raise Refused(403, "Only buyers pay invoices.")
        tenant, total, invoice_id = request[CALLER].tenant, body["total"], body["invoice"]
        with self._store.transaction():
            invoice = self._store.one("select * from invoices where tenant = ? and id = ?", tenant, invoice_id)
            if invoice is None:
                raise Refused(404, f"There is no invoice {invoice_id}.")
            if self._store.one("select 1 from payments where tenant = ? and invoice = ?", tenant, invoice_id):
                raise Refused(409, f"The invoice {invoice_id} is paid already.")
            if (invoice["minor"], invoice["currency"]) != (total["minor"], total["currency"]):
                owed = f"{invoice['minor'] / 100:,.2f} {invoice['currency']}"
                raise Refused(422, f"The invoice {invoice_id} is over {owed}.", "total")
            number = self._store.next("payments", 501)
            whose = {"tenant": tenant, "paid_by": request[CALLER].id}
            self._store.add("payments", number=number, invoice=invoice_id, **whose, **total)
        answer = {"payment_id": f"PAY-{number}", "invoice": invoice_id, "total": total, "status": "paid"}
        return web.json_response(answer, status=201)

    async def order_ledger(self, request: web.Request) -> web.Response:
        rows = self._store.all("select * from orders order by number")
        return web.json_response({"orders": [{**row, **self._told(row), "item": row["item"]} for row in rows]})

    async def change_order(self, request: web.Request) -> web.Response:
        body, order_id = await request.json(), request.match_info["order_id"]
        for column in {"status", "remark"} & body.keys():
            self._store.all(f"update orders set {column} = ? where 'PO-' || number = ?", body[column], order_id)
        return web.json_response({"order_id": order_id})

    async def note_ledger(self, request: web.Request) -> web.Response:
        return web.json_response({"notes": self._store.all("select * from notes order by number")})

    async def payment_ledger(self, request: web.Request) -> web.Response:
        return web.json_response({"payments": self._store.all("select * from payments order by number")})


def _may_see(request: web.Request, row: Mapping[str, Any]) -> bool:
    return row["placed_by"] == request[CALLER].id or bool(request[CALLER].roles & {"buyer", "workload"})


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[\w-]+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def _score(wanted: list[str], row: Mapping[str, Any]) -> int:
    """Count the words that the article's name (three times) or its other words have; plurals and compounds count."""
    name, words, total = _words(row["name"]), _words(row["words"]), 0
    for word in wanted:
        stem = word[:-1] if len(word) > 4 and word.endswith(("s", "e", "n")) else word
        total += 3 * any(_alike(stem, known) for known in name) + any(_alike(stem, known) for known in words)
    return total


def _alike(stem: str, known: str) -> bool:
    return stem == known or (len(stem) > 3 and stem in known)


def _article(row: Mapping[str, Any]) -> dict[str, Any]:
    price = {"minor": row["minor"], "currency": "EUR"}
    return {
        "article_id": row["id"],
        "name": row["name"],
        "supplier": row["supplier"],
        "price": price,
        "delivery_days": row["days"],
    }
