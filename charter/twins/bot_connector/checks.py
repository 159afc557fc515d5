"""What Teams takes of a bot: types, sizes, the marks of an answer, and mentions of whoever is there."""

from collections.abc import Collection
from typing import Any, cast

import orjson

from charter.twins.bot_connector.cards import ADAPTIVE, OAUTH, check_card
from charter.twins.bot_connector.reading import object_of, objects_of
from charter.twins.bot_connector.refusals import Refused, bad, too_big
from charter.twins.bot_connector.registration import Bot

Json = dict[str, Any]

_MOST_BYTES = 100 * 1_024
_TYPES = frozenset({"message", "typing"})
_FORMATS = frozenset({"plain", "markdown", "xml", "extendedmarkdown"})
_CARDS = "application/vnd.microsoft.card."
_ROOT = "https://schema.org/Message"
_CONTENT = ("text", "attachments", "suggestedActions", "summary")


def check(activity: Json, size: int, bot: Bot) -> None:
    """Return if Teams would take it.

    Raises:
        Refused: as the real thing refuses; one sentence says why.
    """
    if size > _MOST_BYTES:
        raise too_big("Message size too large.")
    if activity.get("type") not in _TYPES:
        raise bad(f"Unknown activity type {str(activity.get('type'))[:60]}.")
    if object_of(activity, "from").get("id") not in (None, bot.account, bot.id):
        raise bad("The activity is from somebody else than the bot.")
    if activity.get("textFormat") not in (None, *_FORMATS):
        raise bad("Unknown text format.")
    for name in ("attachments", "entities"):
        listed: Any = activity.get(name) or []
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in cast("list[Any]", listed)):
            raise bad(f"{name} is a list of objects.")
    if activity["type"] == "message" and not any(activity.get(name) for name in _CONTENT):
        raise Refused(400, "BadSyntax", "The activity has no content.")
    _check_attachments(activity)
    _check_labels([each for each in objects_of(activity, "entities") if each.get("type") == _ROOT])


def check_mentions(activity: Json, members: Collection[str]) -> None:
    """Return if whoever is mentioned is there, and is named in the text.

    Raises:
        Refused: somebody is not, or the text does not say it.
    """
    said = orjson.dumps([activity.get("text"), activity.get("attachments")]).decode()
    for entity in objects_of(activity, "entities"):
        if entity.get("type") != "mention":
            continue
        named, text = object_of(entity, "mentioned"), entity.get("text")
        if named.get("id") not in members:
            raise bad("A mentioned account is not part of the conversation roster.")
        if not isinstance(text, str) or orjson.dumps(text).decode()[1:-1] not in said:
            raise bad("The text of a mention is not in the message.")


def _check_attachments(activity: Json) -> None:
    for attachment in objects_of(activity, "attachments"):
        kind, content = attachment.get("contentType"), attachment.get("content")
        if not isinstance(kind, str) or not kind:
            raise bad("An attachment has no content type.")
        if kind == ADAPTIVE:
            check_card(content)
        elif kind == OAUTH:
            _check_oauth(content)
        elif kind.startswith(_CARDS) and not isinstance(content, dict):
            raise bad("A card has no content.")
        elif not kind.startswith(_CARDS) and not (attachment.get("contentUrl") or content):
            raise bad("An attachment has neither content nor an address of it.")


def _check_oauth(content: Any) -> None:
    card = object_of({"content": content}, "content")
    if not card.get("connectionName") or not objects_of(card, "buttons"):
        raise bad("An OAuth card names its connection and has a button.")


def _check_labels(roots: list[Json]) -> None:
    """What Teams shows of an answer: sources by number, labels, at most one list of each."""
    if len(roots) > 1:
        raise bad("A message has one root message entity at most.")
    claims = [claim for root in roots for claim in objects_of(root, "citation")]
    positions = [claim.get("position") for claim in claims]
    if not all(type(position) is int and 1 <= position <= 20 for position in positions):
        raise bad("Citations have positions from 1 to 20.")
    if len(positions) > len(set(positions)):
        raise bad("Two citations have the same position.")
    for claim in claims:
        shown = object_of(claim, "appearance")
        if not shown.get("name") or len(shown["name"]) > 80:
            raise bad("A citation has a name of at most 80 characters.")
        if not shown.get("abstract") or len(shown["abstract"]) > 160:
            raise bad("A citation has an abstract of at most 160 characters.")
        words = cast("list[str]", shown.get("keywords") or [])
        if len(words) > 3 or any(len(word) > 28 for word in words):
            raise bad("A citation has at most 3 keywords of 28 characters.")
