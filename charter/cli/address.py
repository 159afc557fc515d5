"""Where the host of this folder listens, and a token for it."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from charter import settings
from charter.errors import CharterError, FieldError, InvalidRequest, Unavailable
from charter.local import keys, parts, whereabouts
from charter.local.people import People
from charter.settings import SecretStr, Settings

_SECONDS = 5
_REQUEST, _COMMAND = "GET /v1/admin/tenants lists", "charter tenants list shows"


def running_host() -> tuple[Settings, Mapping[str, Any]]:
    """Return the settings and what the running host wrote of itself.

    Raises:
        Unavailable: no host was started with this data folder.
    """
    tree = settings.read()
    return tree, whereabouts.read(tree)


def local_host() -> tuple[Settings, Mapping[str, Any]]:
    """Return the same of a host of the local profile: only there can a command come in as anybody.

    Raises:
        InvalidRequest: the settings are those of another profile.
        Unavailable: as above.
    """
    if settings.read().profile != "local":
        raise InvalidRequest("This command works with the local host only.", action="See infra/README.md, Tenants.")
    return running_host()


def of_running(tree: Settings, told: Mapping[str, Any]) -> Settings:
    """Return the settings of the local host that runs: where its parts are."""
    secret = SecretStr(keys.client_secret(tree.data_dir.resolve() / "keys"))
    identity = whereabouts.identity(told, secret, tree.identity)
    found = {"graph": f"{told['entra']}/graph", "tenants": tree.identity.tenants or parts.TENANTS}
    vault = {"vault_url": told["vault"], "ca_file": told["ca_file"] or None}
    return tree.model_copy(
        update={
            "identity": identity.model_copy(update=found),
            "secrets": settings.Secrets.model_validate({**tree.secrets.model_dump(), **vault}),
            "plugin_urls": {**told["plugins"], **tree.plugin_urls},
            "database": tree.database.model_copy(update={"url": tree.database.url or told["database"]}),
            "knowledge": _knowledge(tree, told),
            "teams": parts.talking(tree.teams, told["teams"]) if told.get("teams") else tree.teams,
        }
    )


def _knowledge(tree: Settings, told: Mapping[str, Any]) -> settings.Knowledge:
    searching = parts.searching(tree, told.get("search", ""))
    return searching.model_copy(update={"graph": tree.knowledge.graph or told["graph"]})


async def answers(told: Mapping[str, Any], http: aiohttp.ClientSession) -> bool:
    """Whether the host that wrote this of itself is still there."""
    try:
        async with http.get(f"{told['address']}/healthz", timeout=aiohttp.ClientTimeout(total=_SECONDS)):
            return True
    except (aiohttp.ClientError, TimeoutError):
        return False


def silent(told: Mapping[str, Any]) -> Unavailable:
    """Return what is said where the host that wrote this of itself has gone."""
    return Unavailable(f"The host at {told['address']} does not answer.", action="Start it with: make run")


def refusal(problem: Mapping[str, Any]) -> CharterError:
    """Return what the host refused, as its problem document tells it; the command in place of the request."""
    errors = [FieldError(each["pointer"], each["detail"]) for each in problem.get("errors", ())]
    action = str(problem.get("action", "")).replace(_REQUEST, _COMMAND)
    return CharterError(str(problem.get("detail", "The host refused.")), action=action, errors=errors)


async def token_for(name: str, http: aiohttp.ClientSession) -> tuple[str, str]:
    """Return the host's address and an access token as that person of the local profile.

    Raises:
        InvalidRequest, Unavailable: as ``local_host``; or the host does not answer.
        NotFound: nobody has that name.
    """
    tree, told = local_host()
    secret = keys.client_secret(tree.data_dir.resolve() / "keys")
    people = People(whereabouts.identity(told, settings.SecretStr(secret), tree.identity), http)
    try:
        await people.read()
        return str(told["address"]), await people.sign_in(name)
    except aiohttp.ClientConnectionError as fault:
        raise silent(told) from fault
