"""Believe an Entra access token, or refuse it in one sentence."""

import time
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import jwt

from charter.errors import StartRefused, Unauthenticated
from charter.identity.expiring import Clock
from charter.identity.keys import Keys
from charter.settings import Identity

_LONGEST = 16_384
_LONGEST_NAME = 256
_REQUIRED = ["iss", "aud", "exp", "nbf", "iat", "tid", "oid"]
_OWN_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
"""Headers by which a token would bring its own key or its own rules (RFC 7515, 4.1)."""


class TokenVerifier:
    """Verifies Entra v2 access tokens of the configured tenants for this host.

    RS256 alone; the issuer is ``{authority}/{tid}/v2.0`` of a configured ``tid``; the audience is ours; ``exp``,
    ``nbf`` and ``iat`` hold within the clock skew; the key is one that the tenant publishes.
    """

    def __init__(self, settings: Identity, http: aiohttp.ClientSession, *, clock: Clock = time.time) -> None:
        if not settings.authority:
            raise StartRefused(
                "CHARTER_IDENTITY__AUTHORITY is not set, so no token could be believed.",
                action="Set it to the identity provider's address, such as https://login.microsoftonline.com.",
            )
        self._authority = settings.authority.rstrip("/")
        self._tids = frozenset(settings.tenants)
        self._audiences = [settings.audience, settings.client_id]
        self._skew = settings.clock_skew_seconds
        self._keys = Keys(self._authority, http, clock=clock)

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Return the claims.

        Raises:
            Unauthenticated: the token is not to be believed; the sentence says why.
            Unavailable: its key is not known here and the key server does not answer.
        """
        if len(token) > _LONGEST:
            raise Unauthenticated("The token is too long.")
        kid, tid = self._announced(token)
        key = await self._keys.find(tid, kid)
        claims = self._decoded(token, key, f"{self._authority}/{tid}/v2.0")
        if claims["tid"] != tid or claims.get("ver") != "2.0" or not _named(claims["oid"]):
            raise Unauthenticated("The token is not an Entra v2 access token.")
        return claims

    async def warm(self) -> bool:
        """Fetch every tenant's keys ahead; return whether all are known (for readiness)."""
        return all([await self._keys.warm(tid) for tid in sorted(self._tids)])

    def _announced(self, token: str) -> tuple[str, str]:
        """Return key id and tenant as the token claims them: only to choose the key that then proves them."""
        header, claims = _unverified(token)
        if header.get("alg") != "RS256":
            raise Unauthenticated("The token must be signed with RS256.")
        if not _OWN_KEY_HEADERS.isdisjoint(header):
            raise Unauthenticated("The token brings a key or rules of its own.")
        kid, tid = header.get("kid"), claims.get("tid")
        if not _named(kid):
            raise Unauthenticated("The token names no key.")
        if not isinstance(tid, str) or tid not in self._tids:
            raise Unauthenticated("The token is of a tenant that this host does not serve.")
        return cast("str", kid), tid

    def _decoded(self, token: str, key: Any, issuer: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=issuer,
                leeway=self._skew,
                options={"require": _REQUIRED},
            )
        except Exception as fault:
            raise Unauthenticated(_reason(fault)) from fault


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except Exception as fault:  # whatever hostile text makes the parser raise (deep nesting, too), it is no token
        raise Unauthenticated("The token cannot be read.") from fault
    return parts["header"], parts["payload"]


def _named(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


def _reason(fault: Exception) -> str:
    match fault:
        case jwt.ExpiredSignatureError():
            return "The token has expired."
        case jwt.ImmatureSignatureError():
            return "The token is not valid yet."
        case jwt.InvalidAudienceError():
            return "The token is for another audience."
        case jwt.InvalidIssuerError():
            return "The token is of another issuer."
        case jwt.MissingRequiredClaimError():
            return "The token lacks a claim that an Entra v2 access token has."
        case _:
            return "The token's signature or form is wrong."
