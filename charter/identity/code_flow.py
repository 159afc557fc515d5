"""A person signs in at the identity provider: authorization code with PKCE (RFC 6749, 4.1; RFC 7636; OpenID Connect)."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from yarl import URL

from charter.errors import AuthorityLost, Forbidden, Unauthenticated
from charter.identity.expiring import Clock
from charter.identity.issuers import Issuer, Issuers
from charter.identity.principals import SCOPE
from charter.identity.token_endpoint import Issued

ANY_TENANT = "organizations"
"""Where somebody signs in of whom it is not known yet where they belong."""

_MARGIN_SECONDS = 300
_AGAIN = "Sign in again."
_ELSEWHERE = "Choose another account, or ask an operator whether your organisation may use this host."


class Endpoint(Protocol):
    """The token endpoint (``charter.identity.token_endpoint.TokenEndpoint``), asked with the host's credentials."""

    async def redeem(self, issuer: Issuer, form: Mapping[str, str], /) -> Issued: ...

    async def refresh(self, issuer: Issuer, refresh_token: str, scope: str, /) -> Issued: ...


class Verifier(Protocol):
    """The check of the identity provider's tokens (``charter.identity.tokens.TokenVerifier``)."""

    async def verify(self, token: str, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun; what the answer must fit. All of it stays between the host and this one browser."""

    tid: str
    redirect_uri: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    back: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave; ``renew_at`` is shortly before the access token's end (seconds since 1970)."""

    tid: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    renew_at: float
    ends_at: float


class CodeFlow:
    """Leads a person to the identity provider and takes what they come back with."""

    def __init__(self, endpoint: Endpoint, verifier: Verifier, issuers: Issuers, *, clock: Clock = time.time) -> None:
        self._endpoint = endpoint
        self._verifier = verifier
        self._issuers = issuers
        self._clock = clock

    def begin(self, redirect_uri: str, *, tid: str = "", back: str = "") -> Attempt:
        """Return a new attempt, which nobody can guess."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return Attempt(tid or ANY_TENANT, redirect_uri, state, nonce, verifier, back)

    def address(self, attempt: Attempt, *, hint: str = "") -> str:
        """Return where the person signs in; with a ``hint`` of who they are, else they are asked for an account.

        Raises:
            Forbidden: this host does not serve the tenant.
        """
        issuer = self._issuer(attempt.tid)
        query = {
            "client_id": issuer.client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": attempt.redirect_uri,
            "scope": f"openid profile offline_access {_scope(issuer)}",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _challenge(attempt.verifier),
            "code_challenge_method": "S256",
            **({"login_hint": hint} if hint else {"prompt": "select_account"}),
        }
        return str(_at(issuer, "authorize").with_query(query))

    def end_address(self, tid: str, back: str) -> str:
        """Return where the person's sign-in at the identity provider itself ends."""
        return str(_at(self._issuer(tid), "logout").with_query({"post_logout_redirect_uri": back}))

    async def redeem(self, attempt: Attempt, code: str) -> Tokens:
        """Redeem a code and return what it gave, both tokens verified and of one person.

        Raises:
            Unauthenticated: the identity provider refuses the code, or what it gave is not of this attempt.
            Forbidden: a token that opens nothing here.
            Unavailable: the identity provider does not answer, or refuses this host.
        """
        issuer = self._issuer(attempt.tid)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
            "scope": f"openid profile offline_access {_scope(issuer)}",
        }
        try:
            issued = await self._endpoint.redeem(issuer, form)
        except AuthorityLost as fault:
            raise Unauthenticated("The identity provider refused this sign-in.", action=_AGAIN) from fault
        told = await self._told(attempt, issued)
        access = await self._believed(issued.access_token)
        if (access["tid"], access["oid"]) != (told["tid"], told["oid"]):
            raise Unauthenticated("The identity provider's two tokens are of different people.", action=_AGAIN)
        return self._tokens(told["tid"], issued, "")

    async def renew(self, tokens: Tokens) -> Tokens:
        """Return fresh tokens for ones that come to their end; they are not verified here.

        Raises:
            AuthorityLost: there is nothing to renew them with, or the identity provider refuses.
            Unavailable: it does not answer.
        """
        if not tokens.refresh_token:
            raise AuthorityLost("The identity provider gave nothing that outlasts this sign-in.")
        issuer = self._issuers.of(tokens.tid)
        if issuer is None:
            raise AuthorityLost("This host no longer serves the tenant.")
        issued = await self._endpoint.refresh(issuer, tokens.refresh_token, _scope(issuer))
        return self._tokens(tokens.tid, issued, tokens.refresh_token)

    async def _told(self, attempt: Attempt, issued: Issued) -> Mapping[str, Any]:
        """Return who has signed in, as the id token tells this host for this very attempt."""
        if not issued.id_token:
            raise Unauthenticated("The identity provider does not tell who has signed in.", action=_AGAIN)
        claims = await self._believed(issued.id_token)
        if claims.get("aud") != self._issuer(claims["tid"]).client_id:
            raise Unauthenticated("The identity provider tells who has signed in elsewhere.", action=_AGAIN)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
            raise Unauthenticated("The identity provider's answer is not to this sign-in.", action=_AGAIN)
        if attempt.tid not in (ANY_TENANT, claims["tid"]):
            raise Forbidden(
                "The account belongs to another tenant than the one chosen.", action="Choose another account."
            )
        return claims

    async def _believed(self, token: str) -> Mapping[str, Any]:
        try:
            return await self._verifier.verify(token)
        except Unauthenticated as fault:
            raise Unauthenticated(fault.detail, action=_ELSEWHERE) from fault

    def _tokens(self, tid: str, issued: Issued, before: str) -> Tokens:
        ends = self._clock() + issued.expires_in
        margin = min(_MARGIN_SECONDS, issued.expires_in / 10)
        return Tokens(tid, issued.access_token, issued.refresh_token or before, ends - margin, ends)

    def _issuer(self, tid: str) -> Issuer:
        issuer = self._issuers.unknown(ANY_TENANT) if tid == ANY_TENANT else self._issuers.of(tid)
        if issuer is None:
            raise Forbidden("This host does not serve that tenant.")
        return issuer


def _scope(issuer: Issuer) -> str:
    return f"{issuer.audience}/{SCOPE}"


def _at(issuer: Issuer, place: str) -> URL:
    return URL(f"{issuer.authority}/{issuer.tid}/oauth2/v2.0/{place}")


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
