"""Refresh tokens at rest: sealed with a key that is not in the database, and bound to the row they lie in."""

import base64
from dataclasses import dataclass, field

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from charter.errors import StartRefused

_LEAST_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept for one principal: their Entra tenant and newest refresh token.

    ``assertion`` is the hex SHA-256 of the token it all came from; that token itself is never kept.
    """

    tid: str
    refresh_token: str = field(repr=False)
    assertion: str


def fernet(key: bytes, purpose: str) -> Fernet:
    """Return the seal of one purpose: what it closed, no other purpose's opens.

    Raises:
        StartRefused: the key is too short.
    """
    if len(key) < _LEAST_KEY_BYTES:
        raise StartRefused("CHARTER_SESSION_KEY is too short: at least 16 bytes keep refresh tokens sealed.")
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"charter {purpose} 1".encode()).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))


class Seal:
    """Fernet (AES-CBC with HMAC) under a key derived from ours."""

    def __init__(self, key: bytes) -> None:
        self._fernet = fernet(key, "grants")

    def close(self, tenant: str, principal: str, kept: Kept) -> bytes:
        return self._fernet.encrypt(orjson.dumps([tenant, principal, kept.tid, kept.refresh_token, kept.assertion]))

    def open(self, tenant: str, principal: str, sealed: bytes) -> Kept | None:
        """Return what was sealed for this principal; nothing when the key differs or the row was altered or moved."""
        try:
            owner_tenant, owner, tid, refresh_token, assertion = orjson.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError, TypeError):
            return None
        return Kept(tid, refresh_token, assertion) if (owner_tenant, owner) == (tenant, principal) else None
