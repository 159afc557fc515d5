"""The way into one business system as one principal: bounded in time and size, and never led elsewhere."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import aiohttp
import orjson
from yarl import URL

from charter.catalog.spec import ConnectionSpec
from charter.context import Context
from charter.errors import Unavailable
from charter.identity.grants import Grants
from charter.plugin import FunctionFailed, Response
from charter.secrets.secrets import Secrets
from charter.telemetry.masking import MASKED

SECONDS = 30.0
LIMIT_BYTES = 1_000_000
_LEAST_KEY = 6
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Token = Callable[[bool], Awaitable[str | None]]
"""Takes whether it must be a fresh one."""


def bearer(grants: Grants, secrets: Secrets, spec: ConnectionSpec, ctx: Context) -> Token:
    """Return where the token for this connection comes from: the principal's own authority, the host's, the vault, or
    none.
    """

    async def token(fresh: bool) -> str | None:
        match spec.as_:
            case "caller":
                return await grants.token(ctx, spec.scope, fresh=fresh)
            case "host":
                return await grants.host_token(ctx.tenant, spec.scope, agent=ctx.agent, fresh=fresh)
            case "secret":
                return await _key(secrets, spec, fresh=fresh)
            case "none":
                return None

    return token


async def _key(secrets: Secrets, spec: ConnectionSpec, *, fresh: bool) -> str:
    try:
        key = await secrets.live(spec.secret)(fresh)
    except Unavailable as fault:
        raise FunctionFailed("The key to the business system cannot be had.", happened=False) from fault
    if len(key) < _LEAST_KEY:
        raise FunctionFailed("The key to the business system is no key.", happened=False)
    return key


LastLook = Callable[[], Awaitable[None]]
"""Raises where a request must not leave any more."""


def last_looks() -> aiohttp.TraceConfig:
    """Return what makes a client session look once more when a request's first byte is about to be written: the token
    is fetched by then, and the connection made.
    """

    async def look(_: Any, context: Any, __: Any) -> None:
        if (last_look := context.trace_request_ctx) is not None:
            await last_look()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(look)
    return trace


class HttpConnection:
    """``charter.plugin.Connection`` over HTTP. ``token`` is asked anew for each request; ``None`` sends none.
    ``last_look`` is heeded where ``http`` was opened with ``last_looks()``.
    """

    def __init__(
        self,
        spec: ConnectionSpec,
        http: aiohttp.ClientSession,
        token: Token,
        *,
        seconds: float = SECONDS,
        last_look: LastLook | None = None,
    ) -> None:
        self._spec = spec
        self._http = http
        self._token = token
        self._last_look = last_look
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request below the plugin's base address.

        Raises:
            FunctionFailed: not sent, no answer, a redirect, an answer that is too large or not JSON.
            AuthorityLost: the principal's token could not be had; nothing was sent.
        """
        url = self._address(path)
        if any(_CONTROL.search(f"{name}{value}") for name, value in (headers or {}).items()):
            raise FunctionFailed("The request could not be sent: a header has a control character.")
        payload = None if body is None else orjson.dumps(body)
        answer = await self._once(method, url, query, payload, headers or {}, fresh=False)
        if answer.status == 401 and self._spec.as_ != "none":
            # The target may have changed its mind about a token that we remembered; a refused call did nothing.
            answer = await self._once(method, url, query, payload, headers or {}, fresh=True)
        return answer

    async def _once(
        self,
        method: str,
        url: URL,
        query: Mapping[str, Any] | None,
        payload: bytes | None,
        headers: Mapping[str, str],
        *,
        fresh: bool,
    ) -> Response:
        sent = {"Accept": "application/json", **headers}
        token = await self._token(fresh)
        if token and _CONTROL.search(token):
            raise FunctionFailed("The request could not be sent: the key has a control character.")
        if token:
            # Last, so that it stands in for whatever a model chose, however that is spelt.
            sent[self._spec.header] = f"{self._spec.prefix}{token}"
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")
        # What was sent and not answered may have happened; a reading request changes nothing.
        happened = False if method in {"GET", "HEAD"} else None
        try:
            async with self._http.request(
                method,
                url,
                params=_pairs(query),
                data=payload,
                headers=sent,
                timeout=self._timeout,
                allow_redirects=False,
                trace_request_ctx=self._last_look,
            ) as answer:
                return Response(answer.status, await _body(answer, happened, token))
        except aiohttp.ClientConnectorError as fault:
            raise FunctionFailed("The business system cannot be reached.", happened=False) from fault
        except TimeoutError as fault:
            raise FunctionFailed("The business system did not answer in time.", happened=happened) from fault
        except aiohttp.ClientError as fault:
            raise FunctionFailed("The connection to the business system broke.", happened=happened) from fault

    def _address(self, path: str) -> URL:
        base = self._spec.base_url.rstrip("/")
        url = base + (path if path.startswith("/") else f"/{path}")
        target, home = urlsplit(url), urlsplit(base)
        allowed = {home.netloc, *self._spec.egress}
        if (
            target.scheme not in {"http", "https"}
            or target.netloc not in allowed
            or not target.path.startswith(home.path)
            or _climbs(target.path)
        ):
            raise FunctionFailed("The address is not one that this plugin may call.")
        # Already encoded, piece by piece: encoding once more would change what was meant.
        return URL(url, encoded=True)


def _pairs(query: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return the query as text: lists repeated, booleans in small letters, and nothing for ``None``."""
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        values = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(v).lower() if isinstance(v, bool) else str(v)) for v in values if v is not None]
    return pairs


def _climbs(path: str) -> bool:
    # Servers differ in what they take for a dot segment; the most generous reading counts.
    return any(part in {".", ".."} for part in re.split(r"[/\\]", unquote(path)))


async def _body(answer: aiohttp.ClientResponse, happened: bool | None, token: str | None) -> Any:
    if 300 <= answer.status < 400:
        raise FunctionFailed(
            "The business system pointed elsewhere, which is not followed.", happened=happened, status=answer.status
        )
    raw = b""
    async for chunk in answer.content.iter_chunked(65_536):
        raw += chunk
        if len(raw) > LIMIT_BYTES:
            raise FunctionFailed(
                "The answer of the business system is too large.", happened=happened, status=answer.status
            )
    if not raw.strip():
        return None
    if token is not None and len(token) >= _LEAST_KEY:
        # A system that shows what it was sent must not show it to a model.
        raw = raw.replace(token.encode(), MASKED.encode())
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        if answer.status >= 400:
            return None
        raise FunctionFailed(
            "The business system did not answer in JSON.", happened=happened, status=answer.status
        ) from fault


class Unconnected:
    """The connection of a plugin that declares none."""

    async def request(self, method: str, path: str, **_: Any) -> Response:
        """Refuse.

        Raises:
            FunctionFailed: always.
        """
        raise FunctionFailed("This plugin has no connection.")
