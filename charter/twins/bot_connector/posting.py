"""Activities on their way to the bot: built as Teams builds them, signed as the Bot Connector signs."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp

from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.registration import CHANNEL as NAME
from charter.twins.bot_connector.state import Channel

Json = dict[str, Any]


def activity(channel: Channel, chat: Chat, person: Person, kind: str, *, root: str = "", **fields: Any) -> Json:
    """Return an activity of that person in that conversation; ``fields`` that are ``None`` are left out."""
    now = datetime.now(UTC)
    made: Json = {
        "type": kind,
        "id": channel.messages.new_id() if kind == "message" else f"f:{uuid4()}",
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "localTimestamp": now.isoformat(timespec="milliseconds"),
        "localTimezone": "UTC",
        "channelId": NAME,
        "serviceUrl": channel.service_url,
        "from": {"id": person.account, **_called(person, kind), "aadObjectId": person.oid},
        "recipient": {"id": channel.bot.account, "name": channel.bot.name},
        "conversation": chat.told(root),
        "channelData": _data(chat),
        "locale": "en-US",
    }
    return made | {name: value for name, value in fields.items() if value is not None}


def _called(person: Person, kind: str) -> Json:
    """Return the person's name where Teams says it: not where the app or people come and go."""
    return {} if kind in {"conversationUpdate", "installationUpdate"} else {"name": person.name}


def client_info(locale: str) -> Json:
    """Return the entity by which a Teams client tells of itself."""
    country = locale.rpartition("-")[2].upper()
    return {"type": "clientInfo", "locale": locale, "country": country, "platform": "Web", "timezone": "UTC"}


async def post(channel: Channel, sent: Json, token: str | None = None) -> Json:
    """Post an activity to the bot; return ``{"status", "body", "seconds"}``, status 0 where it did not answer in time.

    ``token``: another one than the channel's own (empty: none at all).
    """
    if token is None:
        token = channel.keys.current(channel.issuer, channel.bot.id, channel.service_url)
    entry = channel.record("posted", type=sent.get("type"), name=sent.get("name"), activity=sent)
    began = time.monotonic()
    status, body = await _answered(channel, sent, token)
    told = {"status": status, "body": body, "seconds": time.monotonic() - began}
    entry |= told
    return told


async def _answered(channel: Channel, sent: Json, token: str) -> tuple[int, Any]:
    if not channel.bot.endpoint:
        return 0, "The bot has no endpoint here yet."
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        timeout = aiohttp.ClientTimeout(total=channel.limits.answer_seconds)
        async with channel.http.post(channel.bot.endpoint, json=sent, headers=headers, timeout=timeout) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text and answer.content_type.endswith("json") else text
    except (aiohttp.ClientError, TimeoutError) as fault:
        return 0, f"The bot did not answer: {type(fault).__name__}."


def _data(chat: Chat) -> Json:
    data: Json = {"tenant": {"id": chat.tenant}}
    if chat.kind != "channel":
        return data
    team = {"id": chat.team_id, "name": chat.team, "aadGroupId": chat.team_id[3:35]}
    place = {"id": chat.id, **({"name": chat.name} if chat.name else {})}
    return data | {"team": team, "channel": place, "teamsTeamId": chat.team_id, "teamsChannelId": chat.id}
