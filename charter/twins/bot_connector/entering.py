"""Each call of a bot: who it is, what befalls it, and what is written down of it."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from charter.twins.bot_connector.refusals import Refused, bad, unauthorized
from charter.twins.bot_connector.state import CHANNEL, Channel

Json = dict[str, Any]
Named = Callable[[web.Request, Json], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call. ``body`` is empty where it had none; ``size`` is how long it was as Teams counts, in UTF-16."""

    channel: Channel
    request: web.Request
    operation: str
    body: Json
    size: int

    @property
    def conversation(self) -> str:
        return self.request.match_info.get("conversation", "")

    @property
    def activity(self) -> str:
        return self.request.match_info.get("activity", "")

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query


def door(name: str | Named, work: Callable[[Asked], Awaitable[web.Response]]) -> Callable[..., Awaitable[web.Response]]:
    """Return a handler that believes the bot alone; ``name`` tells the operation, by its body where that decides."""

    async def answer(request: web.Request) -> web.Response:
        channel, began = request.app[CHANNEL], time.monotonic()
        text = await request.text()
        body = _parsed(text)
        operation = name if isinstance(name, str) else name(request, body or {})
        entry = channel.record(
            "asked",
            operation=operation,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            conversation=request.match_info.get("conversation", ""),
            caller=None,
            body=body,
        )
        try:
            entry["caller"] = await _caller(channel, request)
            response = await _served(Asked(channel, request, operation, _object(text, body), 2 * len(text)), work)
        except Refused as refusal:
            entry["refused"] = refusal.text
            response = refusal.response()
        entry |= {"status": response.status, "seconds": time.monotonic() - began}
        return response

    return answer


async def _served(asked: Asked, work: Callable[[Asked], Awaitable[web.Response]]) -> web.Response:
    fault = await asked.channel.faults.take(asked.operation, asked.conversation.partition(";")[0])
    if fault is not None and not fault.after:
        return fault.response()
    response = await work(asked)
    return fault.response() if fault is not None else response


async def _caller(channel: Channel, request: web.Request) -> Json:
    """Return which application calls.

    Raises:
        Refused: nobody who can prove it, or another one than the bot.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized()
    try:
        claims = await channel.verify(token)
    except PermissionError as fault:
        raise unauthorized() from fault
    if claims.get("idtyp") != "app" or claims.get("azp", claims.get("appid")) != channel.bot.id:
        raise Refused(403, "ForbiddenOperationException", "The application is not the bot of this conversation.")
    return {"appid": channel.bot.id, "tenant": claims["tid"]}


def _parsed(text: str) -> Json | None:
    try:
        value: object = json.loads(text) if text else None
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def _object(text: str, body: Json | None) -> Json:
    if text and body is None:
        raise bad("The body is not a JSON object.")
    return body or {}
