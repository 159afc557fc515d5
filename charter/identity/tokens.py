"""Believe an Entra access token, or refuse it in one sentence."""

import time
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import jwt

from charter.errors import Unauthenticated
from charter.identity.expiring import Clock
from charter.identity.issuers import Issuer, Issuers
from charter.identity.keys import Keys

_LONGEST = 16_384
_LONGEST_NAME = 256
_REQUIRED = ["iss", "aud", "exp", "nbf", "iat", "tid", "oid"]
_OWN_KEY_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
"""Headers by which a token would bring its own key or its own rules (RFC 7515, 4.1)."""


class TokenVerifier:
    """Verifies Entra v2 access tokens of the issuers that are believed, for this host.

    RS256 alone; ``iss`` is the issuer's of the token's ``tid``; the audience is ours; ``exp``, ``nbf`` and ``iat`` hold
    within the clock skew; the key is one that this very issuer publishes.
    """

    def __init__(
        self, issuers: Issuers, http: aiohttp.ClientSession, *, skew_seconds: float = 60, clock: Clock = time.time
    ) -> None:
        self._issuers = issuers
        self._skew = skew_seconds
        self._keys = Keys(http, clock=clock)

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Return the claims.

        Raises:
            Unauthenticated: the token is not to be believed; the sentence says why.
            Unavailable: its key is not known here and the key server does not answer.
        """
        kid, issuer = self._announced(token)
        key = await self._keys.find(issuer, kid)
        claims = self._decoded(token, key.public, issuer)
        if claims["tid"] != issuer.tid or claims.get("ver") != "2.0" or not _named(claims["oid"]):
            raise Unauthenticated("The token is not an Entra v2 access token.")
        return claims

    async def warm(self, issuer: Issuer) -> bool:
        """Fetch the issuer's keys ahead; return whether any are known."""
        return await self._keys.warm(issuer)

    def _announced(self, token: str) -> tuple[str, Issuer]:
        """Return key id and issuer as the token claims them: only to choose the key that then proves them."""
        kid, claims = announced(token)
        tid = claims.get("tid")
        issuer = self._issuers.of(tid) if isinstance(tid, str) else None
        if issuer is None:
            raise Unauthenticated("The token is of a tenant that this host does not serve.")
        return kid, issuer

    def _decoded(self, token: str, key: Any, issuer: Issuer) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=issuer.audiences,
                issuer=issuer.name,
                leeway=self._skew,
                options={"require": _REQUIRED},
            )
        except Exception as fault:
            raise Unauthenticated(reason(fault)) from fault


def announced(token: str) -> tuple[str, dict[str, Any]]:
    """Return key id and claims of a token that nobody has verified yet.

    Raises:
        Unauthenticated: it is none that any key of ours could prove.
    """
    if len(token) > _LONGEST:
        raise Unauthenticated("The token is too long.")
    header, claims = _unverified(token)
    if header.get("alg") != "RS256":
        raise Unauthenticated("The token must be signed with RS256.")
    if not _OWN_KEY_HEADERS.isdisjoint(header):
        raise Unauthenticated("The token brings a key or rules of its own.")
    kid = header.get("kid")
    if not _named(kid):
        raise Unauthenticated("The token names no key.")
    return cast("str", kid), claims


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except Exception as fault:  # whatever hostile text makes the parser raise (deep nesting, too), it is no token
        raise Unauthenticated("The token cannot be read.") from fault
    return parts["header"], parts["payload"]


def _named(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


def reason(fault: Exception) -> str:
    """Say in one sentence why the library believes a token not."""
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
            return "The token lacks a claim that it must have."
        case _:
            return "The token's signature or form is wrong."
