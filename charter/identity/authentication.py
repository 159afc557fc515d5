"""From an Authorization header to a caller."""

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from charter.context import Context
from charter.errors import TenantSuspended, Unauthenticated
from charter.identity.expiring import Clock, Expiring
from charter.identity.issuers import Issuers
from charter.identity.principals import overage, resolve
from charter.identity.tokens import TokenVerifier

_REMEMBERED = 4_096
_TOKEN = re.compile(r"[A-Za-z0-9_.=-]+")
"""Readers of base64 overlook other characters: the same token would come in in many spellings."""
_BELIEVED_SECONDS = 300
"""How long a verified token is believed unseen: a key that its issuer withdraws must stop counting before ``exp``."""

Groups = Callable[[Context, str], Awaitable[Iterable[str]]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the token they came with: the assertion of an on-behalf-of exchange, never stored or shown."""

    ctx: Context
    token: str = field(repr=False)
    tid: str = ""


class Authenticator:
    """Verifies each token once and remembers the callers it stands for.

    ``groups`` tells the groups of a person whose token cannot carry them (``Directory.groups``); without it such a
    token is refused.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        issuers: Issuers,
        *,
        groups: Groups | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._verifier = verifier
        self._issuers = issuers
        self._groups = groups
        self._clock = clock
        self._callers: Expiring[bytes, Caller] = Expiring(_REMEMBERED, clock)

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller of an ``Authorization: Bearer`` header.

        Raises:
            Unauthenticated: no bearer token, or one that is not to be believed.
            TenantSuspended: the tenant is, for now.
            Forbidden: a believed token that gives no access to this host.
            Unavailable: the identity provider does not answer and the token's key is not known yet.
        """
        token = bearer(authorization)
        digest = sha256(token.encode()).digest()
        caller = self._callers.get(digest)
        if caller is None:
            caller = await self._verified(token, digest)
        else:
            self._check_still(caller)
        return caller

    def _check_still(self, caller: Caller) -> None:
        """Return if what was found when the token was verified still stands: tenants change while tokens last."""
        issuer = self._issuers.of(caller.tid)
        if issuer is None or issuer.tenant != caller.ctx.tenant:
            raise Unauthenticated("The token is of a tenant that this host does not serve.")
        if not self._issuers.served(caller.ctx.tenant):
            raise TenantSuspended()

    async def _verified(self, token: str, digest: bytes) -> Caller:
        claims = await self._verifier.verify(token)
        groups: Iterable[str] | None = None
        if self._groups is not None and overage(claims):
            known = resolve(claims, self._issuers, ())
            # Of a customer no group counts, and our directory knows none of theirs.
            groups = () if known.principal.external else await self._groups(known, token)
        caller = Caller(resolve(claims, self._issuers, groups), token, str(claims["tid"]))
        self._callers.put(digest, caller, min(float(claims["exp"]), self._clock() + _BELIEVED_SECONDS))
        return caller


def bearer(authorization: str | None) -> str:
    """Return the token of an ``Authorization: Bearer`` header.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        raise Unauthenticated("The request carries no bearer token.")
    return token
