"""What Teams takes as an Adaptive Card: version 1.5, elements that it knows, inputs that can be told apart, 28 KB."""

from collections.abc import Iterator
from typing import Any, cast

import orjson

from charter.twins.bot_connector.refusals import bad, too_big

Json = dict[str, Any]

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
OAUTH = "application/vnd.microsoft.card.oauth"
_MOST_BYTES = 28 * 1_024
_VERSIONS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.5"})
_INPUTS = frozenset({"Input.ChoiceSet", "Input.Date", "Input.Number", "Input.Text", "Input.Time", "Input.Toggle"})
_ACTIONS = frozenset(
    {"Action.Execute", "Action.OpenUrl", "Action.ShowCard", "Action.Submit", "Action.ToggleVisibility"}
)
_ELEMENTS = _INPUTS | frozenset(
    {
        "ActionSet", "Column", "ColumnSet", "Container", "FactSet", "Image", "ImageSet", "Media", "RichTextBlock",
        "Table", "TableCell", "TableRow", "TextBlock",
    }
)  # fmt: skip
_OTHERS = frozenset({"AdaptiveCard", "BackgroundImage", "TextRun"})
_HELD = {"data", "msteams"}  # what a card only carries


def check_card(content: Any) -> None:
    """Return if Teams would show it.

    Raises:
        Refused: another version, an element or action that it does not know, two inputs of one id, or too big.
    """
    if not isinstance(content, dict):
        raise bad("An Adaptive Card is a JSON object.")
    card = cast("Json", content)
    if len(orjson.dumps(card)) > _MOST_BYTES:
        raise too_big("Card size too large: it has more than 28 KB.")
    if card.get("type") != "AdaptiveCard" or card.get("version") not in _VERSIONS:
        raise bad(f"The card is no AdaptiveCard of a version up to 1.5, but {card.get('type')} {card.get('version')}.")
    names: list[str] = []
    for part in parts(card):
        kind = part["type"]
        if kind not in _ELEMENTS | _ACTIONS | _OTHERS:
            raise bad(f"The card has an unknown element {str(kind)[:60]}.")
        if kind in _INPUTS:
            if not isinstance(part.get("id"), str) or not part["id"]:
                raise bad(f"{kind} has no id.")
            names.append(part["id"])
    if len(names) > len(set(names)):
        raise bad("Two inputs of the card have the same id.")


def parts(card: Json) -> Iterator[Json]:
    """Yield everything in a card that has a type, the card itself first."""
    waiting: list[Any] = [card]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, list):
            waiting = [*cast("list[Any]", each), *waiting]
        elif isinstance(each, dict):
            part = cast("Json", each)
            if isinstance(part.get("type"), str):
                yield part
            waiting = [*(value for name, value in part.items() if name not in _HELD), *waiting]


def inputs(card: Json) -> dict[str, Json]:
    """Return the inputs of a card by their ids."""
    return {part["id"]: part for part in parts(card) if part["type"] in _INPUTS}


def actions(card: Json) -> list[Json]:
    """Return the buttons of a card."""
    return [part for part in parts(card) if part["type"] in _ACTIONS]
