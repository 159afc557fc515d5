"""What is to be said in Teams, written down in the transaction that makes it true, and sent from there (``sending``)."""

from dataclasses import dataclass
from datetime import datetime

from charter.channels.teams.incoming import Json
from charter.store.database import Session

_PUT = (
    "insert into teams_outbox (tenant, key, conversation, root, person, reply_to, private_to, edits, body, due_at) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, clock_timestamp())) "
    # An edit that has not left yet is overtaken by the newer one; anything else is said once.
    "on conflict (tenant, key) do update set body = excluded.body, due_at = least(teams_outbox.due_at, excluded.due_at) "
    "where teams_outbox.edits <> '' and teams_outbox.state = 'waiting'"
)


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


async def was_sent(session: Session, tenant: str, said: Said, activity_id: str) -> None:
    """Note what has been said already, as a stream: its key is never said again, and reactions to it find it."""
    await session.execute(
        "insert into teams_outbox (tenant, key, conversation, root, person, state, activity) values ($1, $2, $3, $4, $5, 'sent', $6) "
        "on conflict (tenant, key) do nothing",
        tenant, said.key, said.conversation, said.root, said.person, activity_id,
    )  # fmt: skip


async def key_of(session: Session, conversation: str, activity_id: str) -> str | None:
    """Return the key of what was said there as this activity."""
    return await session.fetchval(
        "select key from teams_outbox where conversation = $1 and activity = $2 order by number limit 1",
        conversation,
        activity_id,
    )


async def forget(session: Session, key: str) -> None:
    """Let this be said again another time."""
    await session.execute("delete from teams_outbox where key = $1 and state in ('sent', 'given_up')", key)
