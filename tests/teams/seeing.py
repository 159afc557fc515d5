"""What is looked for in what people see."""

from collections.abc import Callable

from tests.teams.views import Message, Pressed, Said, View

Find = Callable[[View], Message | None]


def words(*wanted: str, growing: bool = False) -> Find:
    """Find the newest message of the bot in which all of these words stand; a growing one only where that is said."""

    def find(view: View) -> Message | None:
        found = [m for m in view.bots if (growing or not m.growing) and all(word in m.words for word in wanted)]
        return found[-1] if found else None

    return find


def button(title: str) -> Find:
    """Find the newest message that has a button of this title."""

    def find(view: View) -> Message | None:
        return next((m for m in reversed(view.bots) if title in m.buttons), None)

    return find


def behind(view: View, said: Said) -> list[Message]:
    """Return what the bot said after that, in this view."""
    at = next(index for index, message in enumerate(view.messages) if message.id == said.activity)
    return [message for message in view.messages[at:] if message.author == "bot" and not message.deleted]


def answer(said: Said, *wanted: str, growing: bool = False) -> Find:
    """Find what the bot said after that, and in which all of these words stand."""

    def find(view: View) -> Message | None:
        found = [message for message in behind(view, said) if all(word in message.words for word in wanted)]
        return next((message for message in found if growing or not message.growing), None)

    return find


def reply(said: Said | Pressed, *wanted: str) -> Find:
    """Find what the bot said to just that, and not to something earlier, and in which all of these words stand."""

    def find(view: View) -> Message | None:
        found = (message for message in view.bots if message.activity.get("replyToId") == said.activity)
        return next((m for m in found if not m.growing and all(word in m.words for word in wanted)), None)

    return find
