"""Whether somebody is signed in, as far as rows can say: only a token says what they may do.

Whoever writes here has the person's row first (``people.seen`` locks it, also where it changes nothing), before anything of
theirs in the inbox: so what begins to wait for a sign-in and the sign-in itself never miss each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from charter.store.database import Session

_AGAIN_SECONDS = 300
"""So long a person is not asked again to sign in in the same place."""

_READ = "select signed_out, sign_outs from teams_people where tenant = $1 and id = $2"
_ARRIVED = (
    "update teams_people set roles = $3, signed_out = signed_out and not $4, newcomer = newcomer or roles <> $3 or signed_out, "
    "asked_at = case when $4 then null else asked_at end "
    "where tenant = $1 and id = $2 and (roles <> $3 or ($4 and (signed_out or asked_at is not null)))"
)
_REACHED = "update teams_people set newcomer = true where tenant = $1 and id = $2"
_LEFT = "update teams_people set signed_out = true, sign_outs = sign_outs + 1, asked_at = null where tenant = $1 and id = $2"
_RETRY = "update teams_people set asked_at = null where tenant = $1 and id = $2"
_ASKED = (
    "update teams_people set asked_at = clock_timestamp(), asked_in = $3 where tenant = $1 and id = $2 "
    "and (asked_at is null or asked_in <> $3 or asked_at < clock_timestamp() - make_interval(secs => $4)) returning true"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether they have signed out, and how often they ever did."""

    signed_out: bool = False
    sign_outs: int = 0


async def read(session: Session, tenant: str, person: str) -> Standing:
    row = await session.fetchrow(_READ, tenant, person)
    return Standing(row["signed_out"], row["sign_outs"]) if row else Standing()


async def arrived(session: Session, tenant: str, person: str, roles: Iterable[str], *, signed_in: bool) -> None:
    """Keep the roles of somebody's newest token, so that who decides by a role can be found. They let nobody do anything.

    ``signed_in``: they have just done so, and are not signed out any more.
    """
    await session.execute(_ARRIVED, tenant, person, sorted(roles), signed_in)


async def reached(session: Session, tenant: str, person: str) -> None:
    """Say that somebody can be reached who may not have been before."""
    await session.execute(_REACHED, tenant, person)


async def left(session: Session, tenant: str, person: str) -> None:
    """Say that they signed out: what any process remembers of them from before counts no more."""
    await session.execute(_LEFT, tenant, person)


async def asked(session: Session, tenant: str, person: str, conversation: str) -> bool:
    """Return whether they are to be asked to sign in there, and have not been a moment ago."""
    return bool(await session.fetchval(_ASKED, tenant, person, conversation, _AGAIN_SECONDS))


async def failed(session: Session, tenant: str, person: str) -> None:
    """Say that what they were asked to do did not work: they are asked anew as soon as they write."""
    await session.execute(_RETRY, tenant, person)
