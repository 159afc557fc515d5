"""What a group chat or a channel shows to each of its people."""

import asyncio
from collections.abc import Sequence

import orjson

from tests.teams.client import Teams
from tests.teams.seeing import Find
from tests.teams.views import Answer, Json, Message, View

ELSEWHERE = "I have answered in private"
"""What everybody reads instead of an answer that is for the asker alone."""
_PAUSE = 0.15
_BOT = {"id": "28:charter-host", "name": "Charter"}


async def whisper(
    teams: Teams, person: str, conversation: str, text: str, *, root: str = "", tenant: str = "contoso"
) -> Answer:
    """Say something to the bot alone in a conversation of many, as the menu behind ``/`` does; ``root``: in that thread."""
    activity: Json = {"type": "message", "text": text, "recipient": {**_BOT, "isTargeted": True}}
    if root:
        place = {"id": f"{conversation};messageid={root}", "conversationType": "channel", "isGroup": True}
        activity["conversation"] = place | {"tenantId": tenant}
    return await teams.post(activity, person=person, conversation=conversation)


async def anywhere(teams: Teams, person: str, places: Sequence[str], find: Find, seconds: float) -> tuple[str, Message]:
    """Return the first of these conversations in which this person finds it, and what they find."""
    views: list[View] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                views = [await teams.seen(person, place) for place in places]
                for view in views:
                    if found := find(view):
                        return view.conversation, found
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        seen = "\n\n".join(view.words for view in views)
        raise AssertionError(f"{person} never saw it, but:\n{seen}") from None


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
