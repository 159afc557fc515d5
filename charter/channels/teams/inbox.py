"""What came in and is to be worked on: each activity once, before it is answered."""

import orjson

from charter.channels.teams.incoming import Activity
from charter.errors import InvalidRequest, QueueFull
from charter.store.database import Session

_AGAIN_SECONDS = 5

_PUT = (
    "insert into teams_inbox (tenant, conversation, activity, person, body) select $1, $2, $3, $4, $5::text::jsonb "
    # No more is counted than may wait.
    "where (select count(*) < $6 and count(*) filter (where o.person = $4 and $4 <> '') < $7 "
    "from (select person from teams_inbox where tenant = $1 and state = 'new' limit $6) o) "
    "on conflict do nothing"
)
_KNOWN = "select 1 from teams_inbox where tenant = $1 and conversation = $2 and activity = $3"
_FULL = "select count(*) >= $2 from (select 1 from teams_inbox where tenant = $1 and state = 'new' limit $2) o"
_PART, _LEAST = 5, 20


class PartFull(QueueFull):
    """As much of one person's waits as may; there is room for others'."""


def written(activity: Activity) -> str:
    """Return the whole of an activity as it is kept.

    Raises:
        InvalidRequest: nobody could read it again.
    """
    try:
        return orjson.dumps(activity.raw).decode()
    except orjson.JSONEncodeError as fault:
        raise InvalidRequest("The activity is nested too deeply.") from fault


async def put(session: Session, tenant: str, activity: Activity, body: str, *, limit: int) -> bool:
    """Write an activity down; return whether it is new. About ``limit`` of a tenant may wait, and a fifth of that of one
    person.

    Raises:
        PartFull, QueueFull: as many do.
    """
    key, own = (tenant, activity.place.conversation, activity.id), max(_LEAST, limit // _PART)
    if await session.execute(_PUT, *key, activity.sender.oid, body, limit, own) != "INSERT 0 0":
        return True
    if await session.fetchval(_KNOWN, *key):
        return False
    full = QueueFull if await session.fetchval(_FULL, tenant, limit) else PartFull
    raise full("Too many messages wait for their answer.", retry_after=_AGAIN_SECONDS)
