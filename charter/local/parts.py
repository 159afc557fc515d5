"""Start the local profile's parts and say, as settings, where they are."""

import asyncio
import contextlib
import socket
from dataclasses import dataclass

from pydantic import SecretStr

from charter.catalog.spec import Catalog
from charter.errors import StartRefused
from charter.local import keys, twins
from charter.local.place import Place
from charter.secrets.references import is_reference
from charter.settings import External, Knowledge, Settings, Teams
from charter.store import embedded

TENANTS = {"contoso": "contoso", "fabrikam": "fabrikam"}
"""The fictional tenants of the Entra twin, by the same names with us."""
CUSTOMERS = "customers"
"""The tenant of contoso's external customers, with an identity provider of its own."""


@dataclass(slots=True)
class LocalParts:
    """What runs beside the host, and the settings that lead to it."""

    settings: Settings
    server: embedded.EmbeddedServer | None
    twins: twins.Twins | None

    async def stop(self) -> None:
        await asyncio.gather(*(part.stop() for part in (self.twins, self.server) if part is not None))


async def start(settings: Settings, catalog: Catalog) -> LocalParts:
    """Start PostgreSQL, the Entra twin and every plugin's sandbox, except what settings say is elsewhere already; in the
    azure profile nothing.

    Raises:
        StartRefused: a part does not start, or the host's own port is taken.
    """
    refuse_taken_port(settings)
    if settings.profile == "azure":
        return LocalParts(settings, None, None)
    child = None if settings.identity.authority else await _twins(settings, catalog)
    try:
        server = None if settings.database.url else await embedded.start(settings.data_dir.resolve() / "postgres")
    except BaseException:
        if child is not None:
            await child.stop()
        raise
    return LocalParts(_placed(settings, child, server), server, child)


async def join(settings: Settings, place: Place) -> LocalParts:
    """Return the parts of a worker: its supervisor started them, and settings say where they are.

    The embedded server is joined, so that the last of all who use it stops it, whoever was killed before.
    """
    server = await embedded.start(place.postgres) if place.postgres else None
    return LocalParts(settings, server, None)


async def _twins(settings: Settings, catalog: Catalog) -> twins.Twins:
    folder = settings.data_dir.resolve()
    keys.client_secret(folder / "keys")
    return await twins.start(
        folder / "twins",
        port=settings.port + 1 if settings.port else 0,
        sandboxes={name: plugin.sandbox for name, plugin in catalog.plugins.items() if plugin.sandbox},
        secret_file=folder / "keys" / "client_secret.key",
        bot=f"http://localhost:{settings.port}/api/messages" if settings.port else "",
    )


def _placed(settings: Settings, child: twins.Twins | None, server: embedded.EmbeddedServer | None) -> Settings:
    folder = settings.data_dir.resolve() / "keys"
    update: dict[str, object] = {}
    if not settings.session_key.get_secret_value():
        update["session_key"] = SecretStr(keys.fernet_key(folder, "session").decode())
    found: dict[str, object] = {"tenants": settings.identity.tenants or TENANTS}
    if child is not None:
        secret = SecretStr(keys.client_secret(folder))
        given = settings.identity.client_secret
        own = given if is_reference(given.get_secret_value()) else secret
        found |= {"authority": child.entra, "graph": f"{child.entra}/graph", "client_secret": own}
        theirs = External(authority=child.customers, tid=CUSTOMERS, tenant="contoso", client_secret=secret)
        found["external"] = settings.identity.external or {CUSTOMERS: theirs}
        update["plugin_urls"] = {**child.sandboxes, **settings.plugin_urls}
        if not settings.secrets.vault_url:
            place = {"vault_url": child.key_vault, "ca_file": child.ca_file}
            update["secrets"] = settings.secrets.model_copy(update=place)
        graph = settings.knowledge.graph or child.drive
        update["knowledge"] = searching(settings, child.ai_search).model_copy(update={"graph": graph})
        update["teams"] = talking(settings.teams, child.bot_connector)
    update["identity"] = settings.identity.model_copy(update=found)
    if server is not None:
        update["database"] = settings.database.model_copy(update={"url": server.url})
    return settings.model_copy(update=update)


def searching(settings: Settings, url: str) -> Knowledge:
    """Return the settings of knowledge, with the twin's address where none is named."""
    own = settings.knowledge
    if own.azure_ai_search.endpoint:
        return own
    return own.model_copy(update={"azure_ai_search": own.azure_ai_search.model_copy(update={"endpoint": url})})


def talking(given: Teams, url: str) -> Teams:
    """Return the settings of Teams with the twin's addresses where none are named; the door is open, and the Agents Playground,
    which has no tokens, may come in, unless settings say otherwise.
    """
    usual = Teams()
    twin: dict[str, object] = {
        "enabled": True,
        "anonymous": True,
        "metadata_url": f"{url}/v1/.well-known/openidconfiguration",
        "token_service": url,
        "service_urls": (f"{url}/",),
    }
    return given.model_copy(
        update={name: value for name, value in twin.items() if getattr(given, name) == getattr(usual, name)}
    )


def running(settings: Settings) -> dict[str, str]:
    """Return what runs beside the host, and where."""
    vault = {"Key Vault twin": settings.secrets.vault_url} if settings.secrets.vault_url else {}
    search = {"AI Search twin": url} if (url := settings.knowledge.azure_ai_search.endpoint) else {}
    teams = {"Bot Connector twin": settings.teams.token_service} if settings.teams.enabled else {}
    return {"Entra twin": settings.identity.authority, **vault, **search, **teams, **settings.plugin_urls}


def refuse_taken_port(settings: Settings) -> None:
    """Say early, in one sentence, that the port is taken.

    Raises:
        StartRefused: something listens there.
    """
    if not settings.port:
        return
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            raise StartRefused(
                f"Port {settings.port} is in use.", action="Stop what runs there, or set CHARTER_PORT to another port."
            ) from fault
