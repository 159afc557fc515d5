"""Signing in to the console: an attempt, a session on the server, its silent renewal, and its end."""

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from typing import Protocol

import orjson
from cryptography.fernet import InvalidToken

from charter.errors import AuthorityLost, Forbidden, Unauthenticated, Unavailable
from charter.identity.authentication import Caller
from charter.identity.code_flow import Attempt, CodeFlow
from charter.identity.expiring import Clock, Expiring
from charter.identity.flight import SingleFlight
from charter.identity.sealed import fernet
from charter.identity.session_rows import Held, Place, SessionRows, Tenants

ATTEMPT_SECONDS = 600
_RENEWAL_SECONDS = 20
_RENEWALS_AT_ONCE = 4
"""Each renewal holds a database connection while the identity provider answers: a slow one must not take the pool."""

_UNANSWERED = 10_000
_COOL_DOWN = 30
"""For so long a token that still holds is used without asking anew, when the identity provider did not answer."""

_COOKIE = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})\.([A-Za-z0-9_-]{43})")


class Authentication(Protocol):
    """The check of a bearer token (``charter.identity.authentication.Authenticator``)."""

    async def authenticate(self, authorization: str | None, /) -> Caller: ...


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the person signs in, and what their browser keeps sealed until they come back with ``state``."""

    address: str
    state: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """The value of the session's cookie, and where the person wanted to go."""

    cookie: str
    back: str


class SignIns:
    """The console's sessions. A cookie's value is the tenant and an id that nobody can guess; the tokens stay here."""

    def __init__(
        self,
        flow: CodeFlow,
        database: Tenants,
        authenticator: Authentication,
        key: bytes,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._flow = flow
        self._database = database
        self._rows = SessionRows(database, key, clock=clock)
        self._authenticator = authenticator
        self._fernet = fernet(key, "attempts")
        self._clock = clock
        self._flights: SingleFlight[Held] = SingleFlight()
        self._unanswered: Expiring[Place, bool] = Expiring(_UNANSWERED, clock)
        self._places = asyncio.Semaphore(_RENEWALS_AT_ONCE)

    def begin(self, redirect_uri: str, *, tid: str = "", hint: str = "", back: str = "") -> Begun:
        """Begin a sign-in: of the person hinted at in their tenant, or of whoever it turns out to be."""
        attempt = self._flow.begin(redirect_uri, tid=tid, back=back)
        sealed = self._fernet.encrypt_at_time(orjson.dumps(astuple(attempt)), int(self._clock())).decode()
        return Begun(self._flow.address(attempt, hint=hint), attempt.state, sealed)

    async def finish(self, sealed: str, answer: Mapping[str, str], *, held: str = "") -> Arrived:
        """Open a session for the person who comes back; the one that their browser ``held`` ends.

        Raises:
            Forbidden: the answer is not to what this browser began, or the identity provider says no.
            Unauthenticated: its tokens are not to be believed.
            Unavailable: it does not answer.
        """
        attempt = self._attempt(sealed, answer.get("state", ""))
        if "error" in answer:
            raise refusal(answer["error"])
        tokens = await self._flow.redeem(attempt, answer.get("code", ""))
        ctx = (await self._authenticator.authenticate(f"Bearer {tokens.access_token}")).ctx
        identifier = secrets.token_urlsafe(32)
        await self._rows.open(Place.of(ctx.tenant, identifier), Held(ctx.principal.id, tokens))
        if before := _place(held):
            await self._rows.close(before)
        return Arrived(f"{ctx.tenant}.{identifier}", attempt.back)

    async def present(self, cookie: str) -> Caller:
        """Return who holds the session, their token verified now, and renewed where it comes to its end.

        Raises:
            Unauthenticated: there is no such session, or it has ended.
            Forbidden: the person may not come in any more.
            Unavailable: nobody can tell at the moment.
        """
        place = _place(cookie)
        held = await self._rows.find(place) if place else None
        if place is None or held is None:
            raise Unauthenticated("You are not signed in.", action="Sign in.")
        if held.tokens.renew_at <= self._clock():
            held = await self._renewed(place, held)
        return await self._verified(place, held)

    async def end(self, cookie: str, back: str) -> str | None:
        """End a session; return where its sign-in at the identity provider ends, too. Nothing where there was none."""
        place = _place(cookie)
        held = await self._rows.close(place) if place else None
        try:
            return self._flow.end_address(held.tokens.tid, back) if held else None
        except Forbidden:  # the tenant is no longer served: there is nobody to go on to
            return None

    async def _verified(self, place: Place, held: Held) -> Caller:
        try:
            caller = await self._authenticator.authenticate(f"Bearer {held.tokens.access_token}")
        except Unauthenticated:
            await self._rows.close(place)
            raise
        if (caller.ctx.tenant, caller.ctx.principal.id) != (place.tenant, held.principal):
            raise Unauthenticated("The session is another person's.", action="Sign in.")
        return caller

    async def _renewed(self, place: Place, held: Held) -> Held:
        good = held.tokens.ends_at > self._clock()
        if good and self._unanswered.get(place):
            return held
        try:
            return await self._flights.run(place, lambda: self._renew(place))
        except Unavailable:
            self._unanswered.put(place, True, self._clock() + _COOL_DOWN)
            if good:
                return held
            raise

    async def _renew(self, place: Place) -> Held:
        """Renew within the row's lock: of all processes one redeems the refresh token, the others find what it got."""
        async with self._turn(), self._database.tenant_session(place.tenant) as session:
            held = await self._rows.locked(session, place)
            if held is None:
                raise Unauthenticated("The session has ended.", action="Sign in.")
            if held.tokens.renew_at > self._clock():
                return held
            try:
                newest = Held(held.principal, await self._flow.renew(held.tokens))
            except AuthorityLost as fault:
                lost = fault
                await self._rows.drop(session, place)
            else:
                await self._rows.write(session, place, newest)
                return newest
        raise Unauthenticated("The session has ended.", action="Sign in.") from lost

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(_RENEWAL_SECONDS), self._places:
                yield
        except TimeoutError as fault:
            raise Unavailable("The identity provider does not answer in time.") from fault

    def _attempt(self, sealed: str, state: str) -> Attempt:
        """Open what the browser kept, if it is young, ours, and of the very answer."""
        try:
            raw = self._fernet.decrypt_at_time(sealed.encode(), ATTEMPT_SECONDS, int(self._clock()))
            attempt = Attempt(*orjson.loads(raw))
        except (InvalidToken, ValueError, TypeError) as fault:
            raise _not_begun_here() from fault
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise _not_begun_here()
        return attempt


def refusal(error: str) -> Forbidden:
    """Say in our words what the identity provider refuses (OAuth 2.0 and OpenID Connect name the errors).

    Its own text is not shown: whoever writes a link could write it.
    """
    if error in ("consent_required", "interaction_required"):
        sentence = "Your organisation has not agreed yet that this host may know you."
        return Forbidden(sentence, action="Ask an administrator of your tenant to grant consent to this application.")
    if error == "access_denied":
        sentence = "The identity provider did not let you in: it was cancelled, or your account may not sign in."
        return Forbidden(sentence, action="Sign in again; if it stays, ask an administrator of your tenant.")
    if error in ("temporarily_unavailable", "server_error"):
        return Forbidden("The identity provider cannot sign you in at the moment.", action="Try again in a while.")
    return Forbidden(
        "The identity provider refused this sign-in.", action="Sign in again; if it stays, tell an operator."
    )


def _not_begun_here() -> Forbidden:
    return Forbidden(
        "This sign-in was not begun in this browser, or too long ago.", action="Sign in from the start page."
    )


def _place(cookie: str) -> Place | None:
    form = _COOKIE.fullmatch(cookie)
    return Place.of(form[1], form[2]) if form else None
