"""What has come in and is not done: taken by one process at a time, and by another where the first one died."""

from dataclasses import dataclass
from typing import Any

import structlog

from charter.channels.teams.incoming import Activity, parse
from charter.errors import InvalidRequest
from charter.store.database import Database, Session

_log = structlog.get_logger(__name__)

LEASE_SECONDS = 15
"""So long a message waits that a process which dies was working on; who lives says so in time (``hold``)."""
MOST_ATTEMPTS = 3
_HOPELESS = 10
_WAITING = 5

_TAKEN = (
    "update teams_inbox i set taken_until = clock_timestamp() + make_interval(secs => $1), attempts = attempts + 1 "
    "from ({chosen}) as c where i.conversation = c.conversation and i.activity = c.activity "
    "returning i.conversation, i.activity, i.body, i.attempts, i.received_at"
)
# Of each person in a conversation the first alone: the others wait for it here, and for no place in a process.
_OLDEST = (
    "select i.conversation, i.activity from teams_inbox i join (select distinct on (conversation, person) conversation, activity "
    "from teams_inbox where state = 'new' order by conversation, person, received_at, activity) as f using (conversation, activity) "
    "where i.state = 'new' and (i.taken_until is null or i.taken_until < clock_timestamp()) "
    "order by i.received_at limit $2 for update of i skip locked"
)
_DONE = (
    "update teams_inbox set state = 'done', body = null, taken_until = null where conversation = $1 and activity = $2"
)
# Here, too, in whatever process the earlier one is: what somebody asks must not overtake whom they asked to do it.
_ONE = (
    "select i.conversation, i.activity from teams_inbox i where i.state = 'new' and i.conversation = $2 and i.activity = $3 "
    "and (i.taken_until is null or i.taken_until < clock_timestamp()) and not exists (select 1 from teams_inbox e "
    "where e.state = 'new' and e.conversation = $2 and e.person = i.person "
    "and (e.received_at, e.activity) < (i.received_at, i.activity)) for update of i skip locked"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """An activity that this process works on; ``last``: it will not be tried again."""

    tenant: str
    activity: Activity
    attempts: int

    @property
    def last(self) -> bool:
        return self.attempts >= MOST_ATTEMPTS

    @property
    def hopeless(self) -> bool:
        """Whether so many processes have died over it that it may be what kills them."""
        return self.attempts > _HOPELESS


async def take(database: Database, tenant: str, limit: int) -> list[Taken]:
    """Take what has waited longest and nobody works on, the oldest first; of what one person wrote in a conversation the first
    alone.
    """
    async with database.tenant_session(tenant) as session:
        rows = await session.fetch(_TAKEN.format(chosen=_OLDEST), LEASE_SECONDS, limit)
        found = [await _taken(session, tenant, row) for row in sorted(rows, key=lambda row: row["received_at"])]
    return [taken for taken in found if taken is not None]


async def take_one(database: Database, tenant: str, activity: Activity) -> Taken | None:
    """Take this one, unless somebody has it, or something waits that the same person wrote there before."""
    async with database.tenant_session(tenant) as session:
        row = await session.fetchrow(
            _TAKEN.format(chosen=_ONE), LEASE_SECONDS, activity.place.conversation, activity.id
        )
        return await _taken(session, tenant, row) if row else None


async def _taken(session: Session, tenant: str, row: Any) -> Taken | None:
    """Return it as it is worked on. What this version cannot read is over: it must not keep the others from being taken."""
    try:
        return Taken(tenant, parse(row["body"]), row["attempts"])
    except InvalidRequest as fault:
        _log.error(
            "an activity that was kept cannot be read", tenant=tenant, activity=row["activity"], reason=fault.detail
        )
        await session.execute(_DONE, row["conversation"], row["activity"])
        return None


async def done(session: Session, activity: Activity) -> None:
    """Nothing is left to do about it; of what it said nothing stays here."""
    await session.execute(_DONE, activity.place.conversation, activity.id)


async def waits_for_sign_in(session: Session, activity: Activity) -> None:
    """Let it wait until its sender has signed in; of much that one person writes meanwhile only the newest waits."""
    await session.execute(
        "update teams_inbox set state = 'signing_in', taken_until = null, attempts = 1 where conversation = $1 and activity = $2",
        activity.place.conversation,
        activity.id,
    )
    await session.execute(
        "update teams_inbox set state = 'done', body = null where person = $1 and state = 'signing_in' and (conversation, activity) "
        "not in (select conversation, activity from teams_inbox where person = $1 and state = 'signing_in' "
        "and received_at > clock_timestamp() - interval '1 hour' order by received_at desc limit $2)",
        activity.sender.oid,
        _WAITING,
    )


async def resume(session: Session, person: str) -> None:
    """Let what waited for a person's sign-in be worked on, unless they are signed out."""
    await session.execute(
        "update teams_inbox set state = 'new', taken_until = null where person = $1 and state = 'signing_in' "
        "and not exists (select 1 from teams_people p where p.id = $1 and p.signed_out)",
        person,
    )


async def hold(database: Database, taken: Taken) -> bool:
    """Say that this process still works on it; return whether it may: nobody else has taken it meanwhile."""
    async with database.tenant_session(taken.tenant) as session:
        done = await session.execute(
            "update teams_inbox set taken_until = clock_timestamp() + make_interval(secs => $3) "
            "where conversation = $1 and activity = $2 and state = 'new' and attempts = $4",
            taken.activity.place.conversation,
            taken.activity.id,
            LEASE_SECONDS,
            taken.attempts,
        )
    return done == "UPDATE 1"


async def put_back(session: Session, activity: Activity, *, seconds: float = 0) -> None:
    """Let another process, or this one after that time, work on it; this time does not count. It is not the first one any
    more either: something may have been begun in it.
    """
    await session.execute(
        "update teams_inbox set taken_until = clock_timestamp() + make_interval(secs => $3), "
        "attempts = greatest(attempts - 1, 1) "
        "where conversation = $1 and activity = $2 and state = 'new'",
        activity.place.conversation,
        activity.id,
        seconds,
    )


async def retry(session: Session, activity: Activity, *, seconds: float) -> None:
    """Let it be tried again after that time; this time counts."""
    await session.execute(
        "update teams_inbox set taken_until = clock_timestamp() + make_interval(secs => $3) "
        "where conversation = $1 and activity = $2 and state = 'new'",
        activity.place.conversation,
        activity.id,
        seconds,
    )
