"""A small Bot Connector and token service over real HTTP, strict in what it takes and telling what it got when."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from charter.channels.teams.incoming import Account, Place
from charter.settings.teams import Teams

Json = dict[str, Any]


@dataclass(slots=True)
class Got:
    """One request: what it asked for, when it came by the server's clock, and what it was answered."""

    operation: str
    conversation: str
    body: Json
    at: float
    token: str
    query: dict[str, str]
    target: str = ""
    status: int = 200

    @property
    def stream(self) -> str:
        return str(self.body.get("channelData", {}).get("streamType", ""))


@dataclass(slots=True)
class Fault:
    """What the next ``times`` requests of an operation are answered instead, after ``after`` that are served; in one
    ``conversation``, if one is named; not before ``until``, if that is given.
    """

    operation: str
    status: int
    body: Json = field(default_factory=dict[str, Any])
    times: int = 1
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0
    conversation: str = ""
    until: asyncio.Event | None = None


def stopped(message: str) -> Json:
    return {"error": {"code": "ContentStreamNotAllowed", "message": message}}


@dataclass(slots=True)
class Line:
    """The server's side: ``got`` in the order of arrival, ``faults`` to come, ``texts`` as people would read them."""

    url: str = ""
    got: list[Got] = field(default_factory=list[Got])
    faults: list[Fault] = field(default_factory=list[Fault])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    members: list[Json] = field(default_factory=list[Json])
    page: int = 2

    def place(self, conversation: str = "a:alice", scope: Any = "personal", root: str = "") -> Place:
        return Place(self.url, conversation, scope, Account("28:bot", name="Charter"), root)

    def settings(self, **more: Any) -> Teams:
        return Teams(service_urls=(self.url,), token_service=f"{self.url}token", **more)

    def of(self, operation: str) -> list[Got]:
        return [got for got in self.got if got.operation == operation]

    def fail(self, operation: str, status: int, **more: Any) -> None:
        self.faults.append(Fault(operation, status, **more))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        operation, where, target = _operation(request)
        body = await request.json() if request.can_read_body else {}
        token = request.headers.get("Authorization", "")
        got = Got(operation, where, body, time.monotonic(), token, dict(request.query), target)
        self.got.append(got)
        if fault := self._due(got):
            got.status = fault.status
            await asyncio.sleep(fault.delay)
            if fault.until is not None:
                await fault.until.wait()
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        return self._served(got)

    def _due(self, got: Got) -> Fault | None:
        kinds = {got.operation, got.stream} - {""}
        for fault in self.faults:
            if fault.operation in kinds and fault.times > 0 and fault.conversation in ("", got.conversation):
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _served(self, got: Got) -> web.StreamResponse:
        match got.operation:
            case "create":
                return web.json_response({"id": f"a:{got.body['members'][0]['id']}"}, status=201)
            case "members":
                first = int(got.query.get("continuationToken", "0"))
                more = {"continuationToken": str(first + self.page)} if first + self.page < len(self.members) else {}
                return web.json_response({"members": self.members[first : first + self.page], **more})
            case "edit":
                self.texts[got.target] = got.body.get("text", "")
                return web.json_response({"id": got.target})
            case "delete":
                self.texts.pop(got.target)
                return web.Response()
            case "send":
                return self._said(got)
            case _:
                return self._token(got)

    def _said(self, got: Got) -> web.StreamResponse:
        if got.stream and (known := got.body["channelData"].get("streamId")):
            assert got.body["text"].startswith(self.texts[known]) or got.body["type"] == "message"
            self.texts[known] = got.body["text"]
            return web.Response(status=202)
        identifier = f"m{len(self.got)}"
        self.texts[identifier] = got.body.get("text", "") if got.stream != "informative" else ""
        return web.json_response({"id": identifier}, status=201)

    def _token(self, got: Got) -> web.StreamResponse:
        if got.operation == "GetSignInResource":
            exchange = {"id": "1", "uri": "api://charter"}
            return web.json_response({"signInLink": "https://sign.in/", "tokenExchangeResource": exchange})
        found = self.tokens.get(got.query.get("code") or got.body.get("token") or got.query.get("userId", ""))
        if got.operation == "SignOut" or found is None:
            return web.json_response({}, status=200 if got.operation == "SignOut" else 404)
        return web.json_response({"connectionName": got.query["connectionName"], "token": found})


def _operation(request: web.Request) -> tuple[str, str, str]:
    parts = request.path.strip("/").split("/")
    if parts[0] == "token":
        return parts[-1], "", ""
    if parts == ["v3", "conversations"]:
        return "create", "", ""
    if parts[-1] == "pagedMembers":
        return "members", parts[2], ""
    if request.method in ("PUT", "DELETE"):
        return ("edit" if request.method == "PUT" else "delete"), parts[2], parts[4]
    return "send", parts[2], ""


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    here = Line()
    app = web.Application(client_max_size=1_000_000)
    app.router.add_route("*", "/{path:.*}", here.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        here.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield here
    finally:
        await runner.cleanup()
