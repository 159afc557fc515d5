"""What really answers: each part of an installation is asked once, within seconds, and changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

import aiohttp

from charter.catalog.spec import Catalog, PluginSpec
from charter.errors import CharterError
from charter.identity.issuers import Issuer
from charter.identity.room import IdentityRoom
from charter.identity.token_endpoint import TokenEndpoint
from charter.identity.wire import ask
from charter.models.deployments import open_deployment
from charter.posture.finding import Finding, ok, refused, unproven
from charter.runs import schema
from charter.secrets.opening import Opened
from charter.secrets.references import is_reference
from charter.secrets.secrets import Secrets
from charter.settings import Blob, Deployment, Settings
from charter.store import migrate

_SECONDS = 10

Probe = Callable[[], Awaitable[str]]
"""Returns the sentence of what was seen; raises where it is not in order."""

Person = Callable[[], Awaitable[tuple[str, str]]]
"""Signs somebody in and returns their tenant and token."""


class Wrong(Exception):
    """A part answers, and not as it must; ``action`` is what to do."""

    def __init__(self, sentence: str, action: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.action = action


async def tried(name: str, probe: Probe) -> Finding:
    """Ask one part. Whatever it raises, the others are asked too."""
    try:
        async with asyncio.timeout(_SECONDS):
            return ok(name, await probe())
    except Wrong as fault:
        return refused(name, fault.sentence, fault.action)
    except CharterError as fault:
        return refused(name, fault.detail, fault.action)
    except TimeoutError:
        return refused(name, f"It did not answer within {_SECONDS} seconds.", "See that it runs and can be reached.")
    except Exception as fault:  # noqa: BLE001 - the finding names it; its text may hold what is secret
        return refused(name, f"Looking at it failed ({type(fault).__name__}).", "See that it runs and can be reached.")


def issuers(room: IdentityRoom, http: aiohttp.ClientSession, found: Iterable[Issuer]) -> list[Awaitable[Finding]]:
    """Ask each identity provider for what it publishes."""

    def probe(issuer: Issuer) -> Probe:
        async def look() -> str:
            url = f"{issuer.authority}/{issuer.tid}/v2.0/.well-known/openid-configuration"
            answer = await ask(http, "GET", url)
            if answer.field("issuer") != issuer.name:
                raise Wrong(
                    f"It calls itself {answer.field('issuer')[:120] or 'nothing'}, not {issuer.name}.",
                    "Mend the authority or the id of the Entra tenant: no token of it would be believed.",
                )
            if not await room.verifier.warm(issuer):
                raise Wrong("It publishes no key that signs tokens.", "See that its keys can be read from here.")
            return f"It is {issuer.name} and publishes its keys."

        return look

    return [tried(f"identity.{each.external or each.tenant}", probe(each)) for each in found]


def host(room: IdentityRoom, settings: Settings, tenants: Iterable[str]) -> list[Awaitable[Finding]]:
    """Prove in each tenant that this host is known there, and may ask who is who."""

    def token(tenant: str) -> Probe:
        async def look() -> str:
            await room.grants.host_token(tenant, settings.identity.graph_scope, fresh=True)
            return "The host gets tokens of its own there."

        return look

    def directory(tenant: str) -> Probe:
        async def look() -> str:
            found = await room.directory.workload(tenant, application=settings.identity.client_id)
            if found is None:
                raise Wrong("The directory does not know this host.", "Let an administrator consent to it.")
            return f"The directory knows this host as {found.name}."

        return look

    return [
        probe
        for tenant in tenants
        for probe in (tried(f"host.{tenant}", token(tenant)), tried(f"directory.{tenant}", directory(tenant)))
    ]


async def database(settings: Settings) -> Finding:
    """Look at the database as the host works on it: its schema, and whether row-level security binds the host."""
    if not settings.database.url:
        return unproven("database", "The embedded PostgreSQL is looked at when a host runs.", "make run")

    async def look() -> str:
        owner = schema.is_owner(settings)
        await migrate.verify(settings.database.url, owner=owner)
        who = "the roles that the host works as" if owner else "the host's role and those that it works as"
        return f"The schema is this version's, and row-level security binds {who}."

    return await tried("database", look)


def references(settings: Settings, catalog: Catalog, secrets: Secrets) -> list[Awaitable[Finding]]:
    """Read each secret that settings and plugins refer to; none is shown."""

    def probe(text: str) -> Probe:
        async def look() -> str:
            await secrets.live(text)(True)
            return "It can be read."

        return look

    found = sorted({text for text in _written(settings, catalog) if is_reference(text)})
    return [tried(text, probe(text)) for text in found] or [_unasked()]


async def _unasked() -> Finding:
    return unproven(
        "vault", "No setting and no plugin asks it for a secret.", "Write keyvault:NAME where a secret is wanted."
    )


def _written(settings: Settings, catalog: Catalog) -> Iterator[str]:
    identity = settings.identity
    yield settings.session_key.get_secret_value()
    yield settings.telemetry.azure_monitor.get_secret_value()
    yield settings.knowledge.qdrant.api_key.get_secret_value()
    yield from (settings.database.url, settings.database.owner_url)
    for place in (identity, *identity.external.values(), *identity.agents.values()):
        yield place.client_secret.get_secret_value()
    places = (place for several in settings.knowledge.sources.values() for place in several)
    yield from (place.secret.get_secret_value() for place in places if isinstance(place, Blob))
    yield from (each.api_key.get_secret_value() for tier in settings.models.values() for each in tier)
    yield from (plugin.connection.secret for plugin in catalog.plugins.values() if plugin.connection is not None)


def behalf(
    room: IdentityRoom, settings: Settings, http: aiohttp.ClientSession, person: Person | None
) -> Awaitable[Finding]:
    """Exchange a person's token, where one can be had without asking anybody."""
    name = "on-behalf-of"

    async def look() -> str:
        assert person is not None
        tenant, token = await person()
        issuer = room.issuers.own(tenant)
        assert issuer is not None
        await TokenEndpoint(http).on_behalf_of(issuer, token, settings.identity.graph_scope)
        return "The host may act for people who come in."

    async def nobody() -> Finding:
        sentence = "Whether the host may act for people shows only when one comes in."
        return unproven(name, sentence, "Sign in at the console and ask an agent for something of yours.")

    return nobody() if person is None else tried(name, look)


def models(settings: Settings, vault: Opened) -> list[Awaitable[Finding]]:
    """Ask each model's endpoint what it offers; nothing is generated."""
    return [
        _model(f"models.{tier}" + (f".{each.called}" if len(several) > 1 else ""), tier, each, settings, vault)
        for tier, several in settings.models.items()
        for each in several
    ]


async def _model(name: str, tier: str, deployment: Deployment, settings: Settings, vault: Opened) -> Finding:
    if deployment.kind in ("embedded", "scripted", "recorded"):
        return unproven(name, f"It is {deployment.kind}, in the host itself.", "Ask an agent something.")

    async def look() -> str:
        key = vault.secrets.live(deployment.api_key)
        deployed = open_deployment(tier, deployment, None, costs=settings.costs, key=key, identity=vault.azure)
        try:
            await deployed.client.with_options(max_retries=0).models.list()
        finally:
            await deployed.close()
        return f"{deployment.model} answers with the host's credentials."

    return await tried(name, look)


def systems(catalog: Catalog, http: aiohttp.ClientSession) -> list[Awaitable[Finding]]:
    """Reach each business system; whether it does what it is asked is not tried, for that would be an effect."""
    return [_system(plugin, http) for plugin in catalog.plugins.values() if plugin.connection is not None]


async def _system(plugin: PluginSpec, http: aiohttp.ClientSession) -> Finding:
    assert plugin.connection is not None
    name, url = f"plugins.{plugin.name}", plugin.connection.base_url
    if "${" in url:
        return unproven(name, "Its sandbox is looked at when a host runs.", "make run")

    async def look() -> str:
        try:
            async with http.get(url, allow_redirects=False) as answer:
                return f"{answer.url.host} answers (status {answer.status})."
        except aiohttp.ClientError as fault:
            raise Wrong(
                f"It cannot be reached ({type(fault).__name__}).", "See its address and its certificate."
            ) from fault

    return await tried(name, look)
