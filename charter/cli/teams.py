"""``charter teams``: what an administrator needs to bring the bot into Teams."""

import hashlib
import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from charter import settings
from charter.errors import CharterError, InvalidRequest
from charter.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from charter.catalog.spec import AgentSpec
    from charter.channels.teams.package.manifest import Developer
    from charter.channels.teams.package.packing import Package

_GUID = re.compile(r"(?!0{8}-)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_EXAMPLE = "https://charter.contoso.example"


@click.group()
def teams() -> None:
    """Bring the bot into Microsoft Teams."""


@teams.command()
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), default="charter-teams.zip", show_default=True,
    help="The file.",
)  # fmt: skip
@click.option("--version", help="The app's version, such as 1.2.0; a changed package needs a higher one.")
@click.option("--app-id", help="The bot's id, where CHARTER_IDENTITY__CLIENT_ID is not it.")
@click.option("--developer", help="Who answers for the app.")
@click.option("--website", default="", help="Their page about it.")
@click.option("--privacy", default="", help="Their page about privacy.")
@click.option("--terms", default="", help="Their terms of use.")
@click.option(
    "--icons", type=click.Path(file_okay=False, path_type=Path), help="A folder with color.png and outline.png."
)
@click.option(
    "--slash/--no-slash", default=True, help="Commands behind / in group chats, too: manifest 1.29 instead of 1.27."
)
@click.option("--copilot", is_flag=True, help="An agent of Microsoft 365 Copilot as well.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def package(output: Path, as_json: bool, icons: Path | None, **given: Any) -> None:
    """Write the app package that an administrator uploads. It is checked here, offline; no host need run."""
    # Late: it reads schemas and plugins, which other commands need not wait for.
    from charter.channels.teams.package import packing
    from charter.channels.teams.package.manifest import Wanted

    tree = settings.read()
    wanted = Wanted(
        client_id=_client_id(tree, given["app_id"]),
        version=given["version"] or version_of("charter-host"),
        public_url=tree.http.public_url,
        developer=_developer(tree, given),
        slash=given["slash"],
        copilot=given["copilot"],
    )
    production = tree.profile == "azure"
    made = packing.pack(wanted, _agents(tree), icons=icons or packing.ICONS, production=production)
    _write(output, made)
    told = _told(output, made)
    click.echo(orjson.dumps(told).decode() if as_json else _sentences(told))


def _agents(tree: Settings) -> "Iterable[AgentSpec]":
    """Return the agents in the folders; where their business systems are does not matter here."""
    from charter.catalog.check import check
    from charter.catalog.mistake import CatalogInvalid

    catalog, mistakes = check(tree.agent_folders, tree.plugin_folders)
    if catalog is None:
        raise CatalogInvalid(mistakes)
    return catalog.agents.values()


def _client_id(tree: Settings, given: str | None) -> str:
    found = (given or tree.identity.client_id).strip().lower()
    if _GUID.fullmatch(found):
        return found
    name = "--app-id" if given else "CHARTER_IDENTITY__CLIENT_ID"
    raise InvalidRequest(
        f"{name} is {found or 'empty'}, which is no id of an application in Entra, and so of no bot.",
        action="infra/registrations.py registers the application and prints its id: set CHARTER_IDENTITY__CLIENT_ID, or give --app-id.",
    )


def _developer(tree: Settings, given: dict[str, Any]) -> "Developer":
    """Return whom people turn to. Only the local profile has pages of an example at hand."""
    from charter.channels.teams.package.manifest import Developer

    usual = "" if tree.profile == "azure" else _EXAMPLE
    return Developer(
        name=given["developer"] or tree.identity.home.capitalize(),
        website=given["website"] or usual,
        privacy=given["privacy"] or (usual and f"{usual}/privacy"),
        terms=given["terms"] or (usual and f"{usual}/terms"),
    )


def _write(output: Path, made: "Package") -> None:
    """Write it, unless another package of the same or a higher version is there: Teams takes no change without a new number."""
    if output.exists():
        _allow(output, made)
    try:
        output.write_bytes(made.content)
    except OSError as fault:
        raise CharterError(f"{output} cannot be written: {fault.strerror}.", action="Name another file.") from fault


def _allow(output: Path, made: "Package") -> None:
    from charter.channels.teams.package import archive, files

    content = output.read_bytes()
    if content == made.content:
        return
    try:
        before = orjson.loads(archive.unpacked(content)[files.MANIFEST])
        old, other = _numbers(before["version"]), before["id"] != made.manifest["id"]
    except (ValueError, KeyError, TypeError) as fault:
        raise InvalidRequest(
            f"{output} is there and is no app package, so it was left alone.", action="Name another file with --output."
        ) from fault
    if not other and old >= _numbers(made.manifest["version"]):
        raise InvalidRequest(
            f"{output} holds another package of version {before['version']}; Teams takes a change under a higher one only.",
            action="Raise it with --version, or remove the file if it was never uploaded.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _told(output: Path, made: "Package") -> dict[str, Any]:
    manifest = made.manifest
    listed = manifest["bots"][0]["commandLists"][0]["commands"]
    return {
        "file": str(output),
        "bytes": len(made.content),
        "sha256": hashlib.sha256(made.content).hexdigest(),
        "manifest_version": manifest["manifestVersion"],
        "version": manifest["version"],
        "bot": manifest["bots"][0]["botId"],
        "developer": manifest["developer"],
        "domains": manifest["validDomains"],
        "commands": [command["title"] for command in listed if "type" not in command],
        "languages": ["en", *(each["languageTag"] for each in manifest["localizationInfo"]["additionalLanguages"])],
        "starters": [{"agent": each.agent, "title": each.title} for each in made.starters],
        "left_out": [{"agent": each.agent, "title": each.title} for each in made.left_out],
    }


def _sentences(told: dict[str, Any]) -> str:
    lines = [
        f"{told['file']}: version {told['version']}, manifest {told['manifest_version']}, bot {told['bot']}",
        f"  commands   {' '.join(told['commands'])} ({', '.join(told['languages'])})",
        f"  domains    {' '.join(told['domains'])}",
        f"  developer  {_answering(told['developer'])}",
        *(f"  starter    {each['title']} ({each['agent']})" for each in told["starters"]),
    ]
    if left := told["left_out"]:
        more = "1 starter" if len(left) == 1 else f"{len(left)} starters"
        lines.append(f"  left out   {more}: Teams shows {len(told['starters'])} beside the commands.")
        lines += [f"             {each['title']} ({each['agent']})" for each in left]
    return "\n".join(lines)


def _answering(developer: dict[str, str]) -> str:
    """Say who answers for the app, and whether their pages are only those of an example."""
    name, website = developer["name"], developer["websiteUrl"]
    pages = (website, developer["privacyUrl"], developer["termsOfUseUrl"])
    if any(page.startswith(_EXAMPLE) for page in pages):
        return f"{name}, with an example's pages; people would not find them: give --website, --privacy and --terms"
    return f"{name}, {website}"
