"""A person presses a button of a message, and their client does what the button says."""

from collections.abc import Mapping
from typing import Any

from charter.twins.bot_connector import cards, signing_in
from charter.twins.bot_connector.cards import ADAPTIVE
from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.messages import Message
from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.posting import activity, post
from charter.twins.bot_connector.reading import object_of, objects_of
from charter.twins.bot_connector.refusals import Refused, Wrong
from charter.twins.bot_connector.state import Channel

Json = dict[str, Any]
_ANSWER = "application/vnd.microsoft."


async def clicked(
    channel: Channel, chat: Chat, person: Person, identifier: str, title: str, given: Mapping[str, Any]
) -> Json:
    """Press the button of that title in what this person sees now.

    Raises:
        Wrong: they do not see such a message or button, or an input is missing or not to be filled in so.
    """
    message = channel.messages.get(chat.id, identifier, person.oid)
    if message is None or message.deleted:
        raise Wrong(f"{person.oid} sees no message {identifier[:60]}.", 404)
    state = message.newest(person.oid)
    card, button = _button(state, title)
    match button.get("type"):
        case "Action.Execute":
            return await _executed(channel, chat, person, message, card, button, given)
        case "Action.Submit":
            return await _submitted(channel, chat, person, message, _filled(card, button, given), button)
        case "Action.OpenUrl":
            return {"effect": "url", "url": button.get("url"), "answers": []}
        case "openUrl" | "signin":
            return {"effect": "url", "url": button.get("value"), "answers": []}
        case "imBack":
            return await _written(channel, chat, person, message, str(button.get("value")), None)
        case "messageBack":
            return await _written(channel, chat, person, message, str(button.get("text") or ""), button.get("value"))
        case kind:
            raise Wrong(f"A button of the kind {kind} does nothing here.")


def _button(state: Json, title: str) -> tuple[Json, Json]:
    """Return the button of that title, and the card that it is in (empty for what is under a message)."""
    titles: list[str] = []
    for attachment in objects_of(state, "attachments"):
        content = object_of(attachment, "content")
        adaptive = attachment.get("contentType") == ADAPTIVE
        for button in cards.actions(content) if adaptive else objects_of(content, "buttons"):
            titles.append(str(button.get("title")))
            if button.get("title") == title and button.get("isEnabled", True):
                return content, button
    for button in objects_of(object_of(state, "suggestedActions"), "actions"):
        titles.append(str(button.get("title")))
        if button.get("title") == title:
            return {}, button
    raise Wrong(f"There is no button {title[:60]} to be pressed; there are: {', '.join(titles) or 'none'}.", 409)


def _filled(card: Json, button: Json, given: Mapping[str, Any]) -> Json:
    """Return the data of a button with the inputs of its card."""
    known = {} if button.get("associatedInputs") == "none" else cards.inputs(card)
    if unknown := sorted(set(given) - set(known)):
        raise Wrong(f"The card has no input {unknown[0][:60]}.")
    filled: Json = {}
    for name, field in known.items():
        value = given.get(name, field.get("value"))
        if field.get("isRequired") and value in (None, ""):
            raise Wrong(f"The input {name} must be filled in.", 409)
        if isinstance(value, str) and len(value) > field.get("maxLength", len(value)):
            raise Wrong(f"The input {name} takes at most {field['maxLength']} characters.", 409)
        if value is not None:
            filled[name] = value
    return object_of(button, "data") | filled


async def _executed(
    channel: Channel, chat: Chat, person: Person, message: Message, card: Json, button: Json, given: Mapping[str, Any]
) -> Json:
    """Send ``adaptiveCard/action``; where a sign-in is wanted first, sign in in silence and send it once more."""
    action = {
        "type": "Action.Execute",
        "id": button.get("id"),
        "title": button.get("title"),
        "verb": button.get("verb"),
    }
    action = {name: value for name, value in action.items() if value is not None}
    value: Json = {"action": {**action, "data": _filled(card, button, given)}, "trigger": "manual"}
    answers = [await _invoked(channel, chat, person, message, value)]
    wanted = _login(answers[0])
    if wanted is not None:
        token = await signing_in.token_for(channel, person, wanted)
        if token is not None:
            resource = object_of(wanted, "tokenExchangeResource")
            named = {"id": resource.get("id"), "connectionName": wanted.get("connectionName")}
            value = {**value, "authentication": {**named, "token": token}}
            answers.append(await _invoked(channel, chat, person, message, value))
    return {"effect": _applied(channel, person, message, card, answers[-1]), "answers": answers}


def _login(answer: Json) -> Json | None:
    body = object_of(answer, "body")
    wanted = answer["status"] == 200 and body.get("type") == f"{_ANSWER}activity.loginRequest"
    return object_of(body, "value") if wanted else None


def _applied(channel: Channel, person: Person, message: Message, card: Json, answer: Json) -> str:
    """Do what the bot's answer says: show a card in place of the message, tell something, or that it failed."""
    body = object_of(answer, "body")
    kind, value = str(body.get("type", "")).removeprefix(_ANSWER), body.get("value")
    if answer["status"] == 200 and body.get("statusCode") == 200 and kind == "card.adaptive":
        try:
            cards.check_card(value)
        except Refused as fault:
            channel.messages.notice(message.chat, person.oid, message.id, "error", fault.text)
            return "error"
        shown = message.newest(person.oid) | {"attachments": [{"contentType": ADAPTIVE, "content": value}]}
        if card.get("refresh"):
            message.views[person.oid] = shown
            channel.messages.keep(message)
        else:
            channel.messages.replace(message, shown)
        return "card"
    if answer["status"] == 200 and body.get("statusCode") == 200 and kind == "activity.message":
        channel.messages.notice(message.chat, person.oid, message.id, "message", value)
        return "message"
    if kind == "activity.loginRequest":
        channel.messages.notice(message.chat, person.oid, message.id, "sign-in", value)
        return "sign-in"
    told = value if kind == "error" else "Something went wrong. Please try again."
    channel.messages.notice(message.chat, person.oid, message.id, "error", told)
    return "error"


async def _invoked(channel: Channel, chat: Chat, person: Person, message: Message, value: Json) -> Json:
    sent = activity(
        channel, chat, person, "invoke",
        root=message.root, name="adaptiveCard/action", value=value, replyToId=message.id,
    )  # fmt: skip
    return await post(channel, sent)


async def _submitted(channel: Channel, chat: Chat, person: Person, message: Message, data: Json, button: Json) -> Json:
    """A submit arrives as a message without text, or as its ``msteams`` says."""
    back = object_of(data, "msteams")
    data.pop("msteams", None)
    match back.get("type"):
        case None:
            return await _written(channel, chat, person, message, None, data)
        case "messageBack":
            value = data | object_of(back, "value")
            return await _written(channel, chat, person, message, str(back.get("text") or ""), value)
        case "imBack":
            return await _written(channel, chat, person, message, str(back.get("value")), None)
        case kind:
            raise Wrong(f"{button.get('title')} wants {kind}, which does nothing here.")


async def _written(
    channel: Channel, chat: Chat, person: Person, message: Message, text: str | None, value: Any
) -> Json:
    sent = activity(
        channel, chat, person, "message",
        root=message.root, text=text, value=value, textFormat="plain" if text is not None else None, replyToId=message.id,
    )  # fmt: skip
    if text:
        channel.messages.add(Message(sent["id"], chat.id, person.oid, [sent], message.root))
    return {"effect": "sent", "activity": sent["id"], "answers": [await post(channel, sent)]}
