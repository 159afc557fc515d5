"""What is to be said in Teams, written down in the transaction that makes it true, and sent from there (``sending``)."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from charter.channels.teams.incoming import Account, Json, Place
from charter.store.database import Session

_PUT = (
    "insert into teams_outbox (tenant, key, conversation, root, person, reply_to, private_to, edits, body, due_at) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, clock_timestamp())) "
    # An edit that has not left yet is overtaken by the newer one; anything else is said once.
    "on conflict (tenant, key) do update set body = excluded.body, due_at = least(teams_outbox.due_at, excluded.due_at) "
    "where teams_outbox.edits <> '' and teams_outbox.state = 'waiting'"
)

# Not by "like": under row-level security that finds no index, since it may leak what it compares; a range in this order does.
_BEGINS = 'key collate "C" >= $1 and key collate "C" < $2'


@dataclass(frozen=True, slots=True)
class Said:
    """One thing to be said, once: ``key`` names it within the tenant.

    It goes to a ``conversation`` (in a thread: ``root``) or to a ``person`` (their object id) in their personal chat, which
    is opened where there is none. ``private_to`` is the account that alone sees it there. ``edits`` is the key of what
    was said before and is to be replaced. ``due`` is when; nothing: now.
    """

    key: str
    body: Json
    conversation: str = ""
    root: str = ""
    person: str = ""
    reply_to: str = ""
    private_to: str = ""
    edits: str = ""
    due: datetime | None = None


async def put(session: Session, tenant: str, said: Said) -> None:
    """Write it down; what has been said by that key already is not said again."""
    await session.execute(
        _PUT, tenant, said.key, said.conversation, said.root, said.person, said.reply_to, said.private_to, said.edits,
        said.body, said.due,
    )  # fmt: skip


async def was_sent(session: Session, tenant: str, said: Said, activity_id: str, place: Place) -> None:
    """Note what has been said already, as a stream: its key is never said again, reactions and edits find it."""
    await session.execute(
        "insert into teams_outbox (tenant, key, conversation, root, person, state, activity, place) "
        "values ($1, $2, $3, $4, $5, 'sent', $6, $7) on conflict (tenant, key) do nothing",
        tenant, said.key, said.conversation, said.root, said.person, activity_id, _where(place),
    )  # fmt: skip


async def key_of(session: Session, conversation: str, activity_id: str) -> str | None:
    """Return the key of what was said there as this activity."""
    return await session.fetchval(
        "select key from teams_outbox where activity = $2 and case when conversation = '' then "
        "nullif(place, '')::jsonb ->> 'conversation' else conversation end = $1 order by number limit 1",
        conversation,
        activity_id,
    )


async def newest(session: Session, beginning: str, private_to: str) -> str | None:
    """Return the key that was said last of those that begin so, for everybody there or one account; nothing where none was."""
    return await session.fetchval(
        f"select key from teams_outbox where {_BEGINS} and private_to = $3 "  # noqa: S608 - constants
        "and edits = '' and state = 'sent' order by number desc limit 1",
        beginning,
        _behind(beginning),
        private_to,
    )


async def keyed(session: Session, beginning: str) -> list[tuple[str, str]]:
    """Return key and person of what was said, or is to be, by the keys that begin so; edits are not of it."""
    rows = await session.fetch(
        f"select key, person from teams_outbox where {_BEGINS} and edits = '' and state <> 'given_up' order by number",  # noqa: S608 - constants
        beginning,
        _behind(beginning),
    )
    return [(row["key"], row["person"]) for row in rows]


async def withdraw(session: Session, beginning: str) -> None:
    """Do not say any more what has not left yet of what begins so. What is leaving now is not tried again."""
    await session.execute(
        "update teams_outbox set state = 'given_up', body = null, taken_until = null, reason = 'overtaken' "  # noqa: S608 - constants
        f"where {_BEGINS} and state in ('waiting', 'sending')",
        beginning,
        _behind(beginning),
    )


def _behind(beginning: str) -> str:
    """Return the first of what stands behind all that begins so."""
    return beginning[:-1] + chr(ord(beginning[-1]) + 1)


async def forget(session: Session, key: str) -> None:
    """Let this be said again another time."""
    await session.execute("delete from teams_outbox where key = $1 and state in ('sent', 'given_up')", key)


# -- what leaves (``sending``)

_OPEN = "o.tenant = $1 and o.state in ('waiting', 'sending')"
_FREE = "(o.taken_until is null or o.taken_until < clock_timestamp())"

# An edit of what a newer edit that may leave now changes as well. Here and below a look at one row at a time: the planner
# must not think of anything better while it knows no figures.
_OVERTAKEN = (
    "with old as (select o.key from teams_outbox o "  # noqa: S608 - constants
    "cross join lateral (select n.key from teams_outbox n where n.tenant = $1 and n.edits = o.edits and n.edits <> '' "
    "and n.number > o.number and n.state in ('waiting', 'sending') and n.state = 'waiting' and n.due_at <= clock_timestamp() "
    "order by n.number desc limit 1) n "
    f"where {_OPEN} and o.edits <> '' and {_FREE} limit 500 for update of o skip locked) "
    "update teams_outbox d set state = 'given_up', body = null, taken_until = null, reason = 'overtaken' from old "
    "where d.tenant = $1 and d.key = old.key"
)
# The first of each way that something may go: by a conversation, or to a person. What is only due later holds nobody up,
# what was put off does, and so does what another process is sending. An edit waits for what it changes.
_TAKE = (
    "with free as (select o.key from teams_outbox o cross join lateral (select f.key from teams_outbox f "  # noqa: S608 - constants
    "where f.tenant = $1 and f.conversation = o.conversation and f.person = o.person and f.state in ('waiting', 'sending') "
    "and (f.due_at <= clock_timestamp() or f.attempts > 0) and (f.edits = '' or not exists (select 1 from teams_outbox m "
    "where m.tenant = $1 and m.key = f.edits and m.state in ('waiting', 'sending'))) order by f.number limit 1) f "
    f"where {_OPEN} and {_FREE} and o.due_at <= clock_timestamp() and f.key = o.key "
    "order by o.due_at limit $2 for update of o skip locked) "
    "update teams_outbox t set taken_until = clock_timestamp() + make_interval(secs => $3) from free "
    "where t.tenant = $1 and t.key = free.key returning t.*"
)
_BEGIN = (
    "update teams_outbox set state = 'sending', attempts = attempts + 1, tried_at = coalesce(tried_at, clock_timestamp()), "
    "taken_until = clock_timestamp() + make_interval(secs => $4) "
    "where tenant = $1 and key = $2 and taken_until = $3 and state in ('waiting', 'sending') "
    "returning *, extract(epoch from clock_timestamp() - tried_at)::float8 as age"
)
_OURS = "where tenant = $1 and key = $2 and taken_until = $3 and state = 'sending'"
# Whoever has it meanwhile: that it was sent is true, and keeps another from sending it.
_SENT = (
    "update teams_outbox set state = 'sent', activity = $3, place = $4, body = null, taken_until = null "
    "where tenant = $1 and key = $2 and state = 'sending'"
)
_LATER = (
    "update teams_outbox set state = 'waiting', due_at = clock_timestamp() + make_interval(secs => $4), reason = $5, "  # noqa: S608 - constants
    f"taken_until = null {_OURS}"
)
_GIVEN_UP = (
    "update teams_outbox set state = 'given_up', reason = $4, body = null, taken_until = null "
    "where tenant = $1 and key = $2 and taken_until = $3 and state in ('waiting', 'sending')"
)
_PUT_BACK = (
    "update teams_outbox set taken_until = clock_timestamp() + make_interval(secs => $4) "
    "where tenant = $1 and key = $2 and taken_until = $3 and state = 'waiting'"
)
_TOLD = "select activity, place from teams_outbox where tenant = $1 and key = $2 and state = 'sent'"


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that this process alone works on ``until`` then. ``again``: another one began to send it and did not tell how
    that ended. ``age``: seconds since it was first tried.
    """

    tenant: str
    said: Said
    until: datetime
    attempts: int
    again: bool
    age: float = 0

    @property
    def way(self) -> str:
        """Where it goes, as far as the row tells."""
        return self.said.conversation or f"person {self.said.person}"


async def take(session: Session, tenant: str, most: int, lease: float) -> list[Taken]:
    """Take up to ``most`` rows that may leave now, no two that go the same way; overtaken edits are given up before."""
    await session.execute(_OVERTAKEN, tenant)
    return [_taken(row) for row in await session.fetch(_TAKE, tenant, most, lease)]


async def begin(session: Session, taken: Taken, lease: float) -> Taken | None:
    """Mark it as being sent, and return it as it is now; ``None``: it is no longer this process's."""
    row = await session.fetchrow(_BEGIN, taken.tenant, taken.said.key, taken.until, lease)
    return replace(_taken(row, row["age"]), again=taken.again) if row else None


async def sent(session: Session, taken: Taken, activity: str, place: Place) -> None:
    """Say that it was sent, and where; its body is forgotten."""
    await session.execute(_SENT, taken.tenant, taken.said.key, activity, _where(place))


async def postponed(session: Session, taken: Taken, seconds: float, reason: str) -> None:
    """Let it be tried again so much later; what goes the same way waits for it."""
    await session.execute(_LATER, taken.tenant, taken.said.key, taken.until, seconds, reason)


async def given_up(session: Session, taken: Taken, reason: str) -> bool:
    """Say that it will never be sent, and why; its body is forgotten. Return whether it was still this process's."""
    done = await session.execute(_GIVEN_UP, taken.tenant, taken.said.key, taken.until, reason)
    return done == "UPDATE 1"


async def put_back(session: Session, taken: Taken, seconds: float = 0) -> None:
    """Let go of what was taken and not begun, so much later; what goes the same way waits for it."""
    await session.execute(_PUT_BACK, taken.tenant, taken.said.key, taken.until, seconds)


async def told(session: Session, tenant: str, key: str) -> tuple[str, Place] | None:
    """Return the id and the place of what was said by that key."""
    row = await session.fetchrow(_TOLD, tenant, key)
    if row is None:
        return None
    place: Json = orjson.loads(row["place"])
    bot = Account(**place.pop("bot"))
    return row["activity"], Place(bot=bot, **place)


def _where(place: Place) -> str:
    return orjson.dumps(asdict(place)).decode()


def _taken(row: Any, age: float = 0) -> Taken:
    said = Said(
        row["key"], row["body"], row["conversation"], row["root"], row["person"], row["reply_to"], row["private_to"],
        row["edits"], row["due_at"],
    )  # fmt: skip
    return Taken(row["tenant"], said, row["taken_until"], row["attempts"], row["state"] == "sending", age)
