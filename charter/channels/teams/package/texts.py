"""What the app is called and says of itself in Teams, language by language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from charter.channels.teams.commands import COMMANDS, LANGUAGES

_FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True, slots=True)
class Texts:
    """Those of one language; ``commands`` is what each command does, by its key."""

    language: str
    short_name: str
    full_name: str
    short: str
    full: str
    commands: Mapping[str, str]


def read() -> tuple[Texts, ...]:
    """Return the texts of every language, the default one first."""
    return tuple(_read(language) for language in LANGUAGES)


def _read(language: str) -> Texts:
    told = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return Texts(
        language,
        told["name"]["short"],
        told["name"]["full"],
        told["description"]["short"],
        told["description"]["full"],
        {command.key: told["commands"][command.key] for command in COMMANDS},
    )
