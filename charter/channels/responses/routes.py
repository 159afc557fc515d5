"""The OpenAI doors: parse, start or read a run, render."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import orjson
import structlog
from aiohttp import web

from charter.channels import sse
from charter.channels.reading import body, caller, context, idempotency_key
from charter.channels.responses import following, messages, response, sentences, threads
from charter.channels.responses.completion import CompletionStream, completion, unanswered
from charter.channels.responses.following import Following
from charter.channels.responses.ids import run_of_response
from charter.channels.responses.messages import Conversation
from charter.channels.responses.schemas import CreateChatCompletion, CreateResponse
from charter.channels.responses.streaming import ResponseStream
from charter.context import Context
from charter.errors import CharterError, FieldError, InvalidRequest, NotFound
from charter.runs.run import Run, StartRun
from charter.runs.service import RunService

_log = structlog.get_logger(__name__)

_LONGEST_WAIT = 230.0
"""Below the request time-outs of usual cloud ingresses (four minutes) and of the clients (ten)."""


def routes(service: RunService) -> list[web.RouteDef]:
    door = _Door(service)
    return [
        web.post("/v1/responses", door.create_response),
        web.get("/v1/responses/{response}", door.response),
        web.post("/v1/chat/completions", door.create_completion),
        web.get("/v1/models", door.models),
        web.get("/v1/models/{model}", door.model),
    ]


class _Door:
    def __init__(self, service: RunService) -> None:
        self._service = service

    async def create_response(self, request: web.Request) -> web.StreamResponse:
        asked = await body(request, CreateResponse)
        ctx = _context(request)
        said = messages.read(asked.input, "/input")
        thread = await self._thread(ctx, asked)
        kept = {response.PREVIOUS: asked.previous_response_id} if asked.previous_response_id else {}
        metadata = {**(asked.metadata or {}), **kept}
        run, new = await self._start(request, ctx, asked.model, said, thread, metadata, streams=bool(asked.stream))
        if asked.stream:
            following = Following(self._service, ctx, run.id, live=new)
            return await self._stream(request, following, ResponseStream(run, self._origin(request)))
        if not asked.background:
            run = await self._service.wait(ctx, run.id, _LONGEST_WAIT)
        return await self._response(request, ctx, run)

    async def response(self, request: web.Request) -> web.StreamResponse:
        ctx = _context(request)
        run = await self._known(ctx, request.match_info["response"])
        if request.query.get("stream") == "true":
            _from_the_beginning(request)
            following = Following(self._service, ctx, run.id, live=False)
            return await self._stream(request, following, ResponseStream(run, self._origin(request)))
        return await self._response(request, ctx, run)

    async def create_completion(self, request: web.Request) -> web.StreamResponse:
        asked = await body(request, CreateChatCompletion)
        ctx = _context(request)
        said = messages.read(asked.messages, "/messages")
        metadata = asked.metadata or {}
        run, new = await self._start(request, ctx, asked.model, said, None, metadata, streams=bool(asked.stream))
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            following = Following(self._service, ctx, run.id, live=new)
            return await self._stream(
                request, following, CompletionStream(run, self._origin(request), include_usage=usage)
            )
        return await self._completion(request, ctx, await self._service.wait(ctx, run.id, _LONGEST_WAIT))

    async def models(self, request: web.Request) -> web.Response:
        agents = self._service.agents(context(request))
        return _json({"object": "list", "data": [_model(agent) for agent in agents]})

    async def model(self, request: web.Request) -> web.Response:
        return _json(_model(self._service.agent(context(request), request.match_info["model"])))

    async def _known(self, ctx: Context, response_id: str) -> Run:
        run_id = run_of_response(response_id)
        try:
            return await self._service.get(ctx, run_id)
        except NotFound as fault:
            raise NotFound(f"There is no response {response_id[:80]}.") from fault

    async def _thread(self, ctx: Context, asked: CreateResponse) -> str | None:
        if asked.conversation is not None and asked.previous_response_id is not None:
            twice = [FieldError("/conversation", "leave this or previous_response_id out")]
            raise InvalidRequest("Name the conversation or the previous response, not both.", errors=twice)
        if asked.previous_response_id is not None:
            return (await self._known(ctx, asked.previous_response_id)).thread
        return asked.conversation if isinstance(asked.conversation, str | None) else asked.conversation.id

    async def _start(
        self,
        request: web.Request,
        ctx: Context,
        agent: str,
        said: Conversation,
        thread: str | None,
        metadata: Mapping[str, str],
        *,
        streams: bool,
    ) -> tuple[Run, bool]:
        thread = thread or await threads.thread_of(self._service, ctx, agent, said.earlier)
        key = idempotency_key(request)
        if key is None and _again(request):
            # The stock clients repeat a request when the line breaks. What it started is not started twice.
            known = await threads.earlier_try(self._service, ctx, agent, said, thread)
            if known is not None:
                return known, False
        start = StartRun(agent, said.text, thread, metadata, key, streams=streams, images=said.images)
        return await self._service.start(ctx, start, assertion=caller(request).token)

    async def _response(self, request: web.Request, ctx: Context, run: Run) -> web.Response:
        texts = await following.spoken(self._service, ctx, run)
        return _json(response.response(run, response.output(run, texts, self._origin(request))))

    async def _completion(self, request: web.Request, ctx: Context, run: Run) -> web.Response:
        if run.status in {"failed", "cancelled"}:
            raise unanswered(run)
        texts = await following.spoken(self._service, ctx, run)
        if not run.settled:
            texts.append(sentences.working(run))
        return _json(completion(run, texts, self._origin(request)))

    async def _stream(
        self, request: web.Request, following: Following, wire: ResponseStream | CompletionStream
    ) -> web.StreamResponse:
        try:
            answer = await sse.open_stream(request)
        except BaseException:
            await following.close()
            raise
        with suppress(ConnectionError):  # the client is gone; the run goes on
            await sse.send(answer, _lines(following, wire))
        return answer

    def _origin(self, request: web.Request) -> str:
        """Return where links lead: the address that settings say, whatever name a request came by."""
        return self._service.http.public_url.rstrip("/") or str(request.url.origin())


async def _lines(following: Following, wire: ResponseStream | CompletionStream) -> AsyncIterator[bytes]:
    """Render what is heard. The headers are out: whatever goes wrong now is told in the stream."""
    try:
        for line in wire.begin():
            yield line
        async with aclosing(following.told()) as told:
            async for event in told:
                for line in wire.tell(event):
                    yield line
    except CharterError as fault:
        yield wire.fail(fault)
    except Exception:  # noqa: BLE001 - logged with its trace
        _log.exception("stream failed")
        yield wire.fail(CharterError())
    finally:
        await following.close()


def _context(request: web.Request) -> Context:
    return replace(context(request), channel="responses")


def _again(request: web.Request) -> bool:
    """Whether the client says that it sends this request again."""
    count = request.headers.get("x-stainless-retry-count", "0")
    return count.isdecimal() and int(count) > 0


def _from_the_beginning(request: web.Request) -> None:
    if request.query.get("starting_after", "0") != "0":
        wrong = [FieldError("/starting_after", "leave it out; GET /v1/runs/{run}/events resumes by Last-Event-ID")]
        raise InvalidRequest("The stream of a response begins at its beginning.", errors=wrong)


def _model(agent: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": agent["name"], "object": "model", "created": 0, "owned_by": agent["owner"]}


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
