"""Who has come in by Teams, and how the channel names them. Nothing here says what somebody may: tokens do."""

from charter.channels.teams.incoming import Account, Activity
from charter.store.database import Session

_LONGEST_NAME = 256
_LONGEST_LOCALE = 35

_SEEN = (
    "insert into teams_people as p (tenant, id, account, name, locale) values ($1, $2, $3, $4, $5) "
    "on conflict (tenant, id) do update set account = excluded.account, seen_at = clock_timestamp(), "
    "name = coalesce(nullif(excluded.name, ''), p.name), locale = coalesce(nullif(excluded.locale, ''), p.locale) "
    # Somebody who writes much is not written down with each word.
    "where p.account <> excluded.account or excluded.name not in ('', p.name) or excluded.locale not in ('', p.locale) "
    "or p.seen_at < clock_timestamp() - interval '1 minute'"
)
_ACCOUNT = "select account, id, name from teams_people where tenant = $1 and id = $2"


async def seen(session: Session, tenant: str, activity: Activity) -> None:
    """Keep how the channel names the sender, and what language their Teams speaks."""
    who = activity.sender
    await session.execute(_SEEN, tenant, who.oid, who.id, who.name[:_LONGEST_NAME], activity.locale[:_LONGEST_LOCALE])


async def account(session: Session, tenant: str, person: str) -> Account | None:
    """Return the account of a person (their object id); nothing where they never came in by Teams."""
    row = await session.fetchrow(_ACCOUNT, tenant, person)
    return Account(row["account"], row["id"], row["name"]) if row else None
