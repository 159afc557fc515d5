"""Tokens made with an issuer's very own key, in which exactly what a test changed is wrong; and some with other keys."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_HMAC = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
Changes = Mapping[str, Any]


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Forge:
    """One identity provider's key, address and tenant."""

    key: rsa.RSAPrivateKey
    url: str
    tid: str
    oid: str

    @classmethod
    def of(cls, folder: Path, url: str, tid: str, oid: str) -> "Forge":
        """Take the signing key of the twin that keeps its data in ``folder``."""
        newest = max((folder / "keys").glob("*.pem"))
        key = serialization.load_pem_private_key(newest.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(key, url, tid, oid)

    @property
    def kid(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.public("der")).digest()[:20]).decode().rstrip("=")

    def public(self, form: str) -> bytes:
        """Return the public key as everybody may have it: ``pem``, ``der``, ``jwk`` or ``modulus``."""
        public = self.key.public_key()
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        match form:
            case "pem":
                return public.public_bytes(serialization.Encoding.PEM, spki)
            case "der":
                return public.public_bytes(serialization.Encoding.DER, spki)
            case "jwk":
                return json.dumps(self.jwk()).encode()
            case _:
                return public.public_numbers().n.to_bytes(256)

    def jwk(self) -> dict[str, Any]:
        return json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return a good token's claims, changed; ``None`` takes one away."""
        now = int(time.time())
        good = {
            "iss": f"{self.url}/{self.tid}/v2.0",
            "aud": "api://charter",
            "tid": self.tid,
            "oid": self.oid,
            "sub": "pairwise",
            "name": "Somebody",
            "scp": "access_as_user",
            "roles": ["employee"],
            "ver": "2.0",
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + 600,
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def signed(self, headers: Changes | None = None, *, alg: str = "RS256", **changed: Any) -> str:
        head = {"kid": self.kid, **(headers or {})}
        return jwt.encode(self.claims(**changed), self.key, alg, headers=head)

    def unsigned(self, alg: Any, signature: str = "") -> str:
        return f"{part({'alg': alg, 'typ': 'JWT', 'kid': self.kid})}.{part(self.claims())}.{signature}"

    def keyed_with_the_public_key(self, alg: str, form: str) -> str:
        """Sign symmetrically, with what everybody knows."""
        text = f"{part({'alg': alg, 'typ': 'JWT', 'kid': self.kid})}.{part(self.claims())}"
        return f"{text}.{part(hmac.new(self.public(form), text.encode(), _HMAC[alg]).digest())}"
