"""What people do in their clients: open chats, write, press buttons of answers, judge them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from charter.twins.bot_connector.chats import Chat, Kind
from charter.twins.bot_connector.messages import Message
from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.posting import activity, client_info, post
from charter.twins.bot_connector.reading import object_of
from charter.twins.bot_connector.refusals import Wrong
from charter.twins.bot_connector.state import Channel

Json = dict[str, Any]


async def at(channel: Channel, conversation: str, oid: str) -> tuple[Chat, Person]:
    """Return a conversation and somebody who is in it.

    Raises:
        Wrong: there is no such conversation, or they do not see it.
    """
    chat = channel.chats.known(conversation)
    if chat is None:
        raise Wrong(f"There is no conversation {conversation[:80]}.", 404)
    if oid not in chat.members:
        raise Wrong(f"{oid[:60]} is not in that conversation.", 403)
    return chat, await channel.people.named(channel.http, oid)


async def opened(
    channel: Channel, kind: Kind, tenant: str, members: Sequence[str], *, team: str = "", name: str = ""
) -> tuple[Chat, list[Json]]:
    """Open a conversation with the bot in it, and tell the bot as Teams does; return its answers.

    Somebody's personal chat is there once: opened again, it is the same, and the app is installed if it was not.
    """
    for oid in members:
        await channel.people.named(channel.http, oid)
    chat = channel.chats.personal(members[0]) if kind == "personal" else None
    if chat is not None and chat.installed:
        return chat, []
    if chat is None:
        chat = channel.chats.open(kind, tenant, members, team=team, name=name)
    return chat, await restored(channel, chat)


async def restored(channel: Channel, chat: Chat) -> list[Json]:
    """Bring the bot's app into a conversation, and tell it."""
    chat.installed = True
    channel.chats.keep(chat)
    people = [await channel.people.named(channel.http, oid) for oid in chat.members]
    return [await post(channel, each) for each in _arrival(channel, chat, people)]


async def removed(channel: Channel, chat: Chat) -> list[Json]:
    """Take the bot's app out of a conversation."""
    chat.installed = False
    channel.chats.keep(chat)
    person = await channel.people.named(channel.http, chat.members[0])
    bot = [{"id": channel.bot.account}]
    gone = activity(channel, chat, person, "installationUpdate", action="remove")
    left = activity(channel, chat, person, "conversationUpdate", membersRemoved=bot)
    return [await post(channel, each) for each in (left, gone)]


async def joined(channel: Channel, chat: Chat, add: Sequence[str], remove: Sequence[str]) -> list[Json]:
    """Change who is in a group; the bot is told of those who come and go."""
    coming = [await channel.people.named(channel.http, oid) for oid in add]
    leaving = [await channel.people.named(channel.http, oid) for oid in remove]
    actor = await channel.people.named(channel.http, next(iter(chat.members), next(iter(add), "")))
    chat.members = [oid for oid in chat.members if oid not in remove] + [oid for oid in add if oid not in chat.members]
    channel.chats.keep(chat)
    update = activity(channel, chat, actor, "conversationUpdate")
    told = {"membersAdded": _accounts(coming), "membersRemoved": _accounts(leaving)}
    return [await post(channel, update | {name: who}) for name, who in told.items() if who]


async def said(
    channel: Channel, chat: Chat, person: Person, text: str, *,
    mention: bool, times: int, locale: str, root: str, attachments: Sequence[Json],
) -> Json:  # fmt: skip
    """Write something. Without a mention a bot in a group or channel never hears of it; ``times``: it comes so often."""
    entities: list[Json] = [client_info(locale)]
    if mention:
        called = f"<at>{channel.bot.name}</at>"
        bot = {"id": channel.bot.account, "name": channel.bot.name}
        entities.append({"type": "mention", "mentioned": bot, "text": called})
        text = f"{called} {text}"
    sent = activity(
        channel, chat, person, "message",
        text=text, textFormat="plain", locale=locale, entities=entities, attachments=list(attachments) or None,
    )  # fmt: skip
    message = Message(sent["id"], chat.id, person.oid, [sent], root or sent["id"] if chat.kind == "channel" else "")
    sent["conversation"] = chat.told(message.root)
    channel.messages.add(message)
    heard = chat.installed and (chat.kind == "personal" or mention)
    answers = await asyncio.gather(*(post(channel, sent) for _ in range(times))) if heard else []
    return {"activity": message.id, "answers": answers}


async def judged(
    channel: Channel, chat: Chat, person: Person, identifier: str, reaction: str, reason: str
) -> list[Json]:
    """Like an answer or not, if it asks for that."""
    message = channel.messages.get(chat.id, identifier, person.oid)
    data = object_of(message.newest(person.oid), "channelData") if message else {}
    if message is None or not (data.get("feedbackLoopEnabled") or data.get("feedbackLoop")):
        raise Wrong("That message asks for no feedback, or is not there.", 409)
    value = {"reaction": reaction, "feedback": json.dumps({"feedbackText": reason})}
    sent = activity(
        channel, chat, person, "invoke",
        root=message.root, name="message/submitAction", replyToId=message.id,
        value={"actionName": "feedback", "actionValue": value},
    )  # fmt: skip
    return [await post(channel, sent)]


def _arrival(channel: Channel, chat: Chat, people: Sequence[Person]) -> list[Json]:
    """The bot comes with whoever is in a personal chat, and alone into a group that is there."""
    arrived = [{"id": channel.bot.account}]
    if chat.kind == "personal":
        arrived = [*_accounts(people), *arrived]
    update = activity(channel, chat, people[0], "conversationUpdate", membersAdded=arrived)
    if chat.kind == "channel":
        update["channelData"] |= {"eventType": "teamMemberAdded"}
    return [update, activity(channel, chat, people[0], "installationUpdate", action="add")]


def _accounts(people: Sequence[Person]) -> list[Json]:
    return [{"id": person.account, "aadObjectId": person.oid} for person in people]
