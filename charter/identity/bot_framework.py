"""Believe the Bot Connector, or refuse it in one sentence.

Source: "Authenticate requests from the Bot Connector service to your bot" (Microsoft). Entra's tokens count for nothing here,
whoever they name: any application of a tenant could fetch one for this host and speak as any employee.
"""

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import structlog

from charter.errors import StartRefused, Unauthenticated, Unavailable
from charter.identity.authentication import bearer
from charter.identity.expiring import Clock, Expiring
from charter.identity.keys import Keys
from charter.identity.tokens import announced, reason
from charter.identity.wire import ask
from charter.settings import Teams

_log = structlog.get_logger(__name__)

_REQUIRED = ["iss", "aud", "exp", "nbf", "serviceurl"]
_FETCH_SECONDS = 5
_REMEMBERED = 256
_BELIEVED_SECONDS = 300
"""How long a verified token is believed unseen: a key that is withdrawn must stop counting before ``exp``."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a believed token speaks for: activities of one service, on the channels that its key is endorsed for."""

    service_url: str
    channels: frozenset[str]

    def check(self, service_url: str, channel: str) -> None:
        """Return if it speaks for an activity of this service and channel.

        Raises:
            Unauthenticated: for another one.
        """
        if self.service_url.rstrip("/") != service_url.rstrip("/"):
            raise _refused("The token is for another service than the activity's.")
        if channel not in self.channels:
            raise _refused("The token's key is not endorsed for the activity's channel.")


class BotTokens:
    """Verifies the tokens that the Bot Connector posts activities with, each once, for the bot that is ``client_id``.

    RS256 alone; issuer and audience are exactly those of settings; ``exp`` and ``nbf`` hold within the clock skew; the
    key is one that the issuer's metadata leads to.

    Raises:
        StartRefused: settings would have keys fetched in the clear, or name no bot.
    """

    def __init__(
        self,
        settings: Teams,
        client_id: str,
        http: aiohttp.ClientSession,
        *,
        skew_seconds: float = 60,
        clock: Clock = time.time,
    ) -> None:
        if not client_id or not settings.issuer or not _trusted(settings.metadata_url, beside=settings.metadata_url):
            raise StartRefused(
                "CHARTER_TEAMS names no issuer, or no https address of its metadata, so no activity could be believed.",
                action="Leave CHARTER_TEAMS__ISSUER and CHARTER_TEAMS__METADATA_URL as they are, or set both.",
            )
        self._metadata = _Metadata(settings.issuer, settings.metadata_url)
        self._client_id = client_id
        self._skew = skew_seconds
        self._clock = clock
        self._keys = Keys(http, clock=clock)
        self._believed: Expiring[bytes, Vouched] = Expiring(_REMEMBERED, clock)

    async def verify(self, authorization: str | None, service_url: str, channel: str) -> None:
        """Return if an ``Authorization`` header vouches for an activity of this service and channel.

        Raises:
            Unauthenticated, Unavailable: as ``believe`` and ``Vouched.check`` do.
        """
        (await self.believe(authorization)).check(service_url, channel)

    async def believe(self, authorization: str | None) -> Vouched:
        """Return what the token of an ``Authorization: Bearer`` header speaks for.

        Raises:
            Unauthenticated: there is none, or it is not to be believed; the sentence says why.
            Unavailable: its key is not known here and the key server does not answer.
        """
        token = bearer(authorization)
        digest = sha256(token.encode()).digest()
        if vouched := self._believed.get(digest):
            return vouched
        kid, _ = announced(token)
        key = await self._keys.find(self._metadata, kid)
        claims = self._decoded(token, key.public)
        if not isinstance(claims["serviceurl"], str):
            raise _refused("The token names no service.")
        vouched = Vouched(claims["serviceurl"], key.endorsements)
        self._believed.put(digest, vouched, min(float(claims["exp"]), self._clock() + _BELIEVED_SECONDS))
        return vouched

    async def warm(self) -> bool:
        """Fetch the keys before the first activity comes; return whether any are known."""
        return await self._keys.warm(self._metadata)

    def _decoded(self, token: str, key: Any) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=self._metadata.name,
                leeway=self._skew,
                options={"require": _REQUIRED, "strict_aud": True},
            )
        except Exception as fault:
            raise _refused(reason(fault)) from fault


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The issuer's OpenID metadata, which tells where its keys are."""

    name: str
    url: str

    async def keys_url(self, http: aiohttp.ClientSession) -> str:
        """Return what it names as the place of its keys.

        Raises:
            Unavailable: it does not answer, is another issuer's, or leads to where anybody could put keys.
        """
        answer = await ask(http, "GET", self.url, seconds=_FETCH_SECONDS)
        place = answer.field("jwks_uri")
        if answer.status != 200 or answer.field("issuer") != self.name or not _trusted(place, beside=self.url):
            _log.warning("the metadata of the Bot Connector leads to no keys", status=answer.status, address=self.url)
            raise Unavailable("The metadata of the Bot Connector leads to no keys.")
        return place


def _trusted(url: str, *, beside: str) -> bool:
    """Whether what is read there is what its owner put there: over TLS, or on this machine if ``beside`` is there, too."""
    try:
        parts, other = urlsplit(url), urlsplit(beside)
        local = parts.hostname in _LOOPBACK and other.hostname in _LOOPBACK
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def _refused(sentence: str) -> Unauthenticated:
    return Unauthenticated(
        sentence, action="Activities are taken from the Bot Connector, for this bot, and from nobody else."
    )
