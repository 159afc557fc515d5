"""What a person can write (``/help``)."""

from charter.channels.teams.cards import element
from charter.channels.teams.commands import COMMANDS
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech


def commands(speech: Speech) -> Json:
    """Return the card of ``/help``: each command as it is called in the language, and in the manifest."""
    listed = [
        element.fact(command.title(speech.locale), element.sentence(speech, f"help.{command.key}"))
        for command in COMMANDS
    ]
    return element.card(
        speech, [element.heading(speech, "help.heading"), element.sentence(speech, "help.intro"), *listed]
    )
