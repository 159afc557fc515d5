"""Client assertions (RFC 7523, 2.2): another issuer's word for who the client is, where the client trusts that issuer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from charter.twins.entra.key_ring import KeyRing
from charter.twins.entra.refusals import Refused
from charter.twins.entra.scopes import TOKEN_EXCHANGE

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Whoever ``issuer`` calls ``subject``, for this exchange, is the application that this is registered with."""

    issuer: str
    subject: str
    keys: KeyRing
    audience: str = TOKEN_EXCHANGE


def verify(credentials: Sequence[FederatedCredential], assertion: str) -> None:
    """Return if the assertion is good and one of the credentials names it.

    Raises:
        Refused: no credential of this issuer, subject or audience; another's signature; out of its time.
    """
    credential = _matching(credentials, _claimed(assertion))
    try:
        credential.keys.read(
            assertion, audiences=[credential.audience], issuer=credential.issuer, required=("exp", "sub")
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as fault:
        raise Refused(700024) from fault
    except jwt.PyJWTError as fault:
        raise Refused(700027) from fault


def _claimed(assertion: str) -> dict[str, Any]:
    """Return what the assertion says of itself; nothing of it is believed yet."""
    try:
        return jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as fault:
        raise Refused(50027) from fault


def _matching(credentials: Sequence[FederatedCredential], claims: dict[str, Any]) -> FederatedCredential:
    told: str | list[str] | None = claims.get("aud")
    audiences = told if isinstance(told, list) else [told]
    left = [each for each in credentials if each.issuer == claims.get("iss")]
    if not left:
        raise Refused(700211, str(claims.get("iss")))
    left = [each for each in left if each.subject == claims.get("sub")]
    if not left:
        raise Refused(700213, str(claims.get("sub")))
    left = [each for each in left if each.audience in audiences]
    if not left:
        raise Refused(700212, str(told))
    return left[0]
