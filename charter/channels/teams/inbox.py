"""What came in and is to be worked on: each activity once, before it is answered."""

import orjson

from charter.channels.teams.incoming import Activity
from charter.errors import InvalidRequest, QueueFull
from charter.store.database import Session

_AGAIN_SECONDS = 5

_PUT = (
    "insert into teams_inbox (tenant, conversation, activity, person, body) select $1, $2, $3, $4, $5::text::jsonb "
    # No more is counted than may wait.
    "where (select count(*) from (select 1 from teams_inbox where tenant = $1 and state = 'new' limit $6) o) < $6 "
    "on conflict do nothing"
)
_KNOWN = "select 1 from teams_inbox where tenant = $1 and conversation = $2 and activity = $3"


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
    """Write an activity down; return whether it is new. About ``limit`` of a tenant may wait.

    Raises:
        QueueFull: as many do.
    """
    key = (tenant, activity.place.conversation, activity.id)
    if await session.execute(_PUT, *key, activity.sender.oid, body, limit) != "INSERT 0 0":
        return True
    if await session.fetchval(_KNOWN, *key):
        return False
    raise QueueFull("Too many messages wait for their answer.", retry_after=_AGAIN_SECONDS)
