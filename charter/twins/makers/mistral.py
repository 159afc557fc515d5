"""A twin of Mistral's API: chat completions, as JSON and as server-sent events, and the list of models.

Sources. Paths: https://docs.mistral.ai/api and ``chat.py`` of mistralai/client-python, which asks for a stream with ``#stream``
behind the path, which no server sees. Errors: the bodies that the client's users quote
(``{"object": "error", "message", "type", "param", "code"}``), https://docs.mistral.ai/resources/error-codes. A guardrail answers
with 403: ``models/guardrailconfig.py`` there and https://docs.mistral.ai/capabilities/guardrailing; the words of that answer
are not published, and are this twin's own. Models: ``models/basemodelcard.py`` there. Bodies: see
``mistral_requests`` and ``mistral_answers``.
"""

import secrets
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from charter.twins.makers import mistral_requests
from charter.twins.makers.line import reachable, sent, streamed
from charter.twins.makers.mistral_answers import Rendering
from charter.twins.makers.mistral_requests import Malformed, Refused
from charter.twins.makers.scene import Heard, Scene, Stage

MODELS = ("mistral-large-latest", "mistral-medium-latest", "mistral-small-latest")
_KINDS = {429: ("rate_limited", "1300"), 503: ("service_unavailable", "3505")}


class Mistral:
    """Answers as its stage says, for who has the ``key``; another may be set while it runs."""

    def __init__(self, stage: Stage, *, key: str = "mistral-twin", models: Collection[str] = MODELS) -> None:
        self._stage = stage
        self.key = key
        self._models = tuple(models)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32_000_000, middlewares=[self._guarded])
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_get("/v1/models", self._listed)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not secrets.compare_digest(key.encode(), self.key.encode()):
            return web.json_response({"detail": "Unauthorized"}, status=401)
        try:
            return await handler(request)
        except Malformed as fault:
            return web.json_response({"detail": fault.detail}, status=422)
        except Refused as fault:
            return _refusal(fault.status, str(fault), fault.kind, fault.code)

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await _read(request)
        mistral_requests.check(body)
        if body["model"] not in self._models:
            raise Refused(f"Invalid model: {body['model']}", "invalid_model", "1500")
        scene = await self._stage.next(Heard(request.path, dict(request.headers), body))
        if scene.filtered:
            raise Refused("The request was blocked by a guardrail.", "guardrail_blocked", status=403)
        if scene.status >= 400:
            kind, code = _KINDS.get(scene.status, ("internal_server_error", "3000"))
            return _refusal(scene.status, scene.message, kind, code, _limits(scene))
        rendering = Rendering(scene, body["model"], secrets.token_hex(16), int(time.time()))
        headers = {"mistral-correlation-id": secrets.token_hex(16)}
        if body.get("stream"):
            return await streamed(request, scene, rendering.events(), rendering.failing(), headers)
        return await sent(request, scene, orjson.dumps(rendering.whole()), headers)

    async def _listed(self, request: web.Request) -> web.Response:
        able = {"completion_chat": True, "function_calling": True, "vision": True}
        data = [
            {
                "id": name,
                "type": "base",
                "object": "model",
                "created": 1_764_000_000,
                "owned_by": "mistralai",
                "capabilities": able,
            }
            for name in self._models
        ]
        return web.json_response({"object": "list", "data": data})


async def _read(request: web.Request) -> dict[str, Any]:
    try:
        body: Any = orjson.loads(await request.read())
    except orjson.JSONDecodeError as fault:
        said: dict[str, Any] = {"type": "json_invalid", "loc": ["body", fault.pos], "msg": "JSON decode error"}
        raise Malformed([said]) from fault
    if not isinstance(body, dict):
        said = {"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary"}
        raise Malformed([said])
    return body  # pyright: ignore[reportUnknownVariableType]


def _limits(scene: Scene) -> dict[str, str]:
    return {} if scene.retry_after is None else {"retry-after": f"{scene.retry_after:g}"}


def _refusal(
    status: int, message: str, kind: str, code: str | None, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return web.json_response({**body, "raw_status_code": status}, status=status, headers=headers)


@asynccontextmanager
async def running(stage: Stage, **chosen: Any) -> AsyncGenerator[tuple[str, Mistral]]:
    """Serve the twin on a free port of loopback; yields the base address that clients are given, and the twin."""
    twin = Mistral(stage, **chosen)
    async with reachable(twin.app(), "Mistral twin") as url:
        yield url, twin
