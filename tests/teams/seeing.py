"""What is looked for in what people see."""

from collections.abc import Callable

from tests.teams.views import Message, View

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
