"""A twin of Anthropic's API: messages, as JSON and as server-sent events, the count of tokens, and the list of models.

Sources. Paths, versions and headers: https://platform.claude.com/docs/en/api/overview. The key comes in ``x-api-key``, or as a
bearer token, as ``_client.py`` of anthropics/anthropic-sdk-python 2.14 sends it. Errors, by status and within a stream:
https://platform.claude.com/docs/en/api/errors. Limits: https://platform.claude.com/docs/en/api/rate-limits. Models:
https://platform.claude.com/docs/en/api/models/list. Bodies: see ``anthropic_requests`` and ``anthropic_answers``.
"""

import secrets
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from charter.twins.makers import anthropic_requests
from charter.twins.makers.anthropic_answers import Rendering, event
from charter.twins.makers.anthropic_requests import TAKEN, Counted, Refused
from charter.twins.makers.line import reachable, sent, streamed
from charter.twins.makers.scene import Heard, Scene, Stage

MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_FILTERED = "Output blocked by content filtering policy"


class Anthropic:
    """Answers as its stage says, for who has the ``key``; another may be set while it runs."""

    def __init__(self, stage: Stage, *, key: str = "sk-ant-twin", models: Collection[str] = MODELS) -> None:
        self._stage = stage
        self.key = key
        self._models = tuple(models)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32_000_000, middlewares=[self._guarded])
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._counted)
        app.router.add_get("/v1/models", self._listed)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            self._known(request)
            return await handler(request)
        except Refused as fault:
            return _refusal(fault.status, fault.kind, str(fault))

    def _known(self, request: web.Request) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        given = request.headers.get("x-api-key") or bearer
        if not given:
            raise Refused("x-api-key header is required", "authentication_error", 401)
        if not secrets.compare_digest(given.encode(), self.key.encode()):
            raise Refused("invalid x-api-key", "authentication_error", 401)
        version = request.headers.get("anthropic-version")
        if version not in TAKEN:
            said = f'"{version}" is not a valid version' if version else "header is required"
            raise Refused(f"anthropic-version: {said}")

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._read(request)
        anthropic_requests.check(body, TAKEN[request.headers["anthropic-version"]])
        scene = await self._stage.next(Heard(request.path, dict(request.headers), body))
        if scene.filtered == "prompt":
            raise Refused(_FILTERED)
        if scene.status >= 400:
            return _refusal(scene.status, _KINDS.get(scene.status, "api_error"), scene.message, _limits(scene))
        rendering = Rendering(scene, body["model"], f"msg_{secrets.token_hex(12)}")
        headers = {"request-id": f"req_{secrets.token_hex(12)}"}
        if not body.get("stream"):
            if scene.filtered:
                raise Refused(_FILTERED)
            return await sent(request, scene, orjson.dumps(rendering.whole()), headers)
        return await streamed(
            request, scene, _events(rendering, scene), _within("overloaded_error", "Overloaded"), headers
        )

    async def _counted(self, request: web.Request) -> web.Response:
        body = await self._read(request)
        anthropic_requests.check(body, Counted)
        return web.json_response({"input_tokens": len(orjson.dumps(body)) // 4})

    async def _read(self, request: web.Request) -> dict[str, Any]:
        try:
            body: Any = orjson.loads(await request.read())
        except orjson.JSONDecodeError as fault:
            raise Refused("The request body is not valid JSON.") from fault
        if not isinstance(body, dict):
            raise Refused("Input should be a valid dictionary")
        asked: dict[str, Any] = body  # pyright: ignore[reportUnknownVariableType]
        if "model" in asked and asked["model"] not in self._models:
            raise Refused(f"model: {asked['model']}", "not_found_error", 404)
        return asked

    async def _listed(self, request: web.Request) -> web.Response:
        made = "2026-02-05T00:00:00Z"
        data = [{"type": "model", "id": name, "display_name": name, "created_at": made} for name in self._models]
        page = {"has_more": False, "first_id": self._models[0], "last_id": self._models[-1]}
        return web.json_response({"data": data, **page})


def _events(rendering: Rendering, scene: Scene) -> Any:
    if scene.filtered != "answer":
        return rendering.events()
    began = [
        (each, piece)
        for each, piece in rendering.events()
        if b"message_delta" not in each and b"message_stop" not in each
    ]
    return [*began, (_within("invalid_request_error", _FILTERED), False)]


def _within(kind: str, message: str) -> bytes:
    return event({"type": "error", "error": {"type": kind, "message": message}})


def _limits(scene: Scene) -> dict[str, str]:
    return {} if scene.retry_after is None else {"retry-after": f"{scene.retry_after:g}"}


def _refusal(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    request_id = f"req_{secrets.token_hex(12)}"
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return web.json_response(body, status=status, headers={"request-id": request_id, **(headers or {})})


@asynccontextmanager
async def running(stage: Stage, **chosen: Any) -> AsyncGenerator[tuple[str, Anthropic]]:
    """Serve the twin on a free port of loopback; yields the base address that clients are given, and the twin."""
    twin = Anthropic(stage, **chosen)
    async with reachable(twin.app(), "Anthropic twin") as url:
        yield url, twin
