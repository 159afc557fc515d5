"""Authority that lasts: tokens in the name of the person who asked, also when they have long left.

A run may wait for days, longer than any assertion lives. So the refresh token of one on-behalf-of exchange is kept,
sealed, for each principal; every access token comes from it, and with each use the identity provider says anew whether
the person still has the authority. The assertion is never kept.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import aiohttp
import jwt

from charter.context import Context
from charter.errors import AuthorityLost, Unavailable
from charter.identity.expiring import Clock, Expiring
from charter.identity.flight import SingleFlight
from charter.identity.issuers import Issuer, Issuers
from charter.identity.sealed import Kept, Seal
from charter.identity.token_endpoint import GrantDead, Issued, TokenEndpoint
from charter.settings import Identity

if TYPE_CHECKING:
    import asyncpg

_TOKENS_REMEMBERED = 10_000
_KEPT_SECONDS = 14_400
_MARGIN_SECONDS = 300
_EXCHANGE_SECONDS = 20
_EXCHANGES_AT_ONCE = 4
"""Each rotation holds a database connection while the identity provider answers: a slow one must not take the pool."""

_READ = "select sealed from grants where tenant = $1 and principal = $2"
_LOCK = f"{_READ} for update"
_WRITE = (
    "insert into grants (tenant, principal, sealed) values ($1, $2, $3) "
    "on conflict (tenant, principal) do update set sealed = excluded.sealed, updated_at = now()"
)
_DELETE = "delete from grants where tenant = $1 and principal = $2"


class Sessions(Protocol):
    """What grants need of the store: one transaction within the context's tenant."""

    def session(self, ctx: Context) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]": ...


class Grants:
    """The tokens this host holds for others and for itself."""

    def __init__(
        self,
        database: Sessions,
        settings: Identity,
        issuers: Issuers,
        http: aiohttp.ClientSession,
        key: bytes,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._database = database
        self._settings = settings
        self._issuers = issuers
        self._endpoint = TokenEndpoint(http)
        self._seal = Seal(key)
        self._clock = clock
        self._kept: Expiring[tuple[str, str, str], bool] = Expiring(_TOKENS_REMEMBERED, clock)
        self._access: Expiring[tuple[str, str, str, str], str] = Expiring(_TOKENS_REMEMBERED, clock)
        self._flights: SingleFlight[Any] = SingleFlight()
        self._places = asyncio.Semaphore(_EXCHANGES_AT_ONCE)
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def keep(self, ctx: Context, assertion: str) -> None:
        """Keep the authority of ``ctx``'s principal for later, from the token they came with.

        The same assertion again costs a hash and a look-up, in another process one query. Of a workload nothing is
        kept: its tokens cannot be exchanged (see ``token``).

        Raises:
            AuthorityLost: the exchange is refused, gives nothing lasting, or the assertion is another principal's.
            Unavailable: the identity provider does not answer; nothing is known of the authority.
        """
        if ctx.principal.type == "workload":
            return
        digest = sha256(assertion.encode()).hexdigest()
        key = (ctx.tenant, ctx.principal.id, digest)
        if self._kept.get(key) is None:
            await self._flights.run(("keep", *key), lambda: self._keep(ctx, assertion, digest))
            self._kept.put(key, True, self._clock() + _KEPT_SECONDS)

    async def token(self, ctx: Context, scope: str, *, fresh: bool = False) -> str:
        """Return an access token for ``scope`` (``<resource>/.default``) as ``ctx``'s principal.

        Remembered per tenant, principal, scope and agent until shortly before it expires; ``fresh`` asks the identity
        provider in any case. For a workload it is the host's own token: Entra offers no exchange of an application's
        token, so what the target sees is this host, on whose side the workload's policies apply.

        Raises:
            AuthorityLost: nothing is kept for the principal, or the identity provider refuses.
            Unavailable: the identity provider does not answer; the authority may still stand.
        """
        if ctx.principal.type == "workload":
            return await self.host_token(ctx.tenant, scope, agent=ctx.agent, fresh=fresh)
        key = self._key(ctx, scope)
        if not fresh and (known := self._access.get(key)):
            return known
        return await self._flights.run(("token", *key, fresh), lambda: self._rotate(ctx, scope))

    async def host_token(self, tenant: str, scope: str, *, agent: str | None = None, fresh: bool = False) -> str:
        """Return an access token of the host itself for ``scope`` in one of our tenants (client credentials); of the
        agent's own identity where settings give it one.

        Raises:
            AuthorityLost: refused, or no Entra tenant is configured for ``tenant``.
            Unavailable: the identity provider does not answer or refuses the host's credentials.
        """
        issuer = self._issuers.as_agent(tenant, agent)
        if issuer is None:
            raise AuthorityLost("No identity provider is configured for the tenant.")
        key = (tenant, "", scope, f"{issuer.tid} {issuer.client_id}")
        if not fresh and (known := self._access.get(key)):
            return known
        return await self._flights.run(("host", *key), lambda: self._as_host(issuer, key))

    async def forget(self, ctx: Context) -> None:
        """Let go of the kept authority of ``ctx``'s principal: what still runs in their name ends where it next needs it.

        Another process remembers its access tokens until they expire.
        """
        self._forget(ctx)
        async with self._database.session(ctx) as session:
            await session.execute(_DELETE, ctx.tenant, ctx.principal.id)

    async def _as_host(self, issuer: Issuer, key: tuple[str, str, str, str]) -> str:
        return self._remember(key, await self._endpoint.as_host(issuer, key[2]))

    async def _keep(self, ctx: Context, assertion: str, digest: str) -> None:
        issuer = self._owner(ctx, assertion)
        tenant, principal = ctx.tenant, ctx.principal.id
        async with self._database.session(ctx) as session:
            sealed: bytes | None = await session.fetchval(_READ, tenant, principal)
        held = self._seal.open(tenant, principal, sealed) if sealed else None
        if held is not None and held.assertion == digest:
            return
        scope = self._settings.graph_scope
        issued = await self._endpoint.on_behalf_of(issuer, assertion, scope)
        if not issued.refresh_token:
            raise AuthorityLost("The identity provider gave no authority that outlasts this moment.")
        async with self._database.session(ctx) as session:
            kept = Kept(issuer.tid, issued.refresh_token, digest)
            await session.execute(_WRITE, tenant, principal, self._seal.close(tenant, principal, kept))
        self._remember(self._key(ctx, scope), issued)

    def _key(self, ctx: Context, scope: str) -> tuple[str, str, str, str]:
        """Return the place of a token: of this principal, this agent, and the identity provider that they have now."""
        issuer = self._issuers.of_principal(ctx)
        if issuer is None:
            self._forget(ctx)
            raise AuthorityLost("This host no longer believes the identity provider of the one who asked.")
        return ctx.tenant, ctx.principal.id, scope, f"{issuer.tid} {ctx.agent or ''}"

    def _owner(self, ctx: Context, assertion: str) -> Issuer:
        """Return the issuer of the assertion, which was verified at the door and must be this principal's."""
        try:
            claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as fault:
            raise AuthorityLost("The token that should be kept cannot be read.") from fault
        issuer = self._issuers.of(str(claims.get("tid")))
        if issuer is None or (issuer.tenant, issuer.principal(str(claims.get("oid")))) != _owner(ctx):
            raise AuthorityLost("The token is not of the person who asks.")
        return issuer

    async def _rotate(self, ctx: Context, scope: str) -> str:
        tenant, principal = ctx.tenant, ctx.principal.id
        lost: GrantDead | None = None
        async with self._turn(ctx), self._database.session(ctx) as session:
            # The row's lock lets one process at a time rotate: a token redeemed twice may end the whole grant.
            sealed: bytes | None = await session.fetchval(_LOCK, tenant, principal)
            kept = self._seal.open(tenant, principal, sealed) if sealed else None
            issuer = self._issuers.of(kept.tid) if kept else None
            if kept is None or issuer is None or issuer.tenant != tenant:
                self._forget(ctx)
                raise AuthorityLost("No authority is kept for the person who asked.")
            try:
                issued = await self._endpoint.refresh(issuer, kept.refresh_token, scope)
            except GrantDead as fault:
                lost = fault
                await session.execute(_DELETE, tenant, principal)
            else:
                newest = Kept(kept.tid, issued.refresh_token or kept.refresh_token, kept.assertion)
                await session.execute(_WRITE, tenant, principal, self._seal.close(tenant, principal, newest))
                return self._remember(self._key(ctx, scope), issued)
        self._forget(ctx)
        raise lost

    @asynccontextmanager
    async def _turn(self, ctx: Context) -> AsyncGenerator[None]:
        """Wait for this principal's turn and one of the places, and bound all that follows."""
        turn = self._turns.setdefault((ctx.tenant, ctx.principal.id), asyncio.Lock())
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS), turn, self._places:
                yield
        except TimeoutError as fault:
            raise Unavailable("The identity provider does not answer in time.") from fault

    def _remember(self, key: tuple[str, str, str, str], issued: Issued) -> str:
        margin = min(_MARGIN_SECONDS, issued.expires_in / 10)
        self._access.put(key, issued.access_token, self._clock() + issued.expires_in - margin)
        return issued.access_token

    def _forget(self, ctx: Context) -> None:
        """Drop all that this process remembers of the principal: no further call goes out in their name."""
        owner = _owner(ctx)
        self._access.drop(lambda key: key[:2] == owner)
        self._kept.drop(lambda key: key[:2] == owner)


def _owner(ctx: Context) -> tuple[str, str]:
    return ctx.tenant, ctx.principal.id
