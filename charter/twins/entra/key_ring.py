"""The twin's signing keys. All that are not withdrawn are published; the newest signs. Kept, so tokens survive a restart."""

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey
    path: Path


class KeyRing:
    """One ring for all tenants, as in Entra: so only the claims tell tenants apart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "keys"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keys = [_loaded(path) for path in sorted(self._folder.glob("*.pem"))]
        if not self._keys:
            self.rotate()

    def rotate(self, *, withdraw: bool = False) -> None:
        """Sign with a new key from now on; ``withdraw`` stops publishing the old ones."""
        if withdraw:
            for key in self._keys:
                key.path.unlink()
            self._keys = []
        last = int(self._keys[-1].path.stem) if self._keys else 0
        self._keys.append(_created(self._folder / f"{last + 1:04}.pem"))

    @property
    def newest(self) -> SigningKey:
        return self._keys[-1]

    def sign(self, claims: dict[str, Any]) -> str:
        key = self.newest
        return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid})

    def read(
        self, token: str, *, audiences: list[str], issuer: str, required: Sequence[str] = ("exp", "oid", "tid")
    ) -> dict[str, Any]:
        """Return the claims of one of our own tokens.

        Raises:
            jwt.PyJWTError: not ours, not for these audiences, not of this issuer, out of its time, or a claim lacks.
        """
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((key for key in self._keys if key.kid == kid), None)
        if key is None:
            raise jwt.InvalidKeyError("unknown key")
        return jwt.decode(
            token,
            key.private.public_key(),
            algorithms=["RS256"],
            audience=audiences,
            issuer=issuer,
            options={"require": list(required)},
        )

    def published(self) -> dict[str, Any]:
        """Return the JWK set (RFC 7517)."""
        return {"keys": [_jwk(key) for key in self._keys]}


def _created(path: Path) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    half = path.with_suffix(".new")  # renamed when whole: a kill leaves no half a key
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    half.replace(path)
    return SigningKey(_kid(private), private, path)


def _loaded(path: Path) -> SigningKey:
    private = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(private, rsa.RSAPrivateKey), f"{path} is no RSA key"
    return SigningKey(_kid(private), private, path)


def _kid(private: rsa.RSAPrivateKey) -> str:
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode().rstrip("=")


def _jwk(key: SigningKey) -> dict[str, Any]:
    numbers = key.private.public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "kid": key.kid, "n": _number(numbers.n), "e": _number(numbers.e)}


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).decode().rstrip("=")
