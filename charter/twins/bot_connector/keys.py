"""The channel's signing keys: what it publishes, and what else a token may be signed with to see whether a bot notices."""

import time
from pathlib import Path
from typing import Any, Literal

import jwt

from charter.twins.bot_connector.registration import CHANNEL
from charter.twins.entra.key_ring import KeyRing

SIGNED_BY = Literal["own", "unendorsed", "foreign", "secret", "nobody"]
_LIFETIME = 3_600
_SKEW = 300
_USED_SECONDS = 60


class Keys:
    """``own`` keys are endorsed for Teams and sign what is real; ``unendorsed`` ones are published without that, as a key
    of another channel is; ``foreign`` ones are not published at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = KeyRing(folder / "own")
        self._others: dict[str, KeyRing] = {}
        self._used: tuple[float, str, str] = (0.0, "", "")
        if (folder / "unendorsed").is_dir():
            self._other("unendorsed")

    def rotate(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on; ``withdraw`` stops publishing the old ones."""
        self._own.rotate(withdraw=withdraw)

    def published(self) -> dict[str, Any]:
        """Return the JWK set, each key with the channels that it may speak for."""
        endorsed = [key | {"endorsements": [CHANNEL]} for key in self._own.published()["keys"]]
        ring = self._others.get("unendorsed")
        others: list[dict[str, Any]] = ring.published()["keys"] if ring else []
        return {"keys": [*endorsed, *(key | {"endorsements": ["webchat"]} for key in others)]}

    def current(self, issuer: str, audience: str, service_url: str) -> str:
        """Return a good token, the same one for a while, as the channel's posts have it."""
        made, kid, token = self._used
        if kid != self._own.newest.kid or time.monotonic() - made > _USED_SECONDS:
            token = self.sign(claims(issuer, audience, service_url))
            self._used = (time.monotonic(), self._own.newest.kid, token)
        return token

    def sign(self, claims: dict[str, Any], by: SIGNED_BY = "own", headers: dict[str, Any] | None = None) -> str:
        """Return a token. ``secret`` is an attack by HS256 with what anybody knows, ``nobody`` one without a signature."""
        own = self._own.newest
        named = {"kid": own.kid, "x5t": own.kid, **(headers or {})}
        match by:
            case "own":
                return jwt.encode(claims, own.private, "RS256", named)
            case "secret":
                return jwt.encode(claims, own.kid * 2, "HS256", named)
            case "nobody":
                return jwt.encode(claims, "", "none", named)
            case _:
                key = self._other(by).newest
                kid = {"kid": key.kid} if by == "unendorsed" else {}
                return jwt.encode(claims, key.private, "RS256", {**named, **kid, **(headers or {})})

    def _other(self, name: str) -> KeyRing:
        """Return a ring that is made when it is first wanted: making keys takes longer than most tests."""
        if name not in self._others:
            self._others[name] = KeyRing(self._folder / name)
        return self._others[name]


def claims(issuer: str, audience: str, service_url: str) -> dict[str, Any]:
    """Return what a good token of the channel says."""
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": audience,
        "serviceurl": service_url,
        "nbf": now - _SKEW,
        "exp": now + _LIFETIME,
    }
