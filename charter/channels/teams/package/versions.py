"""The lowest manifest version that has what a manifest uses: clients and clouds that are behind take the package, too.

Source: the schemas in Microsoft's package @microsoft/app-manifest 1.1.2 (v1.0 to v1.30).
"""

from collections.abc import Iterator, Mapping
from typing import Any

Version = tuple[int, int]

LEAST: Version = (1, 21)
"""The oldest one that this house writes: from it on every property that it always uses is there."""

_SCHEMA = "https://developer.microsoft.com/json-schemas/teams/v{}/MicrosoftTeams.schema.json"


def lowest(manifest: Mapping[str, Any]) -> str:
    """Return the version, as a manifest names it."""
    return ".".join(str(part) for part in max(_needed(manifest), default=LEAST))


def schema(version: str) -> str:
    """Return where Microsoft publishes that version's schema."""
    return _SCHEMA.format(version)


def _needed(manifest: Mapping[str, Any]) -> Iterator[Version]:
    yield LEAST
    if len(manifest.get("validDomains", ())) > 16:
        yield 1, 28
    for bot in manifest.get("bots", ()):
        if "supportsTargetedMessages" in bot:
            yield 1, 29
        for listed in bot.get("commandLists", ()):
            yield from _of_commands(listed)
    for agent in manifest.get("copilotAgents", {}).get("customEngineAgents", ()):
        if "disclaimer" in agent:
            yield 1, 22


def _of_commands(listed: Mapping[str, Any]) -> Iterator[Version]:
    if "triggers" in listed:
        yield 1, 29
    if len(listed["commands"]) > 10:
        yield 1, 24
    if any("type" in command or "prompt" in command or "description" not in command for command in listed["commands"]):
        yield 1, 27
