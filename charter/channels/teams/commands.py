"""What people may say to the host itself, instead of to an agent: the one list that the door and the app package share."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr")
"""Those in which the house speaks; the first one where it knows no better."""

_COMMAND = re.compile(r"/(\S+)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """``key`` is what it is called in code and in texts (``command.KEY``), ``names`` what people write after the slash."""

    key: str
    names: Mapping[str, str]

    def title(self, language: str) -> str:
        """Return it as people write it: ``/help``. With the slash alone, so that no answer to an agent is mistaken for one."""
        return f"/{self.names.get(language, self.names[LANGUAGES[0]])}"


COMMANDS = (
    Command("help", {"en": "help", "de": "hilfe", "fr": "aide"}),
    Command("tasks", {"en": "tasks", "de": "aufgaben", "fr": "tâches"}),
    Command("status", {"en": "status", "de": "stand", "fr": "état"}),
    Command("stop", {"en": "stop", "de": "stopp", "fr": "arrêter"}),
    Command("new", {"en": "new", "de": "neu", "fr": "nouveau"}),
    Command("signout", {"en": "signout", "de": "abmelden", "fr": "déconnexion"}),
)
"""All there are. Each is understood in every language, whatever the person's own is, with and without its accents."""


@dataclass(frozen=True, slots=True)
class Told:
    """A command as somebody wrote it; ``rest`` is what stands behind it."""

    command: Command
    rest: str = ""


def told(text: str) -> Told | None:
    """Return the command that a message is; ``None``: it is none, and meant for an agent."""
    found = _COMMAND.fullmatch(text.strip())
    command = _KNOWN.get(_plain(found[1])) if found else None
    return Told(command, (found[2] or "").strip()) if found and command else None


def _plain(name: str) -> str:
    spread = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def _names() -> Iterator[tuple[str, Command]]:
    for command in COMMANDS:
        for name in command.names.values():
            yield _plain(name), command


_KNOWN = dict(_names())
