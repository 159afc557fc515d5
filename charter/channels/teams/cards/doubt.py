"""A change of which nobody knows whether it happened: what it was, and where a person can say so."""

from collections.abc import Mapping
from typing import Any, cast

from charter.channels.teams.cards import element
from charter.channels.teams.cards.value import arguments
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import call_name
from charter.runs.run import Run, Step

_ROOM, _MOST = 300, 20


def doubt(speech: Speech, run: Run, step: Step, *, asker: str, url: str = "") -> Json:
    """Return the card about the ``step`` whose effect is unknown; ``url`` is where it is answered."""
    name, plugin = call_name(step.name)
    body = [
        element.heading(speech, "doubt.heading", colour="attention"),
        element.sentence(speech, "doubt.what"),
        element.box(
            [
                element.told(element.short(name), strong=True, large=True),
                {**element.told(speech.say("place", plugin=element.short(plugin)), subtle=True), "spacing": "none"},
                *_details(speech, step),
            ]
        ),
        element.fact(speech.say("doubt.asked"), element.told(element.short(asker))),
        element.fact(speech.say("doubt.since"), element.moment(step.started_at)),
        element.sentence(speech, "doubt.where" if element.web(url) else "doubt.where_elsewhere"),
    ]
    return element.card(speech, body, [element.link(speech.say("doubt.answer"), url)] if element.web(url) else [])


def _details(speech: Speech, step: Step) -> list[Json]:
    given = cast("Mapping[str, Any]", step.input or {})
    found, rest = arguments(speech, given, list(given), {}, most=_MOST)
    facts = [
        element.fact(element.short(line.label), element.told(element.short(line.text, _ROOM), subtle=line.ours))
        for line in found
    ]
    return [*facts, *([element.told(speech.say("lost.more", count=rest), subtle=True)] if rest > 0 else [])]
