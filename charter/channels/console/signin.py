"""Sign in as one of the people, and out again."""

from collections.abc import Sequence

from aiohttp import web

from charter.channels.console import parse
from charter.channels.console.desk import address, desk
from charter.channels.console.frame import page
from charter.channels.console.ports import Person
from charter.channels.console.session import forget, keep, person_of
from charter.context import Context
from charter.errors import CharterError, InvalidRequest


def offered(people: Sequence[Person]) -> Sequence[Person]:
    """Return whom the console offers for sign-in: workloads have no face and no pages."""
    return tuple(person for person in people if "workload" not in person.roles)


async def show(request: web.Request) -> web.Response:
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
    form = await request.post()
    person = _chosen(desk(request).people, str(form.get("name", "")))
    token = await desk(request).sign_in(person.name)
    await desk(request).authenticator.authenticate(f"Bearer {token}")
    await keep(request, token)
    raise web.HTTPSeeOther(_back(str(form.get("back", "")), request))


async def sign_out(request: web.Request) -> web.Response:
    await forget(request)
    raise web.HTTPSeeOther(address(request, "sign_in"))


def _chosen(people: Sequence[Person], name: str) -> Person:
    for person in people:
        if person.name == name:
            return person
    raise InvalidRequest("There is nobody of that name to sign in as.", action="Choose one of the people listed.")


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
        web.post("/sign-out", sign_out, name="sign_out"),
    ]
