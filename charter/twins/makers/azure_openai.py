"""A twin of Azure OpenAI: chat completions of a deployment, with its keys, its content filter and its faults.

Sources. Path, ``api-version``, the two ways to prove oneself, and the fields of a body: Azure/azure-rest-api-specs,
``cognitiveservices/data-plane/AzureOpenAI/inference/stable/2024-10-21/inference.json`` with its example ``chat_completions``. The
filter's annotations, whole and in a stream (the prompt's results first, in a chunk without choices), and the asynchronous
filter's notes without ``delta``: MicrosoftDocs/azure-ai-docs, ``openai/concepts/content-filter-annotations.md`` and
``content-streaming.md``; its refusal of a prompt (``content_filter``, ``ResponsibleAIPolicyViolation``): the same, and the sample of
openai/openai-cookbook, ``examples/azure/chat.ipynb``. 401, ``DeploymentNotFound`` and 429 with its sentence: what users of the
service quote in public issues; ``retry-after-ms``: https://learn.microsoft.com/azure/ai-services/openai/how-to/provisioned-get-started.
"""

import math
import re
import secrets
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from charter.twins.listening import serve, take
from charter.twins.makers import chat_requests
from charter.twins.makers.chat_answers import Rendering
from charter.twins.makers.chat_requests import Refused
from charter.twins.makers.openai import includes_usage, play, read, refusal
from charter.twins.makers.scene import Heard, Scene, Stage

_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")
_OLDEST_FORMS = "2024-08-01"
"""The first version whose deployments hold an answer to a schema."""
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your "
    "prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
_LACKING = frozenset(
    {"prompt_cache_options", "prompt_cache_retention", "moderation", "web_search_options", "safety_identifier"}
)
"""Fields of OpenAI's own service that this one does not have."""


class AzureOpenAI:
    """Answers as its stage says, for who has the key or a token. ``deployments`` maps each to its model."""

    def __init__(
        self,
        stage: Stage,
        *,
        key: str = "azure-key",
        tokens: Collection[str] = (),
        deployments: Mapping[str, str] | None = None,
    ) -> None:
        self._stage = stage
        self._key = key
        self._tokens = frozenset(tokens)
        self._deployments = deployments or {"gpt-4o": "gpt-4o-2024-08-06"}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=32_000_000)
        app.router.add_post("/openai/deployments/{deployment}/chat/completions", self._completions)
        app.router.add_route("*", "/{rest:.*}", _nowhere)
        return app

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        if (unknown := self._unknown(request)) is not None:
            return unknown
        version = request.query.get("api-version", "")
        if not version:
            return await _nowhere(request)
        if _VERSION.fullmatch(version) is None:
            return _told(400, "BadRequest", "API version not supported")
        model = self._deployments.get(request.match_info["deployment"])
        if model is None:
            return _told(404, "DeploymentNotFound", _NO_DEPLOYMENT)
        try:
            body = await read(request)
            chat_requests.check(body, model=model, fields=chat_requests.FIELDS - _LACKING)
            _check_version(body, version)
        except Refused as fault:
            return refusal(fault)
        scene = await self._stage.next(Heard(request.path_qs, dict(request.headers), body))
        if scene.filtered == "prompt":
            return web.json_response(_prompt_refused(), status=400)
        if scene.status >= 400:
            return _fault(scene, version)
        rendering = Rendering(scene, model, f"chatcmpl-{secrets.token_hex(12)}", int(time.time()))
        return await play(request, body, scene, _whole(rendering), _events(rendering, body))

    def _unknown(self, request: web.Request) -> web.Response | None:
        """Return what somebody without a good key or token is told."""
        key, bearer = request.headers.get("api-key"), request.headers.get("Authorization")
        if key is None and bearer is not None:
            if bearer.removeprefix("Bearer ") in self._tokens:
                return None
            told = (
                "Unauthorized. Access token is missing, invalid, audience is incorrect "
                "(https://cognitiveservices.azure.com), or have expired."
            )
            return web.json_response({"statusCode": 401, "message": told}, status=401)
        if key is not None and secrets.compare_digest(key.encode(), self._key.encode()):
            return None
        return _told(401, "401", _NO_KEY)


_NO_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
    "subscription and use a correct regional API endpoint for your resource."
)
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please "
    "wait a moment and try again."
)


async def _nowhere(_: web.Request) -> web.Response:
    return _told(404, "404", "Resource not found")


def _told(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    told = {"apim-request-id": secrets.token_hex(16), **(headers or {})}
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=told)


def _check_version(body: Mapping[str, Any], version: str) -> None:
    wanted: Mapping[str, Any] | None = body.get("response_format")
    if wanted and wanted["type"] == "json_schema" and version < _OLDEST_FORMS:
        raise Refused(
            "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later"
        )


def _fault(scene: Scene, version: str) -> web.Response:
    if scene.status != 429:
        return _told(scene.status, "InternalServerError" if scene.status >= 500 else str(scene.status), scene.message)
    wait = scene.retry_after if scene.retry_after is not None else 1
    told = (
        f"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version {version} have exceeded call rate "
        f"limit of your current OpenAI S0 pricing tier. Please retry after {math.ceil(wait)} seconds."
    )
    headers = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(round(wait * 1000))}
    return _told(429, "429", told, headers if scene.retry_after is not None else None)


def _results(**caught: Mapping[str, Any]) -> dict[str, Any]:
    safe = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
    return {**safe, **caught}


_VIOLENT = {"filtered": True, "severity": "medium"}
_NO_ATTACK = {"filtered": False, "detected": False}


def _prompt_refused() -> dict[str, Any]:
    inner = {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": _results(violence=_VIOLENT, jailbreak=_NO_ATTACK),
    }
    told = {"message": _FILTERED, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return {"error": {**told, "innererror": inner}}


def _prompt_passed() -> list[dict[str, Any]]:
    return [{"prompt_index": 0, "content_filter_results": _results(jailbreak=_NO_ATTACK)}]


def _whole(rendering: Rendering) -> dict[str, Any]:
    answer = rendering.whole()
    choice = answer["choices"][0]
    choice["content_filter_results"] = _results()
    if rendering.scene.filtered == "answer":
        choice["content_filter_results"] = _results(violence=_VIOLENT)
        choice["message"] = {"role": "assistant", "content": None, "refusal": None}
    return {**answer, "prompt_filter_results": _prompt_passed()}


def _events(rendering: Rendering, body: Mapping[str, Any]) -> Iterable[tuple[dict[str, Any], bool]]:
    """Yield each chunk with whether it is a piece of the answer, which a cut may follow."""
    blank = {"id": "", "object": "", "created": 0, "model": ""}
    yield {**blank, "choices": [], "prompt_filter_results": _prompt_passed(), "usage": None}, False
    opening, *pieces = rendering.chunks()
    yield _noted(opening, {}), False
    for piece in pieces:
        yield _noted(piece, _results()), True
    # What the asynchronous filter has looked at so far: a choice that has no delta.
    note = {"index": 0, "finish_reason": None, "content_filter_results": _results()}
    offsets = {"check_offset": 44, "start_offset": 44, "end_offset": 198}
    yield {**blank, "choices": [{**note, "content_filter_offsets": offsets}], "usage": None}, False
    yield _noted(rendering.last(), _results(violence=_VIOLENT) if rendering.scene.filtered else {}), False
    if includes_usage(body):
        yield rendering.counted(), False


def _noted(chunk: dict[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    return {**chunk, "choices": [{**chunk["choices"][0], "content_filter_results": results}], "usage": None}


@asynccontextmanager
async def running(stage: Stage, **chosen: Any) -> AsyncGenerator[str]:
    """Serve the twin on a free port of loopback; yields the endpoint that clients are given."""
    place = take(0, "Azure OpenAI twin")
    runner = await serve(AzureOpenAI(stage, **chosen).app(), place)
    try:
        yield place.url
    finally:
        await runner.cleanup()
        place.close()
