"""A twin of OpenAI's API: chat completions, as JSON and as server-sent events, and the list of models.

Sources. Paths and statuses: openai/openai-openapi, ``openapi.yaml`` 2.3.0 (``invalid_prompt``: ``ResponseErrorCode`` there); https://platform.openai.com/docs/guides/error-codes
(401, 404, 429, 500, 503) and "Rate limits in headers" of https://platform.openai.com/docs/guides/rate-limits. That the SDK
retries by ``retry-after-ms`` and ``retry-after``: openai/openai-python, ``_base_client.py``. Bodies: see ``chat_requests`` and
``chat_answers``.
"""

import math
import secrets
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from charter.twins.listening import serve, take
from charter.twins.makers import chat_requests
from charter.twins.makers.chat_answers import Rendering
from charter.twins.makers.chat_requests import Refused
from charter.twins.makers.scene import Heard, Scene, Stage

MODELS = ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-mini", "o3-mini", "gpt-5")
_TYPES = {429: ("requests", "rate_limit_exceeded"), 500: ("server_error", None), 503: ("server_error", None)}


class OpenAI:
    """Answers as its stage says, for who has the key."""

    def __init__(self, stage: Stage, *, key: str = "sk-twin", models: Collection[str] = MODELS) -> None:
        self._stage = stage
        self._key = key
        self._models = tuple(models)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32_000_000)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_get("/v1/models", self._listed)
        app.router.add_get("/v1/models/{model}", self._model)
        return app

    async def _listed(self, request: web.Request) -> web.Response:
        try:
            self._known(request)
        except Refused as fault:
            return refusal(fault)
        return web.json_response({"object": "list", "data": [_model(name) for name in self._models]})

    async def _model(self, request: web.Request) -> web.Response:
        try:
            self._known(request)
            return web.json_response(_model(self._there(request.match_info["model"])))
        except Refused as fault:
            return refusal(fault)

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        try:
            self._known(request)
            body = await read(request)
            if "model" not in body:
                raise Refused("you must provide a model parameter")
            model = self._there(str(body["model"]))
            chat_requests.check(body, model=model)
        except Refused as fault:
            return refusal(fault)
        scene = await self._stage.next(Heard(request.path, dict(request.headers), body))
        if scene.filtered == "prompt":
            return refusal(
                Refused(
                    "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                    code="invalid_prompt",
                )
            )
        if scene.status >= 400:
            return failure(scene)
        rendering = Rendering(scene, model, f"chatcmpl-{secrets.token_hex(12)}", int(time.time()))
        return await play(request, body, scene, rendering.whole(), _events(rendering, body))

    def _known(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refused(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
                "auth (i.e. Authorization: Bearer YOUR_KEY).",
                status=401,
            )
        if not secrets.compare_digest(key.encode(), self._key.encode()):
            raise Refused("Incorrect API key provided.", code="invalid_api_key", status=401)

    def _there(self, model: str) -> str:
        if model not in self._models:
            raise Refused(
                f"The model `{model}` does not exist or you do not have access to it.",
                code="model_not_found",
                status=404,
            )
        return model


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system"}


async def read(request: web.Request) -> dict[str, Any]:
    """Return the body of a request.

    Raises:
        Refused: it is no JSON object.
    """
    try:
        body: Any = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        body = None
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.")
    return body  # pyright: ignore[reportUnknownVariableType]


def refusal(fault: Refused) -> web.Response:
    headers = {"x-request-id": f"req_{secrets.token_hex(16)}"}
    return web.json_response(fault.body(), status=fault.status, headers=headers)


def failure(scene: Scene) -> web.Response:
    """Return the fault that a scene is."""
    kind, code = _TYPES.get(scene.status, ("invalid_request_error", None))
    body = {"error": {"message": scene.message, "type": kind, "param": None, "code": code}}
    return web.json_response(body, status=scene.status, headers=_limits(scene))


def _limits(scene: Scene) -> dict[str, str]:
    if scene.retry_after is None:
        return {}
    told = {"retry-after": str(math.ceil(scene.retry_after)), "retry-after-ms": str(round(scene.retry_after * 1000))}
    return {**told, "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{scene.retry_after:g}s"}


def _events(rendering: Rendering, body: Mapping[str, Any]) -> Iterable[tuple[dict[str, Any], bool]]:
    """Yield each chunk with whether it is a piece of the answer, which a cut may follow."""
    includes = includes_usage(body)
    more = {"usage": None} if includes else {}
    opening, *pieces = rendering.chunks()
    yield {**opening, **more}, False
    for piece in pieces:
        yield {**piece, **more}, True
    yield {**rendering.last(), **more}, False
    if includes:
        yield rendering.counted(), False


def includes_usage(body: Mapping[str, Any]) -> bool:
    options: Mapping[str, Any] | None = body.get("stream_options")
    return bool(options and options.get("include_usage"))


async def play(
    request: web.Request,
    body: Mapping[str, Any],
    scene: Scene,
    whole: Mapping[str, Any],
    events: Iterable[tuple[Mapping[str, Any], bool]],
) -> web.StreamResponse:
    """Send an answer as it was asked for, and break the line where the scene says so."""
    if scene.garbage:
        return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
    if not body.get("stream"):
        return await _sent(request, scene, orjson.dumps(whole))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    left = scene.cut_after
    for chunk, piece in events:
        if left == 0:
            return await _broken(request, response, scene)
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
        left = left - 1 if piece and left is not None else left
    await response.write(b"data: [DONE]\n\n")
    return response


async def _sent(request: web.Request, scene: Scene, answer: bytes) -> web.StreamResponse:
    if scene.cut_after is None:
        return web.Response(body=answer, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(answer))})
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    return await _broken(request, response, scene)


async def _broken(request: web.Request, response: web.StreamResponse, scene: Scene) -> web.StreamResponse:
    if not scene.ends_neatly and request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def running(stage: Stage, **chosen: Any) -> AsyncGenerator[str]:
    """Serve the twin on a free port of loopback; yields the base address that clients are given."""
    place = take(0, "OpenAI twin")
    runner = await serve(OpenAI(stage, **chosen).app(), place)
    try:
        yield f"{place.url}/v1"
    finally:
        await runner.cleanup()
        place.close()
