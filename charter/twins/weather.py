"""Bad weather on demand, and who called: around any sandbox, without its knowledge.

``GET /_sandbox/calls`` lists the calls with their callers. ``POST /_sandbox/faults`` orders what befalls the next calls:
``{"method": "POST", "path": "/orders", "delay_seconds": 2, "cut": "before", "status": 503, "times": 1}``. ``cut`` breaks
the connection ``before`` or ``after`` the work is done; ``status`` answers so instead of working. ``DELETE`` clears all.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

import pydantic
from aiohttp import web

from charter.twins.caller import Verify

_REMEMBERED = 10_000

_present: ContextVar[dict[str, Any]] = ContextVar("call of a sandbox")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(pydantic.BaseModel):
    """What befalls calls of ``method`` (any when empty) whose path begins with ``path``."""

    model_config = pydantic.ConfigDict(extra="forbid")

    method: str = ""
    path: str = "/"
    delay_seconds: float = pydantic.Field(default=0, ge=0, le=120)
    cut: str = pydantic.Field(default="", pattern="^(|before|after)$")
    status: int = pydantic.Field(default=0, ge=0, le=599)
    times: int = pydantic.Field(default=1, ge=1, le=10_000)


class Weather:
    """The faults in store for one sandbox, and the calls it has had."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._calls: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def surround(self, application: web.Application) -> None:
        """Put the weather around an application that does not serve yet."""

        @web.middleware
        async def weather(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        application.middlewares.insert(0, weather)
        application.router.add_get("/_sandbox/calls", self._told)
        application.router.add_post("/_sandbox/faults", self._ordered)
        application.router.add_delete("/_sandbox/faults", self._cleared)

    def _next(self, request: web.Request) -> Fault | None:
        for fault in self._faults:
            if request.path.startswith(fault.path) and fault.method in ("", request.method):
                fault.times -= 1
                self._faults = [left for left in self._faults if left.times]
                return fault
        return None

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        fault = self._next(request) or Fault()
        # The whole request is here before any delay: a caller who gives up meanwhile does not stop the work.
        await request.read()
        await asyncio.sleep(fault.delay_seconds)
        if fault.cut == "before":
            return _broken(request)
        call: dict[str, Any] = {"method": request.method, "path": request.path, "caller": None, "tenant": None}
        call["idempotency_key"] = request.headers.get("Idempotency-Key")
        _present.set(call)
        answer = web.Response(status=fault.status) if fault.status else await handler(request)
        call["status"] = answer.status
        self._calls.append(call)
        return _broken(request) if fault.cut == "after" else answer

    async def _told(self, request: web.Request) -> web.Response:
        return web.json_response({"calls": list(self._calls)})

    async def _ordered(self, request: web.Request) -> web.Response:
        try:
            self._faults.append(Fault.model_validate_json(await request.read()))
        except pydantic.ValidationError as wrong:
            raise web.HTTPUnprocessableEntity(text=str(wrong)) from wrong
        return web.json_response({"faults": [fault.model_dump() for fault in self._faults]}, status=201)

    async def _cleared(self, request: web.Request) -> web.Response:
        self._faults = []
        return web.json_response({"faults": []})


def watched(verify: Verify) -> Verify:
    """Return the same verifier; whom it names is noted as the caller of the call that is being served."""

    async def verify_and_note(token: str) -> Mapping[str, Any]:
        claims = await verify(token)
        _present.get({}).update(caller=claims["oid"], tenant=claims["tid"])
        return claims

    return verify_and_note


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
