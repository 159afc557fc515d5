"""The pieces that cards are made of, and the two kinds of text in them.

``heading``, ``sentence`` and ``moment`` are the house's own words and take the *name* of a sentence, never a text.
Everything else is a text run, in which nothing is markup, whoever wrote it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, cast

import orjson

from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import visible

LIMIT = 26_000
"""Bytes of a card; Teams takes about 28 KB, and the connector's own wrapping needs some."""
NAME = 80
"""Characters of a name or a title."""
_WORD = re.compile(r"(\S{24})(?=\S{5})")
"""The beginning of a word that is wider than its column: not every client breaks it, and a part that runs out is not read."""

_BRACE = re.compile(r"\{(?=\{)")

Colour = Literal["default", "good", "warning", "attention", "accent"]


def card(speech: Speech, body: Sequence[Json], actions: Sequence[Json] = ()) -> Json:
    made: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "lang": speech.locale,
        "body": list(body),
    }
    return made | ({"actions": list(actions)} if actions else {})


def fits(made: Json) -> bool:
    return size(made) <= LIMIT


def size(made: Json) -> int:
    """Return the bytes of a card as it is sent."""
    return len(orjson.dumps(made))


def heading(speech: Speech, key: str, *, colour: Colour = "default") -> Json:
    return _block(speech.say(key), size="large", weight="bolder", style="heading", color=colour)


def sentence(speech: Speech, key: str, *, subtle: bool = False, colour: Colour = "default") -> Json:
    """Return a sentence of the house; one with values in it is to be ``told``."""
    return _block(speech.say(key), isSubtle=subtle, color=colour)


def moment(when: datetime) -> Json:
    """Return a time, which each client shows in the reader's own zone and way of writing."""
    utc = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _block(f"{{{{DATE({utc}, SHORT)}}}} {{{{TIME({utc})}}}}")


def told(
    text: str, *, strong: bool = False, subtle: bool = False, large: bool = False, colour: Colour = "default"
) -> Json:
    """Return text in which nothing is markup."""
    style: Json = {}
    if strong:
        style["weight"] = "bolder"
    if subtle:
        style["isSubtle"] = True
    if large:
        style["size"] = "medium"
    if colour != "default":
        style["color"] = colour
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": part, **style} for part in parts(text)]}


def lines(text: str, most: int = 30, *, subtle: bool = False) -> list[Json]:
    """Return text of several lines, each on a line of its own; ``…`` is the last where there would be more than ``most``."""
    given = pieces(text)
    kept = [*given[: most - 1], "…"] if len(given) > most else given
    blocks = [told(line or " ", subtle=subtle) for line in kept]
    return [blocks[0], *({**block, "spacing": "none"} for block in blocks[1:])]


def pieces(text: str) -> list[str]:
    """Return the lines of a text, and words that are wider than a column in several."""
    return _WORD.sub(r"\1\n", visible(text)).splitlines() or [""]


def parts(text: str) -> list[str]:
    """Cut a text between doubled braces: clients put times in place of ``{{DATE(…)}}``, and only we may ask for that."""
    return _BRACE.sub("{\0", visible(text).replace("\t", " ")).split("\0")


def people(speech: Speech, entries: Sequence[str], names: Mapping[str, str], me: str = "") -> str:
    """Say who may decide (``user:…``, ``role:…``) by the names that are known; an id alone tells nobody anything. ``me`` is
    the id of who reads it.
    """
    known = [
        speech.person(entry, me)
        if entry == f"user:{me}"
        else speech.called(names.get(entry.removeprefix("user:")) or speech.person(entry))
        for entry in entries[:10]
    ]
    return speech.listed(list(dict.fromkeys(short(name) for name in known))) or speech.say("somebody")


def fact(label: str, *values: Json) -> Json:
    """Return a line of two columns; what stands in the right one can never look like a line of its own."""
    named = {"type": "Column", "width": 2, "items": [told(label, subtle=True)]}
    given = {"type": "Column", "width": 3, "items": list(values)}
    return {"type": "ColumnSet", "spacing": "small", "columns": [named, given]}


def box(items: Sequence[Json], *, style: Colour | Literal["emphasis"] = "emphasis") -> Json:
    return {"type": "Container", "style": style, "spacing": "medium", "items": list(items)}


def group(items: Sequence[Json]) -> Json:
    """Return what belongs together, set apart from the rest by room alone."""
    return {"type": "Container", "spacing": "medium", "items": list(items)}


def link(title: str, url: str) -> Json:
    return {"type": "Action.OpenUrl", "title": short(title), "url": url}


def execute(
    title: str, verb: str, data: Json, *, style: Literal["default", "positive", "destructive"] = "default"
) -> Json:
    return {"type": "Action.Execute", "title": short(title), "verb": verb, "data": data, "style": style}


def submit(title: str, data: Json) -> Json:
    """Return a button that talks: its data come back as a message."""
    whole = " ".join(visible(title).split())
    button: Json = {"type": "Action.Submit", "title": short(title), "data": data}
    return button | ({"tooltip": short(whole, 300)} if len(whole) > NAME else {})


def pressed(text: str, data: Json, *more: Json) -> Json:
    """Return a sentence that can be pressed, with what stands below it, and talks. The words of a button stand on one line and
    are cut where it ends; these take as many lines as they need, on a telephone, too.
    """
    return {
        "type": "Container",
        "style": "emphasis",
        "spacing": "small",
        "items": [told(short(text, 300), strong=bool(more), colour="accent"), *more],
        "selectAction": submit(text, data),
    }


def row(button: Json) -> Json:
    """Return a button on a line of its own: side by side their words would be cut."""
    return {"type": "ActionSet", "spacing": "small", "actions": [button]}


def short(text: str, most: int = NAME) -> str:
    """Return a text on one line, cut where it is too long."""
    line = _BRACE.sub("{ ", " ".join(visible(text[: 4 * most]).split()))
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1].rstrip()}…"


def web(url: str) -> bool:
    """Whether a card may link there."""
    return url.startswith(("https://", "http://"))


def texts(piece: object) -> Iterator[str]:
    """Return every text that a card shows, in its order."""
    if isinstance(piece, Mapping):
        for name, value in cast("Mapping[str, object]", piece).items():
            if name in {"text", "title", "label", "placeholder", "tooltip"} and isinstance(value, str):
                yield value
            elif name != "data":
                yield from texts(value)
    elif isinstance(piece, Sequence) and not isinstance(piece, str):
        for item in cast("Sequence[object]", piece):
            yield from texts(item)


def _block(text: str, **style: object) -> Json:
    kept = {name: value for name, value in style.items() if value not in (False, "default")}
    return {"type": "TextBlock", "text": text, "wrap": True, **kept}
