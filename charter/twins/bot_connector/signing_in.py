"""How people's clients sign in to a bot: in silence where they can, with the person's help where consent is missing."""

import asyncio
import re
from typing import Any

from yarl import URL

from charter.twins.bot_connector import granting
from charter.twins.bot_connector.cards import OAUTH
from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.messages import Message
from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.posting import activity, post
from charter.twins.bot_connector.reading import object_of, objects_of
from charter.twins.bot_connector.refusals import Wrong
from charter.twins.bot_connector.state import Channel

Json = dict[str, Any]

_CLIENTS = 2
_DIGITS = re.compile(r'<output id="code">(\d{6})</output>')
_REDIRECTS = 4


def noticed(channel: Channel, chat: Chat, message: Message) -> None:
    """Let the clients of whoever sees a sign-in card there try it in silence; in channels they do not."""
    card = card_of(message.states[-1])
    if card is None or not card.get("tokenExchangeResource") or chat.kind == "channel":
        return
    for oid in chat.members:
        if message.seen_by(oid) and channel.open.get(oid, _CLIENTS):
            channel.later(_in_silence(channel, chat, message, oid, card))


def card_of(state: Json) -> Json | None:
    """Return the sign-in card of a message."""
    found = (each for each in objects_of(state, "attachments") if each.get("contentType") == OAUTH)
    return next((object_of(each, "content") for each in found), None)


async def token_for(channel: Channel, person: Person, card: Json) -> str | None:
    """Return what a client presents for a sign-in card; none where it may not, or there is no such application."""
    if person.oid in channel.consent.unasked:
        return None
    resource = str(object_of(card, "tokenExchangeResource").get("uri") or "")
    return await granting.own_token(channel, person, resource)


async def _in_silence(channel: Channel, chat: Chat, message: Message, oid: str, card: Json) -> None:
    person = await channel.people.named(channel.http, oid)
    token = await token_for(channel, person, card)
    if token is None:
        why = {"code": "interactionrequired", "message": "The client could not get a token in silence."}
        await _invoked(channel, chat, person, message, "signin/failure", why)
        return
    value = {
        "id": card["tokenExchangeResource"].get("id"),
        "connectionName": card["connectionName"],
        "token": token,
    }
    count = channel.open.get(oid, _CLIENTS)
    every = (_invoked(channel, chat, person, message, "signin/tokenExchange", value) for _ in range(count))
    answers = await asyncio.gather(*every)
    if any(answer["status"] == 200 for answer in answers):
        message.signed_in.add(oid)
        channel.messages.keep(message)


async def by_hand(channel: Channel, chat: Chat, person: Person, message: Message, account: str) -> Json:
    """Go through the link of a sign-in card as that account, and bring back what the page showed."""
    card = card_of(message.newest(person.oid))
    if card is None:
        raise Wrong("That message is no sign-in card.", 409)
    link = next((each.get("value") for each in objects_of(card, "buttons") if each.get("type") == "signin"), None)
    if not link:
        raise Wrong("The sign-in card has no button that leads anywhere.", 409)
    code = await _browsed(channel, URL(str(link)), account)
    answer = await _invoked(channel, chat, person, message, "signin/verifyState", {"state": code})
    if answer["status"] == 200:
        message.signed_in.add(person.oid)
        channel.messages.keep(message)
    return {"code": code, "answers": [answer]}


async def _browsed(channel: Channel, place: URL, account: str) -> str:
    """Follow a link as a browser does, choosing the account at Entra."""
    for _ in range(_REDIRECTS):
        if place.path.endswith("/authorize"):
            place = place.update_query({"login_hint": account}).without_query_params("prompt")
        async with channel.http.get(place, allow_redirects=False) as answer:
            if answer.status == 302:
                place = place.join(URL(answer.headers["Location"]))
                continue
            shown = _DIGITS.search(await answer.text())
            if shown is None:
                raise Wrong(f"The sign-in of {account[:60]} ended without a code.", 409)
            return shown[1]
    raise Wrong("The sign-in leads round in circles.", 409)


async def _invoked(channel: Channel, chat: Chat, person: Person, message: Message, name: str, value: Json) -> Json:
    sent = activity(channel, chat, person, "invoke", root=message.root, name=name, value=value, replyToId=message.id)
    return await post(channel, sent)
