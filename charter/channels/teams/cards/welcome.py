"""The first thing that a person sees: what this is, and examples that can be pressed."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import title

STARTERS = 6
_AGENTS = 4
_NAMED = 20


def welcome(speech: Speech, agents: Sequence[Mapping[str, Any]], name: str = "", *, known: bool = True) -> Json:
    """Return the card for a person called ``name``; ``agents`` are those that they may use, as the host lists them. Of
    somebody who is not ``known`` yet nobody can say that there are none.

    A starter, where it is pressed, sends ``{"charter": "start", "agent": …, "number": …}``: the place in that agent's list of starters.
    """
    greeting = speech.say("welcome.named", name=element.short(name)) if name else speech.say("welcome.heading")
    body = [element.told(greeting, strong=True, large=True)]
    if known and not agents:
        return element.card(speech, [*body, element.sentence(speech, "welcome.nobody")])
    body.append(element.sentence(speech, "welcome.intro"))
    shown = agents[:_AGENTS]
    for agent, count in zip(shown, _shares([len(agent.get("starters", ())) for agent in shown]), strict=True):
        body.append(element.group(_agent(agent, count)))
    body += _others(speech, agents[_AGENTS:])
    return element.card(speech, [*body, element.sentence(speech, "welcome.more", subtle=True)])


def _others(speech: Speech, agents: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Return a line that names those for which there is no room."""
    if not agents:
        return []
    names = ", ".join(element.short(title(str(agent["name"]))) for agent in agents[:_NAMED])
    return [element.told(speech.say("welcome.others", names=names))]


def _agent(agent: Mapping[str, Any], count: int) -> list[Json]:
    name = str(agent["name"])
    starters = [
        element.pressed(str(text), {"charter": "start", "agent": name, "number": number})
        for number, text in enumerate(agent.get("starters", ())[:count])
    ]
    described = element.told(element.short(str(agent.get("description", "")), 300), subtle=True)
    return [element.told(element.short(title(name)), strong=True), {**described, "spacing": "none"}, *starters]


def _shares(given: Sequence[int]) -> list[int]:
    """Return how many starters of each agent are shown: in turn, until there are enough."""
    shares = [0] * len(given)
    for _ in range(STARTERS):
        open_still = [place for place, most in enumerate(given) if shares[place] < most]
        if not open_still or sum(shares) == STARTERS:
            break
        for place in open_still[: STARTERS - sum(shares)]:
            shares[place] += 1
    return shares
