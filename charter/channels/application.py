"""The aiohttp application: all doors behind the same middleware."""

from collections.abc import Collection, Mapping, Sequence

from aiohttp import web

from charter.channels.middleware import authentication, own_names, tracing
from charter.channels.problems import problems
from charter.channels.responses.faults import openai_errors
from charter.identity.authentication import Authenticator
from charter.settings import Http
from charter.telemetry.tracing import Tracing


def build(
    routes: Sequence[web.RouteDef],
    *,
    authenticator: Authenticator,
    tracer: Tracing,
    http: Http,
    mounted: Mapping[str, web.Application],
    self_guarded: Sequence[web.RouteDef] = (),
    names: Collection[str] = (),
) -> web.Application:
    """Return the application; ``mounted`` doors (the console) have their own sign-in, and so have ``self_guarded`` routes.

    ``names`` are those by which it may be asked for; empty: any.
    """
    sign_in = authentication(authenticator, mounted.values(), {route.handler for route in self_guarded})
    app = web.Application(
        middlewares=[tracing(tracer), openai_errors, problems, own_names(names), sign_in],
        client_max_size=http.body_limit_bytes,
    )
    app.add_routes([*routes, *self_guarded])
    app.router.add_get("/", _home)
    for prefix, door in mounted.items():
        app.add_subapp(prefix, door)
    return app


async def _home(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/console"})
