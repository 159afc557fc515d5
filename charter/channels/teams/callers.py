"""Who writes in Teams, by a token of theirs: nothing that an activity says of a person's rights is believed.

The channel vouches for the person's object id and tenant. What they may do comes from a token for this host that the
token service keeps for them, verified like any other token that comes in.
"""

import time
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import jwt
import structlog

from charter.channels.teams import pending, people, standing
from charter.channels.teams.incoming import Activity
from charter.channels.teams.ports import TokenService
from charter.channels.teams.standing import Standing
from charter.errors import Forbidden, Guest, Unauthenticated, Unavailable, WrongAccount
from charter.identity.authentication import Caller
from charter.identity.expiring import Clock, Expiring
from charter.identity.flight import SingleFlight
from charter.store.database import Database

_log = structlog.get_logger(__name__)
_REMEMBERED = 10_000
_REMEMBERED_SECONDS = 300
_MARGIN_SECONDS = 60
"""What begins with a remembered token must have the time to keep its authority."""

_Who = tuple[str, str, int]
"""The tenant, the person, and how often they have signed out: who signs in again is remembered anew, in every process."""


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
        self._known: Expiring[_Who, Caller] = Expiring(_REMEMBERED, clock)
        self._flights: SingleFlight[Caller | None] = SingleFlight()

    async def present(self, tenant: str, activity: Activity, *, fresh: bool = False) -> Caller | None:
        """Return the sender's caller; ``None``: they have to sign in, as everybody has who signed out, whatever the token
        service still keeps. What waits for their sign-in goes on where they turn out to be signed in.

        ``fresh`` asks the token service in any case; otherwise it is not asked again for some minutes.

        Raises:
            WrongAccount, Guest: the token is another person's, or of another organisation than the conversation. The token
                service has let go of it: as long as it keeps it, they cannot sign in as themselves.
            Forbidden: it gives no access to this host.
            Unavailable, TenantSuspended: not now.
        """
        stands = await self.stands(tenant, activity.sender.oid)
        if stands.signed_out or not activity.sender.oid:
            return None
        who = (tenant, activity.sender.oid, stands.sign_outs)
        known = None if fresh else self._known.get(who)
        # Its tenant, and the key behind it, are looked at anew.
        if known is not None and (caller := await self._believed(tenant, activity, known.token)):
            return caller
        return await self._flights.run((*who, activity.sender.id), lambda: self._asked(who, activity))

    async def arrived(self, tenant: str, activity: Activity, token: str, stands: Standing) -> Caller | None:
        """Return the caller that a token makes of the sender, who has just signed in with it, and let what waits for that
        go on; ``None``: it is not to be believed, or they have signed out since they stood so.

        Raises:
            As ``present``.
        """
        return await self._taken((tenant, activity.sender.oid, stands.sign_outs), activity, token, signed_in=True)

    async def stands(self, tenant: str, person: str) -> Standing:
        async with self._database.tenant_session(tenant) as session:
            return await standing.read(session, tenant, person)

    def forget(self, tenant: str, person: str) -> None:
        self._known.drop(lambda key: key[:2] == (tenant, person))

    async def _asked(self, who: _Who, activity: Activity) -> Caller | None:
        token = await self._tokens.token(activity.sender.id, activity.channel)
        return await self._taken(who, activity, token, signed_in=False) if token else None

    async def _taken(self, who: _Who, activity: Activity, token: str, *, signed_in: bool) -> Caller | None:
        try:
            caller = await self._believed(who[0], activity, token)
        except Forbidden as fault:
            _log.warning("a person's token was refused", tenant=who[0], code=fault.code, reason=fault.detail)
            if isinstance(fault, WrongAccount | Guest):
                with suppress(Unavailable):
                    await self._tokens.sign_out(activity.sender.id, activity.channel)
            raise
        if caller is None:
            return None
        async with self._database.tenant_session(who[0]) as session:
            await people.seen(session, who[0], activity)
            if signed_in and (await standing.read(session, who[0], who[1])).sign_outs != who[2]:
                return None
            await standing.arrived(session, who[0], who[1], caller.ctx.principal.roles, signed_in=signed_in)
            await pending.resume(session, who[1])
        self._known.put(who, caller, min(_ends(token) - _MARGIN_SECONDS, self._clock() + _REMEMBERED_SECONDS))
        return caller

    async def _believed(self, tenant: str, activity: Activity, token: str) -> Caller | None:
        """Return the caller of a token, if it is the sender's own."""
        try:
            caller = await self._authenticator.authenticate(f"Bearer {token}")
        except Unauthenticated as fault:
            if _claim(token, "tid") not in ("", activity.tid):
                raise Guest() from fault
            _log.info("a person's token is not believed", reason=fault.detail)
            return None
        ctx = caller.ctx
        # Customers' identity providers are tenants of their own, too.
        if (caller.tid, ctx.tenant) != (activity.tid, tenant):
            raise Guest()
        if ctx.principal.id != activity.sender.oid or ctx.principal.type == "workload":
            raise WrongAccount()
        return replace(caller, ctx=replace(ctx, channel="teams"))


def _ends(token: str) -> float:
    """Return when a verified token ends."""
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])


def _claim(token: str, name: str) -> str:
    """Return what a token says that is not believed: good for saying why, and for nothing else."""
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get(name, ""))
    except jwt.PyJWTError:
        return ""
