"""Refresh tokens at rest: sealed with a key that is not in the database, and bound to the row they lie in."""

import base64
from dataclasses import dataclass, field

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
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


def keys_of(text: bytes) -> list[bytes]:
    """Return the session keys that a setting holds, separated by commas: the first one seals, each of them opens, so that
    a new one can be put before the old one and nothing that was sealed is lost.

    Raises:
        StartRefused: there is none, or one is too short.
    """
    found = [key.strip() for key in text.split(b",")]
    if any(len(key) < _LEAST_KEY_BYTES for key in found):
        raise StartRefused("CHARTER_SESSION_KEY is too short: at least 16 bytes keep refresh tokens sealed.")
    return found


def fernet(key: bytes, purpose: str) -> MultiFernet:
    """Return the seal of one purpose: what it closed, no other purpose's opens. ``key`` may be several (``keys_of``).

    Raises:
        StartRefused: a key is too short.
    """
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(each, purpose))) for each in keys_of(key)])


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"charter {purpose} 1".encode()).derive(key)


class Seal:
    """Fernet (AES-CBC with HMAC), under a key of each principal's own that is derived from ours."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._shared = fernet(key, "grants")
        """Of rows that were sealed before principals had keys of their own."""

    def close(self, tenant: str, principal: str, kept: Kept) -> bytes:
        whole = orjson.dumps([tenant, principal, kept.tid, kept.refresh_token, kept.assertion])
        return self._of(tenant, principal).encrypt(whole)

    def open(self, tenant: str, principal: str, sealed: bytes) -> Kept | None:
        """Return what was sealed for this principal; nothing when the key differs or the row was altered or moved."""
        for seal in (self._of(tenant, principal), self._shared):
            try:
                owner_tenant, owner, tid, refresh_token, assertion = orjson.loads(seal.decrypt(sealed))
            except (InvalidToken, ValueError, TypeError):
                continue
            return Kept(tid, refresh_token, assertion) if (owner_tenant, owner) == (tenant, principal) else None
        return None

    def _of(self, tenant: str, principal: str) -> MultiFernet:
        return fernet(self._key, f"grant of {tenant}/{principal}")
