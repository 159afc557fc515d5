"""The manifest of the app, and its files of other languages. Pure: the same wishes give the same manifest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from charter.channels.teams.commands import COMMANDS
from charter.channels.teams.package import versions
from charter.channels.teams.package.starters import Starter
from charter.channels.teams.package.texts import Texts

ACCENT = "#0d6350"
COLOR, OUTLINE = "color.png", "outline.png"
MOST_COMMANDS = 12
PLACES = MOST_COMMANDS - len(COMMANDS)
"""How many starters there is room for, beside the commands."""

SIGN_IN = "token.botframework.com"
"""Where people sign in; Teams opens nothing that is not among the valid domains."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Developer:
    """Who answers for the app, and where they say how."""

    name: str
    website: str
    privacy: str
    terms: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """``client_id`` is the application that the host is, and the bot. ``slash``: commands in the menu behind ``/`` of group
    chats and channels, too. ``copilot``: the bot is an agent of Microsoft 365 Copilot as well.
    """

    client_id: str
    version: str
    public_url: str
    developer: Developer
    slash: bool = True
    copilot: bool = False


def write(wanted: Wanted, texts: Sequence[Texts], starters: Sequence[Starter]) -> Json:
    """Return the manifest in the default language, of the lowest version that has what it uses."""
    default, *others = texts
    body: Json = {
        "version": wanted.version,
        "id": wanted.client_id,
        "developer": {
            "name": wanted.developer.name,
            "websiteUrl": wanted.developer.website,
            "privacyUrl": wanted.developer.privacy,
            "termsOfUseUrl": wanted.developer.terms,
        },
        "localizationInfo": {
            "defaultLanguageTag": default.language,
            "additionalLanguages": [{"languageTag": each.language, "file": file_of(each)} for each in others],
        },
        "name": {"short": default.short_name, "full": default.full_name},
        "description": {"short": default.short, "full": default.full},
        "icons": {"color": COLOR, "outline": OUTLINE},
        "accentColor": ACCENT,
        "bots": [_bot(wanted, default, starters)],
        **_copilot(wanted),
        # Who somebody is, and to write to them first: a task's end may be days away.
        "permissions": ["identity", "messageTeamMembers"],
        "validDomains": _domains(wanted.public_url),
        "webApplicationInfo": {"id": wanted.client_id, "resource": f"api://botid-{wanted.client_id}"},
        "defaultInstallScope": "personal",
        "defaultGroupCapability": {"team": "bot", "groupchat": "bot"},
    }
    version = versions.lowest(body)
    return {"$schema": versions.schema(version), "manifestVersion": version, **body}


def file_of(texts: Texts) -> str:
    """Return the name of a language's file in the package."""
    return f"{texts.language}.json"


def translated(manifest: Mapping[str, Any], texts: Texts) -> Json:
    """Return a language's file: names and descriptions. Starters stay as their agents' owners wrote them."""
    return {
        "$schema": versions.schema(manifest["manifestVersion"]).replace("Teams.schema", "Teams.Localization.schema"),
        "name.short": texts.short_name,
        "name.full": texts.full_name,
        "description.short": texts.short,
        "description.full": texts.full,
        **dict(_translated_commands(manifest, texts)),
    }


def _translated_commands(manifest: Mapping[str, Any], texts: Texts) -> Iterator[tuple[str, str]]:
    by_title = {command.title("en"): command for command in COMMANDS}
    for index, listed in enumerate(manifest["bots"][0]["commandLists"]):
        for place, told in enumerate(listed["commands"]):
            if command := by_title.get(told["title"]):
                name = f"bots[0].commandLists[{index}].commands[{place}]"
                yield f"{name}.title", command.title(texts.language)
                yield f"{name}.description", texts.commands[command.key]


def _bot(wanted: Wanted, texts: Texts, starters: Sequence[Starter]) -> Json:
    commands: list[Json] = [
        {"title": command.title(texts.language), "description": texts.commands[command.key]} for command in COMMANDS
    ]
    prompts: list[Json] = [{"type": "prompt", "title": each.title, "prompt": each.prompt} for each in starters]
    lists: list[Json] = [
        {"scopes": ["personal"], "commands": [*commands, *prompts]},
        {
            **({"triggers": ["mention", "slash"]} if wanted.slash else {}),
            "scopes": ["team", "groupChat"],
            "commands": commands,
        },
    ]
    if wanted.copilot and prompts:
        lists.append({"scopes": ["copilot"], "commands": prompts})
    return {
        "botId": wanted.client_id,
        "scopes": ["personal", "team", "groupChat", *(["copilot"] if wanted.copilot else [])],
        "supportsFiles": True,
        **({"supportsTargetedMessages": True} if wanted.slash else {}),
        "commandLists": lists,
    }


def _copilot(wanted: Wanted) -> Json:
    if not wanted.copilot:
        return {}
    return {"copilotAgents": {"customEngineAgents": [{"id": wanted.client_id, "type": "bot"}]}}


def _domains(public_url: str) -> list[str]:
    """Return the hosts that Teams may open: the sign-in, and this host where people outside this machine reach it."""
    parts = urlsplit(public_url)
    return [SIGN_IN, parts.hostname] if parts.hostname and parts.scheme == "https" else [SIGN_IN]
