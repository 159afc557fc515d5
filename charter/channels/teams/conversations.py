"""Where this host was spoken to: the addresses that it speaks to unasked."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from charter.channels.teams.incoming import Account, Activity, Place
from charter.store.database import Session

_LONGEST_NAME = 256

_SEEN = (
    "insert into teams_conversations as c (tenant, id, scope, service_url, bot_id, bot_name, person, installed) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8) "
    "on conflict (tenant, id) do update set scope = excluded.scope, service_url = excluded.service_url, "
    "bot_id = excluded.bot_id, bot_name = excluded.bot_name, installed = excluded.installed, "
    # A personal chat never changes hands: what is meant for one person must not follow another there.
    "person = case when c.person = '' then excluded.person else c.person end, updated_at = clock_timestamp() "
    "where (c.scope, c.service_url, c.bot_id, c.bot_name, c.installed) is distinct from "
    "(excluded.scope, excluded.service_url, excluded.bot_id, excluded.bot_name, excluded.installed) "
    "or (c.person = '' and excluded.person <> '') or c.updated_at < clock_timestamp() - interval '1 minute'"
)
_COLUMNS = "select service_url, id, scope, bot_id, bot_name from teams_conversations where tenant = $1 and installed "
_PLACE = _COLUMNS + "and id = $2"
_PERSONAL = _COLUMNS + "and person = $2 and person <> '' order by updated_at desc limit 1"


async def seen(session: Session, tenant: str, activity: Activity) -> None:
    """Keep the conversation's address, and whether the bot is still there."""
    place = activity.place
    person = activity.sender.oid if place.scope == "personal" else ""
    await session.execute(
        _SEEN, tenant, place.conversation, place.scope, place.service_url, place.bot.id, place.bot.name[:_LONGEST_NAME],
        person, not removed(activity),
    )  # fmt: skip


async def place(session: Session, tenant: str, conversation: str, root: str = "") -> Place | None:
    """Return where a conversation, or a thread of it, is; nothing where the bot was never, or is no longer."""
    return _placed(await session.fetchrow(_PLACE, tenant, conversation), root)


async def personal(session: Session, tenant: str, person: str) -> Place | None:
    """Return the personal chat with somebody (their object id); nothing where there is none yet."""
    return _placed(await session.fetchrow(_PERSONAL, tenant, person), "")


def about_the_bot(activity: Activity) -> bool:
    """Whether a change of members is one of the bot itself."""
    return _names_the_bot(activity, "membersAdded") or _names_the_bot(activity, "membersRemoved")


def removed(activity: Activity) -> bool:
    """Whether the bot was taken away there."""
    # An update of the app is told as a removal, too ("remove-upgrade"); what was agreed with people stands then.
    gone = activity.type == "installationUpdate" and activity.raw.get("action") == "remove"
    return gone or (activity.type == "conversationUpdate" and _names_the_bot(activity, "membersRemoved"))


def _names_the_bot(activity: Activity, list_name: str) -> bool:
    listed = activity.raw.get(list_name)
    members = cast("Sequence[object]", listed) if isinstance(listed, list) else ()
    return any(
        cast("Mapping[str, Any]", each).get("id") == activity.place.bot.id for each in members if isinstance(each, dict)
    )


def _placed(row: Any, root: str) -> Place | None:
    if row is None:
        return None
    return Place(row["service_url"], row["id"], row["scope"], Account(row["bot_id"], "", row["bot_name"]), root)
