"""The sign-in cookie: an encrypted session that holds the access token and the token against forged requests.

The access token is verified anew on every request; the cookie alone proves nothing.
"""

import hmac
import secrets
from dataclasses import replace

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp_session import get_session, new_session
from aiohttp_session.cookie_storage import EncryptedCookieStorage

from charter.channels.console.desk import SIGNED_IN, SignedIn, address, desk, wants_data
from charter.errors import Forbidden, Unauthenticated, UnsupportedMedia

COOKIE = "charter_console"
HOURS = 12
# Browsers drop a cookie over 4096 bytes without a word; encryption makes a token a third longer.
TOKEN_LIMIT = 2800
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
PUBLIC = frozenset({"sign_in", "static"})


def storage(key: bytes, *, path: str, secure: bool) -> EncryptedCookieStorage:
    """Return the cookie's store.

    Raises:
        ValueError: the key is not 32 bytes.
    """
    if len(key) != 32:
        raise ValueError("the console's session key must be 32 bytes")
    # Lax, not Strict: a link from Teams or a mail to an approval must find its person signed in.
    return EncryptedCookieStorage(
        key, cookie_name=COOKIE, path=path, secure=secure, httponly=True, samesite="Lax", max_age=HOURS * 3600
    )


async def csrf_token(request: web.Request) -> str:
    """Return this session's token against forged requests; a session without one gets one."""
    session = await get_session(request)
    token = session.get("csrf")
    if not isinstance(token, str):
        token = session["csrf"] = secrets.token_urlsafe(24)
    return token


async def keep(request: web.Request, token: str) -> None:
    """Begin a new session for a person who has just signed in.

    Raises:
        Forbidden: the token does not fit into a cookie.
    """
    if len(token) > TOKEN_LIMIT:
        raise Forbidden(
            "Your access token is too long for the console's cookie.",
            action="Ask an operator to have fewer groups put into the token.",
        )
    session = await new_session(request)
    session["token"] = token
    session["csrf"] = secrets.token_urlsafe(24)


async def forget(request: web.Request) -> None:
    (await get_session(request)).invalidate()


async def person_of(request: web.Request) -> SignedIn:
    """Return the person whose token the cookie holds, verified now.

    Raises:
        Unauthenticated: nobody is signed in, or the token has ended.
        Forbidden: it is an application's.
    """
    token = (await get_session(request)).get("token")
    if not isinstance(token, str):
        raise Unauthenticated("You are not signed in.", action="Sign in.")
    caller = await desk(request).authenticator.authenticate(f"Bearer {token}")
    if caller.ctx.principal.type == "workload":
        raise Forbidden("The console is for people.", action="Use the API.")
    return SignedIn(replace(caller.ctx, channel="console"), token)


@web.middleware
async def guard_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse every change that does not carry the session's own token, in the form or in a header."""
    if request.method in {"GET", "HEAD"}:
        return await handler(request)
    if request.content_type not in FORM_TYPES:
        raise UnsupportedMedia("The console takes forms only.", action="Use the console's own pages.")
    given = request.headers.get("X-CSRF-Token") or str((await request.post()).get("csrf", ""))
    known = (await get_session(request)).get("csrf")
    if not isinstance(known, str) or not hmac.compare_digest(given.encode(), known.encode()):
        raise Forbidden("This form is no longer valid; nothing was done.", action="Load the page again and repeat it.")
    return await handler(request)


@web.middleware
async def require_person(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let only signed-in people pass; others are led to the sign-in and back again."""
    if _name(request) in PUBLIC:
        return await handler(request)
    try:
        request[SIGNED_IN] = await person_of(request)
    except Unauthenticated as fault:
        if wants_data(request):
            raise Unauthenticated("Your sign-in has ended.", action="Sign in again.") from fault
        raise await _to_sign_in(request) from fault
    return await handler(request)


def _name(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.name if resource else None


async def _to_sign_in(request: web.Request) -> web.HTTPSeeOther:
    ended = "token" in await get_session(request)
    await forget(request)
    way_back = request.path_qs if request.method == "GET" else _page_of_form(request)
    query = {"back": way_back} | ({"ended": "1"} if ended else {})
    return web.HTTPSeeOther(str(request.url.with_path(address(request, "sign_in")).relative().with_query(query)))


def _page_of_form(request: web.Request) -> str:
    """The page on which a form stood; the sign-in checks that it is one of ours."""
    _, _, path = request.headers.get("Referer", "").partition(f"//{request.host}")
    return path or address(request, "home")
