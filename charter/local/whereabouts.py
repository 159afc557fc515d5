"""``host.json`` in the data folder: where the running host is, for commands on the same machine."""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import orjson

from charter.errors import Unavailable
from charter.settings import External, Identity, SecretStr, Settings


def write(settings: Settings, address: str, workers: Sequence[int]) -> None:
    """Tell where the host is, and the ids of its processes: its own and, under a supervisor, those of the workers. The file
    is its owner's alone, and holds no password: who has one gives it in the settings.
    """
    told = {
        "address": address,
        "entra": _of_nobody(settings.identity.authority),
        "external": {
            name: each.model_dump(exclude={"client_secret"}) | {"authority": _of_nobody(each.authority)}
            for name, each in settings.identity.external.items()
        },
        "plugins": {name: _of_nobody(url) for name, url in settings.plugin_urls.items()},
        "vault": _of_nobody(settings.secrets.vault_url),
        "graph": _of_nobody(settings.knowledge.graph),
        "search": _of_nobody(settings.knowledge.azure_ai_search.endpoint),
        "teams": _of_nobody(settings.teams.token_service) if settings.teams.enabled else "",
        "ca_file": str(settings.secrets.ca_file or ""),
        "database": _without_password(settings.database.url),
        "pid": os.getpid(),
        "workers": workers,
    }
    file = settings.data_dir / "host.json"
    part = file.with_suffix(".part")
    # One that an earlier writer left behind would keep its mode.
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        written.write(orjson.dumps(told))
    part.replace(file)


def _of_nobody(url: str) -> str:
    """Return an address without the user and the password that may stand before its host."""
    netloc = urlsplit(url).netloc
    return url.replace(netloc, netloc.rpartition("@")[2], 1) if "@" in netloc else url


def _without_password(url: str) -> str:
    """Return an address of a database without its password, wherever it stands; the user stays."""
    # Not put together anew: that would lose the slashes of an address without a host.
    place, _, query = url.partition("?")
    parts = urlsplit(place)
    if parts.password is not None:
        place = place.replace(parts.netloc, f"{parts.username or ''}@{parts.netloc.rpartition('@')[2]}", 1)
    kept = "&".join(each for each in query.split("&") if "password" not in unquote_plus(each.partition("=")[0]).lower())
    return f"{place}?{kept}" if kept else place


def read(settings: Settings) -> Mapping[str, Any]:
    """Return what the host wrote of itself.

    Raises:
        Unavailable: no host was started with this data folder.
    """
    try:
        return orjson.loads((settings.data_dir / "host.json").read_bytes())
    except (OSError, orjson.JSONDecodeError) as fault:
        raise Unavailable(
            f"No host runs with the data folder {settings.data_dir}.", action="Start it with: make run"
        ) from fault


def identity(told: Mapping[str, Any], secret: SecretStr, basis: Identity | None = None) -> Identity:
    """Return ``basis`` with the identity providers that the running host told of."""
    external = {name: External(**each, client_secret=secret) for name, each in told.get("external", {}).items()}
    found = {"authority": told["entra"], "client_secret": secret, "external": external}
    return (basis or Identity()).model_copy(update=found)
