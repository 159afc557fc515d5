"""Sign in at the identity provider, come back, and out again.

The ways there and from there are pages that lead on by themselves, not redirects: a browser would hold a form's redirect
against our policy that forms go nowhere else, also where the identity provider passes on to a further one.
"""

from collections.abc import Sequence

from aiohttp import web
from yarl import URL

from charter.channels.console import parse
from charter.channels.console.desk import SIGNED_IN, address, desk
from charter.channels.console.frame import page
from charter.channels.console.ports import Person
from charter.channels.console.session import person_of
from charter.context import Context
from charter.errors import CharterError, InvalidRequest

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def offered(people: Sequence[Person]) -> Sequence[Person]:
    """Return whom the console offers for sign-in: workloads have no face and no pages."""
    return tuple(person for person in people if "workload" not in person.roles)


async def show(request: web.Request) -> web.Response:
    _at_own_address(request)
    people = desk(request).people
    return await page(
        request,
        "sign_in.html",
        live=False,
        tenants={
            tenant: [p for p in people if p.tenant == tenant] for tenant in dict.fromkeys(p.tenant for p in people)
        },
        back=_back(request.query.get("back", ""), request),
        ended=request.query.get("ended") == "1",
        present=await _present(request),
    )


async def sign_in(request: web.Request) -> web.Response:
    """Lead to the identity provider: as one of the people listed, or, where none are, as whoever signs in there."""
    form, at = await request.post(), desk(request)
    person = _chosen(at.people, str(form.get("name", ""))) if at.people else None
    hint = {"tid": person.tid, "hint": person.name} if person else {}
    begun = at.sign_ins.begin(_signed_in_address(request), back=_back(str(form.get("back", "")), request), **hint)
    at.cookies.keep_attempt(request, begun.state, begun.sealed, address(request, "signed_in"))
    return await page(request, "on_the_way.html", live=False, to=begun.address, out=False)


async def signed_in(request: web.Request) -> web.Response:
    """Take the identity provider's answer; without one, somebody has signed out there."""
    at, answer = desk(request), dict(request.query)
    if not answer.keys() & {"code", "error"}:
        raise web.HTTPSeeOther(address(request, "sign_in"))
    sealed = at.cookies.take_attempt(request, answer.get("state", ""))
    arrived = await at.sign_ins.finish(sealed, answer, held=at.cookies.session(request))
    at.cookies.keep(request, arrived.cookie)
    raise web.HTTPSeeOther(_back(arrived.back, request))


async def sign_out(request: web.Request) -> web.Response:
    """End the session here, then the sign-in at the identity provider."""
    at = desk(request)
    to = await at.sign_ins.end(at.cookies.session(request), _signed_in_address(request))
    at.cookies.forget(request)
    if to is None:
        raise web.HTTPSeeOther(address(request, "sign_in"))
    request.pop(SIGNED_IN, None)  # the page is nobody's any more
    return await page(request, "on_the_way.html", live=False, to=to, out=True)


def _chosen(people: Sequence[Person], name: str) -> Person:
    for person in people:
        if person.name == name:
            return person
    raise InvalidRequest("There is nobody of that name to sign in as.", action="Choose one of the people listed.")


def _at_own_address(request: web.Request) -> None:
    """Lead a visitor of 127.0.0.1 to localhost: cookies belong to one name, and that one is registered."""
    if not desk(request).public_url and request.url.host in _LOOPBACK:
        raise web.HTTPSeeOther(str(request.url.with_host("localhost")))


def _signed_in_address(request: web.Request) -> str:
    """Return the registered address of this console; the name by which a request came is not believed."""
    public = desk(request).public_url
    base = URL(public.rstrip("/")) if public else URL.build(scheme="http", host="localhost", port=request.url.port)
    return str(base.with_path(base.path.rstrip("/") + address(request, "signed_in")))


def _back(given: str, request: web.Request) -> str:
    return parse.way_back(given, address(request, "home"))


async def _present(request: web.Request) -> Context | None:
    """Who is signed in already, if anybody."""
    try:
        return (await person_of(request)).ctx
    except CharterError:
        return None


def routes() -> list[web.RouteDef]:
    return [
        web.get("/sign-in", show, name="sign_in"),
        web.post("/sign-in", sign_in, name="sign_in"),
        web.get("/signed-in", signed_in, name="signed_in"),
        web.post("/sign-out", sign_out, name="sign_out"),
    ]
