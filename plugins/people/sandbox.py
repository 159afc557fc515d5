"""A small HR system for the laptop: leave, pay, teams. It checks who calls and keeps what it is told.

Its own administration, for people and tests on the same machine: ``GET /_sandbox/leave``;
``PUT /_sandbox/entitlements`` with ``tenant``, ``employee``, ``leave_type`` and ``days``.
"""

import hashlib
import json
import sqlite3
from collections import Counter
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
create table employees (tenant text, id text, name text, job_title text, team text, manager text, salary int,
  currency text, primary key (tenant, id));
create table entitlements (tenant text, employee text, leave_type text, days int, primary key (tenant, employee, leave_type));
create table leave (number integer primary key, tenant text, employee text, leave_type text, start_date text,
  end_date text, days int, status text, reason text);
create table leave_days (number int, year int, days int);
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
    system = People(Store(folder / "people.sqlite"))

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


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a day off is the local day


def _seed(store: Store, tenant: str, facts: Mapping[str, Any]) -> None:
    year = _today().year
    for employee in facts["employees"]:
        store.add("employees", tenant=tenant, currency=facts["currency"], **employee)
        for leave_type, days in facts["entitlements"].items():
            store.add("entitlements", tenant=tenant, employee=employee["id"], leave_type=leave_type, days=days)
    for leave in facts["leave"]:
        number, status = int(leave["id"][3:]), "cancelled" if leave.get("cancelled") else "booked"
        kept = {name: leave.get(name) for name in ("employee", "leave_type", "days", "reason")}
        days = {"start_date": f"{year}-{leave['start']}", "end_date": f"{year}-{leave['end']}"}
        store.add("leave", number=number, tenant=tenant, status=status, **kept, **days)
        store.add("leave_days", number=number, year=year, days=leave["days"])


class People:
    """The routes of openapi.yaml, and the administration's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/leave/balance", self.balance),
            web.get("/leave/requests", self.requests),
            web.post("/leave/requests", self.request),
            web.post("/leave/requests/{request_id}/cancel", self.cancel),
            web.get("/me/manager", self.manager),
            web.get("/me/team", self.team),
            web.get("/me/payslips/{month}", self.payslip),
            web.get("/_sandbox/leave", self.ledger),
            web.put("/_sandbox/entitlements", self.entitle),
        ]

    def _employee(self, request: web.Request) -> dict[str, Any]:
        query = "select * from employees where tenant = ? and id = ?"
        row = self._store.one(query, request[CALLER].tenant, request[CALLER].id)
        if row is None:
            raise Refused(403, "The HR system knows no employee with this token.")
        return row

    def _balance(self, who: Mapping[str, Any], leave_type: str, year: int) -> dict[str, Any]:
        query = "select days from entitlements where tenant = ? and employee = ? and leave_type = ?"
        entitled = self._store.one(query, who["tenant"], who["id"], leave_type)
        query = (
            "select coalesce(sum(d.days), 0) as days from leave l join leave_days d using (number) where l.tenant = ? "
            "and l.employee = ? and l.leave_type = ? and l.status = 'booked' and d.year = ?"
        )
        booked = self._store.all(query, who["tenant"], who["id"], leave_type, year)[0]["days"]
        total = entitled["days"] if entitled else 0
        left = {"entitled_days": total, "booked_days": booked, "remaining_days": total - booked}
        return {"leave_type": leave_type, "year": year, **left}

    async def balance(self, request: web.Request) -> web.Response:
        who, leave_type = self._employee(request), request.query.get("leave_type", "")
        if leave_type not in self._store.contract["components"]["schemas"]["LeaveType"]["enum"]:
            raise Refused(422, "leave_type must be annual, sick, parental or unpaid.", "leave_type")
        return web.json_response(self._balance(who, leave_type, _today().year))

    async def requests(self, request: web.Request) -> web.Response:
        who, status = self._employee(request), request.query.get("status")
        if status not in {None, "booked", "cancelled"}:
            raise Refused(422, f"There is no status {status}.", "status")
        query = "select * from leave where tenant = ? and employee = ? order by start_date desc, number desc"
        rows = self._store.all(query, who["tenant"], who["id"])
        return web.json_response({"requests": [_told(row) for row in rows if status in {None, row["status"]}][:50]})

    async def request(self, request: web.Request) -> web.Response:
        body = await self._store.body(request, "NewLeave")
        who = self._employee(request)
        return self._store.once(request, body, lambda: self._book(who, body))

    def _book(self, who: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        first, last, kind = body["start_date"], body["end_date"], body["leave_type"]
        years = _working_days(first, last)
        self._refuse_overlap(who, first, last)
        for year, days in years.items():
            left = self._balance(who, kind, year)["remaining_days"]
            # Illness asks for no balance.
            if kind != "sick" and days > left:
                raise Refused(409, f"You have {left} days of {kind} leave left in {year}, and this takes {days}.")
        number, days = self._store.next("leave", 1101), sum(years.values())
        about = {"leave_type": kind, "start_date": first, "end_date": last, "days": days, "status": "booked"}
        whose = {"tenant": who["tenant"], "employee": who["id"], "reason": body.get("reason")}
        self._store.add("leave", number=number, **whose, **about)
        for year, taken in years.items():
            self._store.add("leave_days", number=number, year=year, days=taken)
        left = self._balance(who, kind, int(first[:4]))["remaining_days"]
        return 201, {"request_id": f"LR-{number}", **about, "remaining_days": left}

    def _refuse_overlap(self, who: Mapping[str, Any], first: str, last: str) -> None:
        query = (
            "select * from leave where tenant = ? and employee = ? and status = 'booked' "
            "and start_date <= ? and end_date >= ? order by number"
        )
        other = self._store.one(query, who["tenant"], who["id"], last, first)
        if other is not None:
            days = f"from {other['start_date']} to {other['end_date']}"
            raise Refused(409, f"You have leave {days} already (LR-{other['number']}).")

    async def cancel(self, request: web.Request) -> web.Response:
        who, request_id = self._employee(request), request.match_info["request_id"]

        def act() -> tuple[int, dict[str, Any]]:
            query = "select * from leave where tenant = ? and employee = ? and 'LR-' || number = ?"
            row = self._store.one(query, who["tenant"], who["id"], request_id)
            if row is None:
                raise Refused(404, f"You have no leave request {request_id}.")
            if row["status"] == "cancelled":
                raise Refused(409, f"{request_id} is cancelled already.")
            self._store.all("update leave set status = 'cancelled' where number = ?", row["number"])
            return 200, {"request_id": request_id, "status": "cancelled"}

        return self._store.once(request, None, act)

    async def manager(self, request: web.Request) -> web.Response:
        who = self._employee(request)
        row = self._store.one("select * from employees where tenant = ? and id = ?", who["tenant"], who["manager"])
        if row is None:
            raise Refused(404, "You have no manager on record.")
        return web.json_response(_colleague(row))

    async def team(self, request: web.Request) -> web.Response:
        who = self._employee(request)
        query = "select * from employees where tenant = ? and (manager = ? or team = ?) and id <> ? order by name"
        rows = self._store.all(query, who["tenant"], who["id"], who["team"], who["id"])
        return web.json_response({"team": who["team"], "members": [_colleague(row) for row in rows]})

    async def payslip(self, request: web.Request) -> web.Response:
        who, month = self._employee(request), request.match_info["month"]
        try:
            paid_on = date.fromisoformat(f"{month}-25")
        except ValueError as fault:
            raise Refused(422, "The month must be written as YYYY-MM.", "month") from fault
        if paid_on > _today() or paid_on.year < _today().year - 3:
            raise Refused(404, f"There is no payslip for {month}.")
        gross, net = (
            {"minor": minor, "currency": who["currency"]} for minor in (who["salary"], who["salary"] * 62 // 100)
        )
        about = {"payslip_id": f"PS-{who['id']}-{month}", "month": month, "paid_on": str(paid_on)}
        return web.json_response({**about, "gross": gross, "net": net})

    async def ledger(self, request: web.Request) -> web.Response:
        rows = self._store.all("select * from leave order by number")
        return web.json_response({"leave": [{**row, "request_id": f"LR-{row['number']}"} for row in rows]})

    async def entitle(self, request: web.Request) -> web.Response:
        body = await request.json()
        query = "update entitlements set days = ? where tenant = ? and employee = ? and leave_type = ?"
        self._store.all(query, body["days"], body["tenant"], body["employee"], body["leave_type"])
        return web.json_response(body)


def _working_days(first: str, last: str) -> Counter[int]:
    """Return the working days from first to last, by year.

    Raises:
        Refused: the last day comes before the first, there is none, or there are too many.
    """
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    if end < start:
        raise Refused(422, "The last day off comes before the first.", "end_date")
    if (end - start).days > 366:
        raise Refused(422, "Leave of more than a year is agreed with HR in person.", "end_date")
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    years = Counter(day.year for day in days if day.weekday() < 5)
    if not years:
        raise Refused(422, "There is no working day in between.", "start_date")
    return years


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("leave_type", "start_date", "end_date", "days", "status", "reason")
    return {"request_id": f"LR-{row['number']}", **{name: row[name] for name in kept}}


def _colleague(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"employee_id": row["id"], "name": row["name"], "job_title": row["job_title"]}
