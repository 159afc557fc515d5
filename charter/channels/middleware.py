"""Request becomes Context; every request has a span. What is not declared public asks for a token."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from aiohttp import web
from aiohttp.typedefs import Middleware
from opentelemetry.trace import SpanKind, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from charter.channels.reading import CALLER
from charter.errors import Misdirected
from charter.identity.authentication import Authenticator, Caller
from charter.telemetry.tracing import Trace, Tracing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PUBLIC = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORT = re.compile(r":\d*$")
_PROPAGATOR = TraceContextTextMapPropagator()


def authentication(
    authenticator: Authenticator,
    own_sign_in: Collection[web.Application] = (),
    self_guarded: Collection[Handler] = (),
) -> Middleware:
    """Give each request its caller, or refuse it. Doors of the applications ``own_sign_in``, and those whose handler is
    one of ``self_guarded``, see to that themselves.
    """

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _canonical(request) in PUBLIC or any(app in own_sign_in for app in request.match_info.apps):
            return await handler(request)
        if request.match_info.handler in self_guarded:
            return await handler(request)
        if len(request.headers.getall("Authorization", ())) > 1:
            known = await authenticator.authenticate(None)
        else:
            known = await authenticator.authenticate(request.headers.get("Authorization"))
        request[CALLER] = Caller(replace(known.ctx, channel="api"), known.token)
        return await handler(request)

    return authenticate


def own_names(names: Collection[str]) -> Middleware:
    """Refuse whoever asks for another name; without ``names`` any will do.

    Where signing in needs no password, a page elsewhere that points its own name at this machine must not get there.
    """

    @web.middleware
    async def named(request: web.Request, handler: Handler) -> web.StreamResponse:
        if names and _PORT.sub("", request.host).lower() not in names:
            raise Misdirected()
        return await handler(request)

    return named


def tracing(tracer: Tracing) -> Middleware:
    """Open the server's span of each request, within the caller's trace where a traceparent came."""

    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = _canonical(request) or "unknown"
        attributes = {"http.request.method": request.method, "http.route": route}
        with tracer.span(request.method, route, attributes, kind=SpanKind.SERVER, parent=_parent(request)) as span:
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            return response

    return trace


def _canonical(request: web.Request) -> str | None:
    """Return the door that was found for the request: what a path merely looks like opens nothing."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else None


def _parent(request: web.Request) -> Trace | None:
    if "traceparent" not in request.headers:
        return None
    remote = get_current_span(_PROPAGATOR.extract({"traceparent": request.headers["traceparent"]})).get_span_context()
    return Trace(f"{remote.trace_id:032x}", f"{remote.span_id:016x}") if remote.is_valid else None
