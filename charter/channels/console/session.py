"""Who sits before the page: their session lies on the server, the browser holds its id alone.

The access token is verified anew on every request; the cookie alone proves nothing.
"""

from dataclasses import replace

from aiohttp import web
from aiohttp.typedefs import Handler

from charter.channels.console.desk import SIGNED_IN, SignedIn, address, desk, wants_data
from charter.errors import Forbidden, TenantSuspended, Unauthenticated, UnsupportedMedia

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
PUBLIC = frozenset({"sign_in", "signed_in", "static"})


async def csrf_token(request: web.Request) -> str:
    """Return this session's token against forged requests; a visitor has one, too."""
    return desk(request).cookies.csrf(request)


async def person_of(request: web.Request) -> SignedIn:
    """Return the person whose session the cookie names, their token verified now.

    Raises:
        Unauthenticated: nobody is signed in, or the session has ended.
        Forbidden: it is an application's.
    """
    known = await desk(request).sign_ins.present(desk(request).cookies.session(request))
    if known.ctx.principal.type == "workload":
        raise Forbidden("The console is for people.", action="Use the API.")
    return SignedIn(replace(known.ctx, channel="console"), known.token)


async def add_cookies(request: web.Request, response: web.StreamResponse) -> None:
    """Write the cookies that the request decided on."""
    desk(request).cookies.write(request, response)


@web.middleware
async def guard_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse every change that does not carry the session's own token, in the form or in a header."""
    if request.method in {"GET", "HEAD"}:
        return await handler(request)
    if request.content_type not in FORM_TYPES:
        raise UnsupportedMedia("The console takes forms only.", action="Use the console's own pages.")
    given = request.headers.get("X-CSRF-Token") or str((await request.post()).get("csrf", ""))
    if not desk(request).cookies.fits(request, given):
        raise Forbidden("This form is no longer valid; nothing was done.", action="Load the page again and repeat it.")
    return await handler(request)


@web.middleware
async def require_person(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only signed-in people pass; others are led to the sign-in and back again."""
    if _name(request) in PUBLIC:
        return await handler(request)
    try:
        request[SIGNED_IN] = await person_of(request)
    except TenantSuspended:
        if _name(request) == "sign_out":  # whoever may do nothing may still leave
            return await handler(request)
        raise
    except Unauthenticated as fault:
        if wants_data(request):
            raise Unauthenticated("Your sign-in has ended.", action="Sign in again.") from fault
        raise _to_sign_in(request) from fault
    return await handler(request)


def _name(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.name if resource else None


def _to_sign_in(request: web.Request) -> web.HTTPSeeOther:
    ended = desk(request).cookies.session(request) != ""
    desk(request).cookies.forget(request)
    way_back = request.path_qs if request.method == "GET" else _page_of_form(request)
    query = {"back": way_back} | ({"ended": "1"} if ended else {})
    return web.HTTPSeeOther(str(request.url.with_path(address(request, "sign_in")).relative().with_query(query)))


def _page_of_form(request: web.Request) -> str:
    """The page on which a form stood; the sign-in checks that it is one of ours."""
    _, _, path = request.headers.get("Referer", "").partition(f"//{request.host}")
    return path or address(request, "home")
