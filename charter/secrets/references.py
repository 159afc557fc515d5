"""``keyvault:NAME`` and ``keyvault:NAME/VERSION``: where a secret is, in place of what it is."""

import re
from dataclasses import dataclass

SCHEME = "keyvault:"
_REFERENCE = re.compile(r"keyvault:(?P<name>[0-9A-Za-z-]{1,127})(?:/(?P<version>[0-9A-Za-z]{1,64}))?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A secret's place in the vault; without a version, the newest."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}" + (f"/{self.version}" if self.version else "")


def is_reference(text: str) -> bool:
    """Tell whether the text means a place in the vault, well written or not."""
    return text.lower().startswith(SCHEME)


def parsed(text: str) -> Reference:
    """Read a reference.

    Raises:
        ValueError: it is none, or its name is none that a vault can have; the sentence does not repeat it.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ValueError("must be keyvault:NAME or keyvault:NAME/VERSION, the name of letters, digits and hyphens")
    return Reference(found["name"], found["version"])
