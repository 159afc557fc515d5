"""``/_twin``: what people do in Teams, and the levers by which a test changes the world. No cloud has these."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Literal, TypeVar

import pydantic
from aiohttp import web

from charter.twins.bot_connector import clicking, clients, signing_in
from charter.twins.bot_connector.messages import Message
from charter.twins.bot_connector.refusals import Wrong
from charter.twins.bot_connector.state import CHANNEL, Channel

Json = dict[str, Any]
_Model = TypeVar("_Model", bound="Lever")


class Lever(pydantic.BaseModel):
    """What a lever takes; it refuses what it does not know."""

    model_config = pydantic.ConfigDict(extra="forbid")


class _Chat(Lever):
    kind: Literal["personal", "groupChat", "channel"]
    tenant: str
    members: list[str] = pydantic.Field(min_length=1)
    team: str = ""
    name: str = ""


class _There(Lever):
    conversation: str
    person: str


class _Say(_There):
    text: str
    mention: bool = False
    times: int = pydantic.Field(default=1, ge=0, le=1_000)
    locale: str = "en-US"
    root: str = ""
    attachments: list[Json] = []


class _Click(_There):
    activity: str
    title: str
    inputs: Json = {}


class _Feedback(_There):
    activity: str
    reaction: Literal["like", "dislike"]
    reason: str = ""


class _SignIn(_There):
    """``account`` is as whom they sign in, if not as themselves; without ``activity`` the newest sign-in card counts."""

    activity: str = ""
    account: str = ""


class _Members(Lever):
    conversation: str
    add: list[str] = []
    remove: list[str] = []


class _Install(Lever):
    conversation: str
    installed: bool


def lever(
    model: type[_Model], work: Callable[[Channel, _Model], Awaitable[Json]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that reads the model and answers with what the work tells."""

    async def answer(request: web.Request) -> web.Response:
        try:
            asked = model.model_validate_json(await request.read() or b"{}")
        except pydantic.ValidationError as wrong:
            raise Wrong(str(wrong)) from wrong
        return web.json_response(await work(request.app[CHANNEL], asked))

    return answer


def routes() -> list[web.RouteDef]:
    return [
        web.post("/_twin/chats", lever(_Chat, _chat)),
        web.get("/_twin/chats/{conversation}", _seen),
        web.post("/_twin/say", lever(_Say, _say)),
        web.post("/_twin/click", lever(_Click, _click)),
        web.post("/_twin/feedback", lever(_Feedback, _feedback)),
        web.post("/_twin/sign_in", lever(_SignIn, _sign_in)),
        web.post("/_twin/stop", lever(_There, _stop)),
        web.post("/_twin/members", lever(_Members, _members)),
        web.post("/_twin/install", lever(_Install, _install)),
    ]


async def _chat(channel: Channel, asked: _Chat) -> Json:
    """Open a conversation with the bot in it."""
    if asked.kind == "personal" and len(asked.members) != 1:
        raise Wrong("A personal chat has one member beside the bot.")
    if (asked.kind == "channel") is not bool(asked.team):
        raise Wrong("A channel is in a team, and nothing else is.")
    chat, answers = await clients.opened(
        channel, asked.kind, asked.tenant, asked.members, team=asked.team, name=asked.name
    )
    return {"conversation": chat.id, "answers": answers}


async def _seen(request: web.Request) -> web.Response:
    """Return what ``?person=`` sees there: each message in its newest state, with all that it was."""
    channel, oid = request.app[CHANNEL], request.query.get("person", "")
    chat, person = await clients.at(channel, request.match_info["conversation"], oid)
    said = channel.messages.seen(chat.id, oid)
    return web.json_response(
        {
            "conversation": chat.id,
            "kind": chat.kind,
            "tenant": chat.tenant,
            "account": person.account,
            "installed": chat.installed,
            "typing": channel.messages.typing.get(chat.id, 0),
            "messages": [_told(message, oid) for message in said if message.states],
            "notices": [asdict(notice) for notice in channel.messages.notices(chat.id, oid)],
        }
    )


def _told(message: Message, oid: str) -> Json:
    return {
        "id": message.id,
        "author": message.author or "bot",
        "root": message.root,
        "targeted": bool(message.only_for),
        "deleted": message.deleted,
        "growing": message.growing,
        "signed_in": oid in message.signed_in,
        "at": message.at,
        "activity": None if message.deleted else message.newest(oid),
        "history": message.states,
    }


async def _say(channel: Channel, asked: _Say) -> Json:
    chat, person = await clients.at(channel, asked.conversation, asked.person)
    return await clients.said(
        channel, chat, person, asked.text,
        mention=asked.mention, times=asked.times, locale=asked.locale, root=asked.root, attachments=asked.attachments,
    )  # fmt: skip


async def _click(channel: Channel, asked: _Click) -> Json:
    chat, person = await clients.at(channel, asked.conversation, asked.person)
    return await clicking.clicked(channel, chat, person, asked.activity, asked.title, asked.inputs)


async def _feedback(channel: Channel, asked: _Feedback) -> Json:
    chat, person = await clients.at(channel, asked.conversation, asked.person)
    return {"answers": await clients.judged(channel, chat, person, asked.activity, asked.reaction, asked.reason)}


async def _sign_in(channel: Channel, asked: _SignIn) -> Json:
    """Go through the button of a sign-in card, and bring the code back to the bot."""
    chat, person = await clients.at(channel, asked.conversation, asked.person)
    said = channel.messages.seen(chat.id, person.oid)
    wanted = [one for one in said if one.states and not one.deleted and asked.activity in ("", one.id)]
    found = [one for one in wanted if signing_in.card_of(one.newest(person.oid)) is not None]
    if not found:
        raise Wrong(f"{person.oid} sees no sign-in card there.", 404)
    return await signing_in.by_hand(channel, chat, person, found[-1], asked.account or person.oid)


async def _stop(channel: Channel, asked: _There) -> Json:
    """Press Stop on what is being streamed."""
    chat, _ = await clients.at(channel, asked.conversation, asked.person)
    return {"stopped": channel.streams.stop(chat.id)}


async def _members(channel: Channel, asked: _Members) -> Json:
    """Let people come into a group and leave it."""
    chat = channel.chats.known(asked.conversation)
    if chat is None or chat.kind == "personal":
        raise Wrong("There is no such group or channel.", 404)
    return {"answers": await clients.joined(channel, chat, asked.add, asked.remove)}


async def _install(channel: Channel, asked: _Install) -> Json:
    """Take the bot's app out of a conversation, or bring it back."""
    chat = channel.chats.known(asked.conversation)
    if chat is None:
        raise Wrong("There is no such conversation.", 404)
    work = clients.restored if asked.installed else clients.removed
    return {"answers": [] if chat.installed is asked.installed else await work(channel, chat)}
