"""The connector's REST API v3: conversations, and what a bot says in them (Microsoft, "Bot Connector REST API")."""

from aiohttp import web

from charter.twins.bot_connector import roster, signing_in
from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.checks import check, check_mentions
from charter.twins.bot_connector.entering import Asked, Json, door
from charter.twins.bot_connector.messages import Message
from charter.twins.bot_connector.reading import object_of, objects_of
from charter.twins.bot_connector.refusals import bad, not_in_roster
from charter.twins.bot_connector.state import REGION
from charter.twins.bot_connector.streams import grow, info_of

_V3 = f"{REGION}/v3/conversations"
_TARGETED = "isTargetedActivity"


def routes() -> list[web.RouteDef]:
    said, one = f"{_V3}/{{conversation}}/activities", f"{_V3}/{{conversation}}/activities/{{activity}}"
    return [
        web.post(_V3, door("create", _create)),
        web.post(said, door(_operation, _post)),
        web.post(one, door(_operation, _post)),
        web.put(one, door("update", _update)),
        web.delete(one, door("delete", _delete)),
        *roster.routes(_V3),
    ]


def _operation(request: web.Request, body: Json) -> str:
    if any(each.get("type") == "streaminfo" for each in objects_of(body, "entities")):
        return "final" if body.get("type") == "message" else "stream"
    return "typing" if body.get("type") == "typing" else "send"


async def _create(asked: Asked) -> web.Response:
    """Open the personal chat with one member, the same one again; or begin a thread in a channel."""
    channel, body = asked.channel, asked.body
    data = object_of(body, "channelData")
    if place := object_of(data, "channel").get("id"):
        return await _thread(asked, str(place))
    listed = objects_of(body, "members")
    tenant = body.get("tenantId") or object_of(data, "tenant").get("id")
    if len(listed) != 1 or not tenant or body.get("isGroup") is True:
        raise bad("A personal chat has one member, and the tenantId that it is in.")
    person = await channel.people.member(channel.http, str(listed[0].get("id")))
    chat = channel.chats.personal(person.oid)
    if chat is None or not chat.installed or chat.tenant != tenant:
        raise not_in_roster()
    told: Json = {"id": chat.id, "serviceUrl": channel.service_url}
    if first := object_of(body, "activity"):
        told["activityId"] = (await _said(asked, chat, "", first)).id
    return web.json_response(told, status=201)


async def _thread(asked: Asked, place: str) -> web.Response:
    chat, _ = asked.channel.chats.find(place)
    if chat.kind != "channel":
        raise bad("A thread begins in a channel.")
    message = await _said(asked, chat, "", object_of(asked.body, "activity"))
    message.root = message.id
    asked.channel.messages.keep(message)
    told = {"id": chat.told(message.id)["id"], "activityId": message.id, "serviceUrl": asked.channel.service_url}
    return web.json_response(told, status=201)


async def _post(asked: Asked) -> web.Response:
    channel, activity = asked.channel, asked.body
    chat, root = channel.chats.find(asked.conversation)
    info = info_of(activity)
    if info is not None:
        return await _streamed(asked, chat, info)
    if activity.get("type") == "typing":
        check(activity, asked.size, channel.bot)
        channel.messages.typing[chat.id] = channel.messages.typing.get(chat.id, 0) + 1
        return web.json_response({}, status=202)
    message = await _said(asked, chat, root, activity)
    return web.json_response({"id": message.id}, status=201)


async def _said(asked: Asked, chat: Chat, root: str, activity: Json) -> Message:
    """Say something new, to all of them or to one alone."""
    channel, only_for = asked.channel, ""
    check(activity, asked.size, channel.bot)
    check_mentions(activity, await roster.accounts(channel, chat))
    if _targeted(asked):
        recipient = object_of(activity, "recipient").get("id")
        if not recipient:
            raise bad("A targeted message needs a recipient.")
        person = await channel.people.member(channel.http, str(recipient))
        if person.oid not in chat.members:
            raise bad("The recipient is not part of the conversation roster.")
        only_for = person.oid
    if channel.limits.pacing:
        channel.pace.check(chat.id)
    message = Message(channel.messages.new_id(), chat.id, "", [activity], root, only_for)
    channel.messages.add(message)
    signing_in.noticed(channel, chat, message)
    return message


async def _streamed(asked: Asked, chat: Chat, info: Json) -> web.Response:
    """Take a part of an answer that grows; only the first is told its id."""
    channel, activity = asked.channel, asked.body
    check(activity, asked.size, channel.bot)
    if _targeted(asked):
        raise bad("A targeted message cannot be streamed.")
    if channel.limits.pacing:
        channel.pace.check(chat.id, streamed=True)
    stream = channel.streams.begun(chat, info, activity, channel.messages.new_id(), channel.limits.stream_seconds)
    if not stream.sequence:
        channel.messages.add(Message(stream.id, chat.id, "", [], growing=True))
    first = not stream.sequence
    if not grow(stream, info, activity):
        text = "PreCondition failed exception when processing streaming activity."
        return web.json_response({"code": "ContentStreamSequenceOrderPreConditionFailed", "message": text}, status=202)
    message = channel.messages.find(chat.id, stream.id)
    message.growing = info["streamType"] != "final"
    channel.messages.replace(message, activity)
    if not message.growing:
        signing_in.noticed(channel, chat, message)
    return web.json_response({"id": stream.id} if first else {}, status=201 if first else 202)


async def _update(asked: Asked) -> web.Response:
    channel, activity = asked.channel, asked.body
    chat, _ = channel.chats.find(asked.conversation)
    check(activity, asked.size, channel.bot)
    check_mentions(activity, await roster.accounts(channel, chat))
    if info_of(activity) is not None or activity["type"] != "message":
        raise bad("A message is edited by a whole message.")
    targeted = _targeted(asked)
    if targeted and "recipient" in activity:
        raise bad("The recipient of a targeted message cannot be given when it is edited.")
    message = channel.messages.find(chat.id, asked.activity, private=targeted)
    if channel.limits.pacing:
        channel.pace.check(chat.id)
    message.growing = False
    channel.streams.over(message.id)
    channel.messages.replace(message, activity)
    signing_in.noticed(channel, chat, message)
    return web.json_response({"id": message.id})


async def _delete(asked: Asked) -> web.Response:
    chat, _ = asked.channel.chats.find(asked.conversation)
    message = asked.channel.messages.find(chat.id, asked.activity, private=_targeted(asked))
    message.deleted = True
    asked.channel.streams.over(message.id)
    asked.channel.messages.keep(message)
    return web.Response(status=200)


def _targeted(asked: Asked) -> bool:
    return asked.query.get(_TARGETED) == "true"
