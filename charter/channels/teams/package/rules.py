"""What the shape of a manifest does not show: what must agree, what Teams does not find, what nobody would answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from charter.channels.teams.commands import COMMANDS, told
from charter.channels.teams.package import versions
from charter.channels.teams.package.manifest import SIGN_IN
from charter.errors import FieldError

Json = Mapping[str, Any]

_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_EXAMPLE = re.compile(r"(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$")
_URLS = ("websiteUrl", "privacyUrl", "termsOfUseUrl")


def faults(manifest: Json, *, production: bool) -> Iterator[FieldError]:
    """Yield each fault of a manifest whose shape is right; in ``production`` addresses of examples are one, too."""
    yield from _version(manifest)
    yield from _identities(manifest)
    yield from _scopes(manifest)
    for index, listed in enumerate(manifest["bots"][0]["commandLists"]):
        yield from _commands(f"/bots/0/commandLists/{index}", listed)
    yield from _slash(manifest)
    yield from _domains(manifest["validDomains"], production=production)
    for name in _URLS:
        yield from _address(f"/developer/{name}", manifest["developer"][name], production=production)


def _version(manifest: Json) -> Iterator[FieldError]:
    lowest = versions.lowest(manifest)
    if manifest["manifestVersion"] != lowest:
        yield FieldError("/manifestVersion", f"must be {lowest}, the lowest one that has what the manifest uses")
    if manifest["$schema"] != versions.schema(manifest["manifestVersion"]):
        yield FieldError("/$schema", "must be Microsoft's schema of the manifest's version")


def _identities(manifest: Json) -> Iterator[FieldError]:
    bot = manifest["bots"][0]["botId"]
    application = manifest["webApplicationInfo"]
    if application["id"] != bot:
        yield FieldError("/webApplicationInfo/id", "must be the bot's id, or nobody is signed in")
    resource: str = application["resource"]
    if not resource.startswith("api://") or not re.search(rf"[/-]{re.escape(application['id'])}$", resource):
        yield FieldError("/webApplicationInfo/resource", f"must be api://botid-{application['id']}")
    for agent in manifest.get("copilotAgents", {}).get("customEngineAgents", ()):
        if agent["id"] != bot:
            yield FieldError("/copilotAgents/customEngineAgents/0/id", "must be the bot's id")


def _scopes(manifest: Json) -> Iterator[FieldError]:
    bot = manifest["bots"][0]
    copilot = "copilotAgents" in manifest
    if copilot != ("copilot" in bot["scopes"]):
        yield FieldError("/bots/0/scopes", "must have copilot where there are copilotAgents, and only there")
    if "personal" not in bot["scopes"]:
        yield FieldError("/bots/0/scopes", "must have personal: approvals reach people there")
    seen: set[str] = set()
    for index, listed in enumerate(bot["commandLists"]):
        place = f"/bots/0/commandLists/{index}/scopes"
        if missing := sorted(set(listed["scopes"]) - set(bot["scopes"])):
            yield FieldError(place, f"has {missing[0]}, where the bot is not")
        if twice := sorted(seen & set(listed["scopes"])):
            yield FieldError(place, f"has {twice[0]}, which another list has, too")
        seen |= set(listed["scopes"])
    if manifest.get("defaultInstallScope", "personal") not in bot["scopes"]:
        yield FieldError("/defaultInstallScope", "must be one of the bot's scopes")


def _commands(place: str, listed: Json) -> Iterator[FieldError]:
    seen: set[str] = set()
    found: set[str] = set()
    for index, command in enumerate(listed["commands"]):
        where, title = f"{place}/commands/{index}", command["title"]
        if title.casefold() in seen:
            yield FieldError(f"{where}/title", f"is {title} a second time")
        seen.add(title.casefold())
        if command.get("type") == "prompt":
            yield from _prompt(where, command)
        else:
            yield from _basic(where, command)
            found |= {known.command.key} if (known := told(title)) else set()
    wanted = {command.key for command in COMMANDS}
    if found and found != wanted:
        yield FieldError(f"{place}/commands", f"lacks {', '.join(sorted(wanted - found))}")


def _prompt(where: str, command: Json) -> Iterator[FieldError]:
    if "prompt" not in command:
        yield FieldError(where, "must have a prompt, or nothing is said when it is chosen")
    if told(command["title"]) or told(command.get("prompt", "")):
        yield FieldError(where, "is a command, and must not be a prompt")


def _basic(where: str, command: Json) -> Iterator[FieldError]:
    known = told(command["title"])
    if known is None or known.rest:
        yield FieldError(f"{where}/title", f"is {command['title']}, which the door does not know")
    if "description" not in command:
        yield FieldError(where, "must have a description")
    if "prompt" in command:
        yield FieldError(where, "has a prompt, and must be of the type prompt")


def _slash(manifest: Json) -> Iterator[FieldError]:
    bot = manifest["bots"][0]
    for index, listed in enumerate(bot["commandLists"]):
        place = f"/bots/0/commandLists/{index}/triggers"
        triggers: Sequence[str] = listed.get("triggers", ())
        if "slash" in triggers and not bot.get("supportsTargetedMessages"):
            yield FieldError(place, "has slash, which needs supportsTargetedMessages")
        if "slash" in triggers and not set(listed["scopes"]) <= {"team", "groupChat"}:
            yield FieldError(place, "has slash, which is for channels and group chats only")


def _domains(domains: Sequence[str], *, production: bool) -> Iterator[FieldError]:
    if SIGN_IN not in domains:
        yield FieldError("/validDomains", f"must have {SIGN_IN}, or nobody can sign in")
    for index, domain in enumerate(domains):
        place = f"/validDomains/{index}"
        if "://" in domain:
            yield FieldError(place, f"is {domain}, and must be without a scheme")
        elif "*" in domain:
            yield FieldError(place, f"is {domain}, and must be one host: no wildcard")
        elif not _HOST.fullmatch(domain) or _number(domain):
            yield FieldError(
                place, f"is {domain}, and must be the name of a host, in small letters, without port or path"
            )
        elif production and _EXAMPLE.search(domain):
            yield FieldError(place, f"is {domain}, an example or of one machine alone")


def _address(place: str, url: str, *, production: bool) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme != "https" or not _HOST.fullmatch(host) or "@" in parts.netloc or re.search(r"\s", url):
        yield FieldError(place, f"is {url or 'empty'}, and must be an https:// address of a page for people")
    elif production and _EXAMPLE.search(host):
        yield FieldError(place, f"is {url}, an address of examples; name a page of your own")


def _number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
