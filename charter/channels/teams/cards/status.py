"""How things stand for a person (``/status``)."""

from dataclasses import dataclass

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.channels.wording import title


@dataclass(frozen=True, slots=True)
class StatusView:
    """``person`` is empty for somebody who is not signed in; ``agent`` where the fitting one answers.

    ``working`` and ``waiting`` count the person's own tasks, ``inbox`` the decisions that wait for them.
    """

    person: str = ""
    agent: str = ""
    working: int = 0
    waiting: int = 0
    inbox: int = 0
    url: str = ""


def status(speech: Speech, view: StatusView) -> Json:
    person = element.short(view.person) or speech.say("status.nobody")
    agent = element.short(title(view.agent)) or speech.say("status.any")
    body = [
        element.heading(speech, "status.heading"),
        element.fact(speech.say("status.person"), element.told(person)),
        element.fact(speech.say("status.agent"), element.told(agent)),
        element.told(speech.say("status.working", count=view.working)),
        element.told(speech.say("status.waiting", count=view.waiting)),
        element.told(speech.say("status.inbox", count=view.inbox), strong=view.inbox > 0),
    ]
    return element.card(speech, body, [element.link(speech.say("open"), view.url)] if element.web(view.url) else [])
