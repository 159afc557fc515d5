"""Which agent is to take it, where several could."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import title

_AGENTS = 6


def choice(speech: Speech, text: str, agents: Sequence[Mapping[str, Any]], activity: str) -> Json:
    """Return the card about what somebody wrote (``text``, in the message ``activity``).

    An agent that is pressed sends ``{"charter": "choose", "agent": …, "activity": …}``.
    """
    body = [
        element.heading(speech, "choice.heading"),
        element.fact(speech.say("choice.said"), element.told(element.short(text, 300))),
        element.sentence(speech, "choice.note", subtle=True),
        *(_agent(agent, activity) for agent in agents[:_AGENTS]),
    ]
    return element.card(speech, body)


def _agent(agent: Mapping[str, Any], activity: str) -> Json:
    name = str(agent["name"])
    described = {**element.told(element.short(str(agent.get("description", "")), 300), subtle=True), "spacing": "none"}
    return element.pressed(title(name), {"charter": "choose", "agent": name, "activity": activity}, described)
