"""What a group chat or a channel shows to each of its people."""

import orjson

from tests.teams.client import Teams
from tests.teams.seeing import Find
from tests.teams.views import Answer, Message, View

ELSEWHERE = "I have answered in private"
"""What everybody reads instead of an answer that is for the asker alone."""
_BOT = {"id": "28:charter-host", "name": "Charter"}


async def whisper(teams: Teams, person: str, conversation: str, text: str) -> Answer:
    """Say something to the bot alone in a conversation of many, as the menu behind ``/`` does."""
    activity = {"type": "message", "text": text, "recipient": {**_BOT, "isTargeted": True}}
    return await teams.post(activity, person=person, conversation=conversation)


def private(*wanted: str) -> Find:
    """Find the newest message that this person alone sees, in which all of these words stand."""
    return _newest(wanted, targeted=True)


def aloud(*wanted: str) -> Find:
    """Find the newest message for all, in which all of these words stand."""
    return _newest(wanted, targeted=False)


def told(view: View) -> str:
    """Return all that a person was ever shown there: each state of each message with its cards' data, and the notices."""
    every = [[message.history, message.activity] for message in view.messages]
    return orjson.dumps([every, view.notices]).decode()


def _newest(wanted: tuple[str, ...], *, targeted: bool) -> Find:
    def find(view: View) -> Message | None:
        found = [m for m in view.bots if m.targeted is targeted and all(word in m.words for word in wanted)]
        return found[-1] if found else None

    return find
