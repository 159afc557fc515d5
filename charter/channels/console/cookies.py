"""The console's cookies. None of them says anything: an id of a session, and what only the host can open."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from aiohttp import web

HOURS = 12
ATTEMPT_SECONDS = 600
_SESSION, _ATTEMPT = "charter_console", "charter_console_way"


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to be set, or taken away where its value is empty."""

    name: str
    value: str
    path: str
    seconds: int


_SET: web.RequestKey[dict[str, Cookie]] = web.RequestKey("console_cookies", dict[str, Cookie])


@dataclass(frozen=True, slots=True)
class Cookies:
    """``path`` is where the console is mounted; ``secure`` keeps the cookies to HTTPS, by their names, too.

    A visitor who has not signed in holds a cookie as well, which begins with a dot: forms are bound to it.
    """

    path: str
    secure: bool
    key: bytes = field(repr=False)

    def session(self, request: web.Request) -> str:
        """Return the session's cookie as it will be after this request; empty for a visitor."""
        value = self._holder(request)
        return "" if value.startswith(".") else value

    def keep(self, request: web.Request, value: str) -> None:
        """Give the browser a session."""
        self._set(request, Cookie(self._name(_SESSION), value, self.path, HOURS * 3600))

    def forget(self, request: web.Request) -> None:
        """Take the session away: whoever it was is a new visitor."""
        self.keep(request, f".{secrets.token_urlsafe(24)}")

    def csrf(self, request: web.Request) -> str:
        """Return the token that forms must carry: of this very cookie. A visitor without one gets one."""
        if not self._holder(request):
            self.forget(request)
        return self.proof(self._holder(request))

    def fits(self, request: web.Request, given: str) -> bool:
        """Whether a form's token is of this cookie."""
        held = request.cookies.get(self._name(_SESSION), "")
        return bool(held) and hmac.compare_digest(given.encode(), self.proof(held).encode())

    def proof(self, value: str) -> str:
        digest = hmac.digest(self.key, b"charter console forms 1:" + value.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def keep_attempt(self, request: web.Request, state: str, sealed: str, path: str) -> None:
        """Give the browser what it must bring back with ``state``, to ``path`` only."""
        self._set(request, Cookie(self._of(state), sealed, path, ATTEMPT_SECONDS))

    def take_attempt(self, request: web.Request, state: str) -> str:
        """Return what the browser kept for ``state``, once."""
        name = self._of(state)
        self._set(request, Cookie(name, "", request.path, 0))
        return request.cookies.get(name, "")

    def write(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put into a response what its request decided; its headers are already made of the cookies it had."""
        for cookie in request.get(_SET, {}).values():
            response.set_cookie(
                cookie.name, cookie.value, max_age=cookie.seconds, path=cookie.path, secure=self.secure, httponly=True,
                samesite="Lax",
            )  # fmt: skip
            response.headers.add("Set-Cookie", response.cookies[cookie.name].OutputString())

    def _holder(self, request: web.Request) -> str:
        name = self._name(_SESSION)
        decided = request.get(_SET, {}).get(name)
        return decided.value if decided else request.cookies.get(name, "")

    def _set(self, request: web.Request, cookie: Cookie) -> None:
        request.setdefault(_SET, {})[cookie.name] = cookie

    def _of(self, state: str) -> str:
        # Several windows may sign in at once. The name only finds the cookie; what lies in it must fit the state.
        return f"{self._name(_ATTEMPT)}_{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    def _name(self, plain: str) -> str:
        # A browser takes a name with this prefix over HTTPS only, so that no neighbour can plant the cookie over HTTP.
        return f"__Secure-{plain}" if self.secure else plain
