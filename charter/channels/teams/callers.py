"""Who writes in Teams, by a token of theirs: nothing that an activity says of a person's rights is believed.

The channel vouches for the person's object id and tenant. What they may do comes from a token for this host that the
token service keeps for them, verified like any other token that comes in.
"""

import time
from dataclasses import replace
from typing import Protocol

import jwt
import structlog

from charter.channels.teams.incoming import Activity
from charter.channels.teams.ports import TokenService
from charter.errors import Forbidden, Unauthenticated
from charter.identity.authentication import Caller
from charter.identity.expiring import Clock, Expiring
from charter.identity.flight import SingleFlight
from charter.store.database import Database

_log = structlog.get_logger(__name__)
_REMEMBERED = 10_000
_REMEMBERED_SECONDS = 300
_MARGIN_SECONDS = 60


class Authentication(Protocol):
    """The check of a bearer token (``charter.identity.authentication.Authenticator``)."""

    async def authenticate(self, authorization: str | None, /) -> Caller: ...


class Callers:
    """Finds the caller that an activity's sender is."""

    def __init__(
        self, tokens: TokenService, authenticator: Authentication, database: Database, *, clock: Clock = time.time
    ) -> None:
        self._tokens = tokens
        self._authenticator = authenticator
        self._database = database
        self._clock = clock
        self._known: Expiring[tuple[str, str], Caller] = Expiring(_REMEMBERED, clock)
        self._flights: SingleFlight[str | None] = SingleFlight()

    async def present(self, tenant: str, activity: Activity) -> Caller | None:
        """Return the sender's caller; ``None``: they have to sign in.

        Raises:
            Forbidden: the token is another person's, of another tenant, or gives no access to this host.
            Unavailable, TenantSuspended: not now.
        """
        who = (tenant, activity.sender.oid)
        if await self._signed_out(tenant, activity.sender.oid):
            self._known.drop(lambda key: key == who)
            return None
        if known := self._known.get(who):
            # Its tenant, and the key behind it, are looked at anew.
            return await self._believed(tenant, activity, known.token)
        account, channel = activity.sender.id, activity.channel
        token = await self._flights.run(who, lambda: self._tokens.token(account, channel))
        return await self.arrived(tenant, activity, token) if token else None

    async def arrived(self, tenant: str, activity: Activity, token: str) -> Caller | None:
        """Return the caller that a token makes of the sender, and remember them; ``None``: it is not to be believed.

        Raises:
            As ``present``.
        """
        caller = await self._believed(tenant, activity, token)
        if caller is not None:
            ends = self._ends(token)
            who = (tenant, caller.ctx.principal.id)
            self._known.put(who, caller, min(ends - _MARGIN_SECONDS, self._clock() + _REMEMBERED_SECONDS))
            await self._note_roles(caller)
        return caller

    def forget(self, tenant: str, person: str) -> None:
        self._known.drop(lambda key: key == (tenant, person))

    async def _believed(self, tenant: str, activity: Activity, token: str) -> Caller | None:
        try:
            caller = await self._authenticator.authenticate(f"Bearer {token}")
        except Unauthenticated as fault:
            _log.info("a person's token is not believed", reason=fault.detail)
            return None
        ctx = caller.ctx
        if (ctx.tenant, ctx.principal.id) != (tenant, activity.sender.oid) or ctx.principal.type == "workload":
            _log.warning("a token of somebody else", tenant=tenant)
            raise Forbidden("The sign-in is not of the person who writes.", action="Sign out, and sign in as yourself.")
        return replace(caller, ctx=replace(ctx, channel="teams"))

    def _ends(self, token: str) -> float:
        return float(jwt.decode(token, options={"verify_signature": False})["exp"])

    async def _signed_out(self, tenant: str, person: str) -> bool:
        async with self._database.tenant_session(tenant) as session:
            return bool(await session.fetchval("select signed_out from teams_people where id = $1", person))

    async def _note_roles(self, caller: Caller) -> None:
        """Keep the roles, so that who decides by a role can be found. They let nobody do anything."""
        async with self._database.tenant_session(caller.ctx.tenant) as session:
            await session.execute(
                "update teams_people set roles = $2 where id = $1 and roles <> $2",
                caller.ctx.principal.id,
                sorted(caller.ctx.principal.roles),
            )
