"""Who calls a sandbox: its bearer token verified, by the issuer's published keys, for this very audience."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import aiohttp
import jwt

Verify: TypeAlias = Callable[[str], Awaitable[Mapping[str, Any]]]

_TENANT = re.compile(r"[a-z0-9-]{1,64}")
_NEEDED = ["exp", "iss", "aud", "oid", "tid"]
_FRESH_SECONDS = 300
_TIMEOUT = aiohttp.ClientTimeout(total=5)


def verifier(issuer: str, audience: str, *, scope: str | None = "access_as_user") -> Verify:
    """Return ``verify(token) -> claims`` for tokens that ``issuer`` (the twin's base address) made for ``audience``.

    ``verify`` raises ``PermissionError`` with the reason: another signature, issuer, audience or time, or a person's
    token without the ``scope`` (``None``: none is needed).
    """
    keys = _Keys(issuer)

    async def verify(token: str) -> Mapping[str, Any]:
        try:
            tenant = str(jwt.decode(token, options={"verify_signature": False}).get("tid"))
            key_id = str(jwt.get_unverified_header(token).get("kid"))
            if not _TENANT.fullmatch(tenant):
                raise PermissionError("The token names no tenant.")
            claims: dict[str, Any] = jwt.decode(
                token,
                await keys.get(tenant, key_id),
                algorithms=["RS256"],
                audience=audience,
                issuer=f"{issuer}/{tenant}/v2.0",
                options={"require": _NEEDED},
            )
        except jwt.InvalidTokenError as fault:
            raise PermissionError(f"The token is not accepted: {fault}.") from fault
        person = claims.get("idtyp") != "app"
        if person and scope is not None and scope not in str(claims.get("scp", "")).split():
            raise PermissionError(f"The token lacks the scope {scope}.")
        return claims

    return verify


class _Keys:
    """The issuer's signing keys by tenant; an unknown key id makes us ask again, but not twice within a second."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        self._asking = asyncio.Lock()

    async def get(self, tenant: str, key_id: str) -> Any:
        async with self._asking:
            read_at, keys = self._known.get(tenant, (0.0, {}))
            age = time.monotonic() - read_at
            if not keys or age > _FRESH_SECONDS or (key_id not in keys and age > 1):
                keys = await self._read(tenant)
                self._known[tenant] = (time.monotonic(), keys)
        if key_id not in keys:
            raise PermissionError("The token is signed with a key that its issuer does not publish.")
        return keys[key_id]

    async def _read(self, tenant: str) -> dict[str, Any]:
        address = f"{self._issuer}/{tenant}/discovery/v2.0/keys"
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as http, http.get(address) as answer:
                if answer.status != 200:
                    raise PermissionError("The token's issuer publishes no keys.")
                return {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(await answer.json()).keys}
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise PermissionError("The token's issuer does not answer.") from fault
