"""What a person can write (``/help``)."""

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech

COMMANDS = ("/help", "/tasks", "/status", "/stop", "/new", "/signout")


def commands(speech: Speech) -> Json:
    """Return the card of ``/help``."""
    listed = [element.fact(name, element.sentence(speech, f"help.{name}")) for name in COMMANDS]
    return element.card(
        speech, [element.heading(speech, "help.heading"), element.sentence(speech, "help.intro"), *listed]
    )
