"""The signing keys that whoever issues tokens publishes, remembered.

A known key is given at once, whatever the key server does. An unknown one causes a fetch, for all who wait together,
and no more often than the cool-down: a flood of invented key ids is not passed on to the key server.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from charter.errors import Unauthenticated, Unavailable
from charter.identity.expiring import Clock
from charter.identity.flight import SingleFlight
from charter.identity.wire import ask

_FETCH_SECONDS = 5
_COOL_DOWN = 3
_COOL_DOWN_AFTER_FAILURE = 2
_REFRESH_AFTER = 3_600
_BELIEVED_FOR = 86_400
_LEAST_BITS = 2048
_MOST_KEYS = 100


class Publisher(Protocol):
    """Somebody who publishes keys; ``name`` tells whose they are."""

    @property
    def name(self) -> str: ...

    async def keys_url(self, http: aiohttp.ClientSession) -> str:
        """Return where its JWK set is.

        Raises:
            Unavailable: whoever would know does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A public key; ``endorsements`` names the channels that it may speak for, where its publisher says so."""

    public: RSAPublicKey
    endorsements: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Shelf:
    """What one issuer published; times in seconds since 1970."""

    keys: Mapping[str, Key] = field(default_factory=dict[str, Key])
    fetched: float = -math.inf
    tried: float = -math.inf
    failed: bool = False


class Keys:
    """Public keys by issuer and key id: a key counts for the issuer alone that publishes it."""

    def __init__(self, http: aiohttp.ClientSession, *, clock: Clock = time.time) -> None:
        self._http = http
        self._clock = clock
        self._shelves: dict[str, _Shelf] = {}
        self._flights: SingleFlight[None] = SingleFlight()

    async def find(self, issuer: Publisher, kid: str) -> Key:
        """Return the key.

        Raises:
            Unauthenticated: the issuer publishes no such key.
            Unavailable: the key server does not answer, so nobody can tell.
        """
        shelf = self._shelves.setdefault(issuer.name, _Shelf())
        if key := self._known(issuer, shelf, kid):
            return key
        if self._flights.flying(issuer.name) or self._may_ask(shelf):
            await self._flights.run(issuer.name, lambda: self._fetch(issuer, shelf))
        if key := self._known(issuer, shelf, kid):
            return key
        if shelf.failed:
            raise Unavailable("The keys of the identity provider cannot be read.", retry_after=_COOL_DOWN_AFTER_FAILURE)
        raise Unauthenticated("The token is signed with a key that its issuer does not publish.")

    async def warm(self, issuer: Publisher) -> bool:
        """Fetch the issuer's keys before the first token comes; return whether any are known."""
        shelf = self._shelves.setdefault(issuer.name, _Shelf())
        if not shelf.keys:
            await self._flights.run(issuer.name, lambda: self._fetch(issuer, shelf))
        return bool(shelf.keys)

    def _known(self, issuer: Publisher, shelf: _Shelf, kid: str) -> Key | None:
        key, age = shelf.keys.get(kid), self._clock() - shelf.fetched
        if key is None or age > _BELIEVED_FOR:
            return None
        if age > _REFRESH_AFTER and self._may_ask(shelf):
            self._flights.start(
                issuer.name, lambda: self._fetch(issuer, shelf)
            )  # nobody waits: the known key still counts
        return key

    def _may_ask(self, shelf: _Shelf) -> bool:
        pause = _COOL_DOWN_AFTER_FAILURE if shelf.failed else _COOL_DOWN
        return self._clock() - shelf.tried >= pause

    async def _fetch(self, issuer: Publisher, shelf: _Shelf) -> None:
        try:
            url = await issuer.keys_url(self._http)
            answer = await ask(self._http, "GET", url, seconds=_FETCH_SECONDS)
            found = _published(answer.members) if answer.status == 200 else {}
        except Unavailable:
            found = {}
        shelf.tried, shelf.failed = self._clock(), not found
        if found:  # wholly replaced: a withdrawn key stops counting
            shelf.keys, shelf.fetched = found, shelf.tried


def _published(document: Mapping[str, Any]) -> dict[str, Key]:
    """Return the usable keys of a JWK set."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        return {}
    found: dict[str, Key] = {}
    for entry in cast("list[Any]", listed)[:_MOST_KEYS]:
        if key := _key(entry):
            found[entry["kid"]] = key
    return found


def _key(entry: Any) -> Key | None:
    """Return the RSA signature key of one JWK (RFC 7517), or nothing where it is of another kind or too short."""
    if not isinstance(entry, dict):
        return None
    jwk = cast("dict[str, Any]", entry)
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str):
        return None
    try:
        key: Any = jwt.PyJWK({**jwk, "alg": "RS256"}).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        return None
    named = jwk.get("endorsements")
    listed = cast("list[Any]", named) if isinstance(named, list) else []
    return Key(key, frozenset(each for each in listed if isinstance(each, str)))
