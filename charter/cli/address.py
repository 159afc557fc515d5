"""Where the host of this folder listens, and a token for it."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from charter import settings
from charter.errors import Unavailable
from charter.local import keys, whereabouts
from charter.local.people import People
from charter.settings import Settings


def running_host() -> tuple[Settings, Mapping[str, Any]]:
    """Return the settings and what the running host wrote of itself.

    Raises:
        Unavailable: no host was started with this data folder.
    """
    tree = settings.read()
    return tree, whereabouts.read(tree)


async def token_for(name: str, http: aiohttp.ClientSession) -> tuple[str, str]:
    """Return the host's address and an access token as that person of the local profile."""
    tree, told = running_host()
    secret = keys.client_secret(tree.data_dir.resolve() / "keys")
    people = People(whereabouts.identity(told, settings.SecretStr(secret), tree.identity), http)
    try:
        await people.read()
        return str(told["address"]), await people.sign_in(name)
    except aiohttp.ClientConnectionError as fault:
        raise Unavailable(
            f"The host at {told['address']} does not answer.", action="Start it with: make run"
        ) from fault
