"""``host.json`` in the data folder: where the running host is, for commands on the same machine."""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from charter.errors import Unavailable
from charter.settings import External, Identity, SecretStr, Settings


def write(settings: Settings, address: str, workers: Sequence[int]) -> None:
    """Tell where the host is, and the ids of its processes: its own and, under a supervisor, those of the workers."""
    told = {
        "address": address,
        "entra": settings.identity.authority,
        "external": {
            name: each.model_dump(exclude={"client_secret"}) for name, each in settings.identity.external.items()
        },
        "plugins": settings.plugin_urls,
        "vault": settings.secrets.vault_url,
        "ca_file": str(settings.secrets.ca_file or ""),
        "database": _without_password(settings.database.url),
        "pid": os.getpid(),
        "workers": workers,
    }
    file = settings.data_dir / "host.json"
    part = file.with_suffix(".part")
    part.write_bytes(orjson.dumps(told))
    part.replace(file)


def _without_password(url: str) -> str:
    """Return an address of a database as it may lie in a file: who has a password gives it in the settings."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}@{place}"))


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
