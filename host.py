"""The roof: settings in, parts wired, the aiohttp application and its workers out. No logic lives here."""

import asyncio
import base64
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
import uvloop
from aiohttp import web

from charter.catalog import loader
from charter.catalog.spec import AgentSpec, Catalog
from charter.catalog.stamp import Stamp, stamp
from charter.channels import application
from charter.channels.admin import routes as admin
from charter.channels.admin.described import OPERATIONS as ADMIN
from charter.channels.api import routes as api
from charter.channels.api.described import OPERATIONS as API
from charter.channels.console.app import console
from charter.channels.ops import health, openapi
from charter.channels.ops.checks import checks as of_parts
from charter.channels.ops.described import OPERATIONS as OPS
from charter.channels.responses import routes as responses
from charter.channels.responses.described import OPERATIONS as RESPONSES
from charter.channels.teams.room import Footing as TeamsFooting
from charter.channels.teams.room import TeamsRoom
from charter.channels.unreadable import HEADER_BYTES, LOG
from charter.context import Context
from charter.identity.azure import blocking_identity
from charter.identity.database import DatabaseToken
from charter.identity.room import IdentityRoom, join
from charter.identity.sealed import keys_of
from charter.kernel.connection import last_looks
from charter.knowledge.library import Library
from charter.knowledge.room import KnowledgeRoom, furnish
from charter.local import parts, whereabouts
from charter.local.names import local_names
from charter.local.people import People
from charter.local.place import Place
from charter.local.sign import sign
from charter.local.stopping import Stop
from charter.models.embedded.model import EmbeddedModel
from charter.models.hints import hints_of
from charter.models.route import open_route
from charter.posture.start import allow, allow_resolved
from charter.runs import schema
from charter.runs.access import Accesses
from charter.runs.building import Builder
from charter.runs.editions import Editions
from charter.runs.reloading import Reloading
from charter.runs.room import Footing, open_runs
from charter.runs.schedules import Schedules
from charter.runs.service import RunService
from charter.secrets.opening import Opened, opened, proved, resolved
from charter.settings import Settings
from charter.store import tenants
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.telemetry import logs
from charter.telemetry.masking import Mask
from charter.telemetry.tracing import Tracing
from charter.tenancy.administration import Administration, Offer
from charter.tenancy.entitlement import Entitlement
from charter.tenancy.export import Export

_log = structlog.get_logger(__name__)

SEARCHING = "https://search.azure.com/.default"
"""What a person's token is for that Azure AI Search is asked with."""


@dataclass(slots=True)
class Host:
    """A running host. ``running`` names what runs and where; closing ``stack`` stops it all in reverse order."""

    settings: Settings
    service: RunService
    people: People
    model: EmbeddedModel
    library: Library
    address: str
    app: web.Application
    running: dict[str, str]
    stack: AsyncExitStack

    async def close(self) -> None:
        await self.stack.aclose()


@dataclass(slots=True)
class _Ground:
    """The lower floors, ready."""

    settings: Settings
    catalog: Catalog
    loaded: Stamp
    vault: Opened
    database: Database
    http: aiohttp.ClientSession
    tracer: Tracing
    tenants: Tenants
    entitlement: Entitlement
    identity: IdentityRoom
    knowledge: KnowledgeRoom
    stack: AsyncExitStack
    place: Place | None
    mask: Mask


async def start(settings: Settings, place: Place | None = None, mask: Mask | None = None) -> Host:
    """Start everything that settings ask for, and listen; as a worker, in its place. ``mask`` hears of every secret.

    Raises:
        StartRefused: one sentence why not; whatever had started is stopped again.
    """
    async with AsyncExitStack() as stack:
        ground = await _ground(settings, place, mask or Mask(), stack)
        model = await _model(ground)
        builder = _builder(ground, model)
        editions = await _editions(ground, builder)
        service = await _runs(ground, editions)
        reloading = await _reloading(ground, builder, editions, model)
        people = People(ground.settings.identity, ground.http)
        if settings.profile == "local":
            await people.read()
        library = ground.knowledge.library
        teams = _teams(ground, service) if ground.settings.teams.enabled else None
        statuses = {"model": model.status, "catalog": reloading.status, "secrets": ground.vault.secrets.status}
        if teams is not None:
            statuses["teams"] = teams.status
        checks = of_parts(ground.database, ground.knowledge, **statuses)
        app = _application(ground, service, people, model, checks, teams)
        address = await _listen(ground, app)
        # Stopped in the reverse order: runs finish while the doors still answer, and tell who comes to go elsewhere.
        stack.push_async_callback(service.drain)
        _schedules(ground, service)
        if ground.settings.knowledge.at_start:
            stack.push_async_callback(_ended, asyncio.create_task(library.keep()))
        if teams is not None:
            stack.push_async_callback(
                _ended, asyncio.create_task(teams.open(ground.settings.http.public_url or address))
            )
        running = parts.running(ground.settings)
        host = Host(ground.settings, service, people, model, library, address, app, running, stack.pop_all())
    if place is None:
        whereabouts.write(host.settings, address, [os.getpid()])
    return host


async def _ground(settings: Settings, place: Place | None, mask: Mask, stack: AsyncExitStack) -> _Ground:
    loaded = stamp((*settings.agent_folders, *settings.plugin_folders))
    catalog = loader.load(settings)
    local = await (parts.join(settings, place) if place else parts.start(settings, catalog))
    stack.push_async_callback(local.stop)
    jar = aiohttp.DummyCookieJar()
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar, trace_configs=[last_looks()]))
    vault = await stack.enter_async_context(opened(local.settings, http, mask.tell))
    settings = await resolved(local.settings, vault.secrets)
    allow_resolved(local.settings, settings)
    tracer = Tracing(settings.telemetry, blocking_identity(settings.identity))
    stack.callback(tracer.close)
    database = await _database(settings, vault, stack, first=place is None)
    live = await _tenants(settings, database, stack)
    key = settings.session_key.get_secret_value().encode()
    identity = join(settings.identity, live, database, http, key, credential_of=vault.credential_of)

    async def searching(ctx: Context) -> str:
        return await identity.grants.token(ctx, SEARCHING)

    knowledge = await furnish(settings, database, vault, http, stack, directory_of=live.directory, token_of=searching)
    return _Ground(
        settings,
        loader.placed(catalog, settings.plugin_urls),
        loaded,
        vault,
        database,
        http,
        tracer,
        live,
        Entitlement(live, settings.models),
        identity,
        knowledge,
        stack,
        place,
        mask,
    )


async def _database(settings: Settings, vault: Opened, stack: AsyncExitStack, *, first: bool) -> Database:
    login = DatabaseToken(vault.azure) if settings.database.entra else None
    if login is not None:
        await login.open()
        stack.push_async_callback(login.close)
    if first:
        await schema.ready(proved(settings, await login()) if login else settings)
    database = Database(settings.database.url, size=settings.database.pool, login=login)
    await database.open()
    stack.push_async_callback(database.close)
    return database


async def _tenants(settings: Settings, database: Database, stack: AsyncExitStack) -> Tenants:
    external = (each.tenant for each in settings.identity.external.values())
    await tenants.ensure(database, settings.identity.tenants, external)
    live = Tenants(database)
    await live.open()
    stack.push_async_callback(live.close)
    return live


async def _model(ground: _Ground) -> EmbeddedModel:
    model = EmbeddedModel(ground.settings.embedded_model, ground.settings.data_dir.resolve(), hints_of(ground.catalog))
    ground.stack.push_async_callback(model.close)
    if any(each.kind == "embedded" for tier in ground.settings.models.values() for each in tier):
        await model.start()
    return model


def _builder(ground: _Ground, model: EmbeddedModel) -> Builder:
    secrets, azure = ground.vault.secrets, ground.vault.azure
    routes = {
        tier: open_route(
            tier, each, model, costs=ground.settings.costs, key_of=secrets.live, identity=azure, clean=ground.mask.clean
        )
        for tier, each in ground.settings.models.items()
    }
    for route in routes.values():
        ground.stack.push_async_callback(route.close)
    return Builder(ground.settings, routes, ground.identity.directory)


async def _editions(ground: _Ground, builder: Builder) -> Editions:
    key = ground.settings.session_key.get_secret_value().encode()
    editions = Editions(ground.database, builder, key, builder.edition(ground.catalog))
    await editions.keep()
    return editions


async def _reloading(ground: _Ground, builder: Builder, editions: Editions, model: EmbeddedModel) -> Reloading:
    async def taken(catalog: Catalog) -> None:
        await model.learn(hints_of(catalog))

    reloading = Reloading(editions, builder, ground.settings, loaded=ground.loaded, taken=taken)
    await reloading.open()
    ground.stack.push_async_callback(reloading.close)
    return reloading


async def _runs(ground: _Ground, editions: Editions) -> RunService:
    footing = Footing(
        ground.settings,
        ground.database,
        ground.tracer,
        ground.identity,
        ground.tenants,
        ground.entitlement,
        ground.knowledge.archive,
        ground.stack,
    )
    accesses = Accesses(
        ground.settings, ground.http, ground.identity.grants, ground.vault.secrets, ground.knowledge, ground.entitlement
    )
    return await open_runs(footing, editions, accesses.of)


def _schedules(ground: _Ground, service: RunService) -> None:
    def agents() -> Iterable[AgentSpec]:
        return service.editions.current.catalog.agents.values()

    def served() -> Iterable[str]:
        return [tenant.id for tenant in ground.tenants.all() if not tenant.suspended]

    schedules = Schedules(ground.database, agents, service, ground.identity.unattended, served)
    schedules.open()
    ground.stack.push_async_callback(schedules.close)


def _application(
    ground: _Ground,
    service: RunService,
    people: People,
    model: EmbeddedModel,
    checks: Mapping[str, health.Check],
    teams: TeamsRoom | None,
) -> web.Application:
    settings = ground.settings
    newest = keys_of(settings.session_key.get_secret_value().encode())[0]
    pages = console(
        service, people=people.all, sign_ins=ground.identity.sign_ins, level_status=model.status,
        session_key=base64.urlsafe_b64decode(newest), public_url=settings.http.public_url, input_limit=settings.http.input_limit_chars,
    )  # fmt: skip
    routes = [
        *api.routes(service),
        *responses.routes(service),
        *admin.routes(
            _administration(ground, service), Export(ground.database, most=ground.settings.database.pool // 2), service
        ),
        *health.routes(checks, service.admittance, worker=ground.place.number if ground.place else 0),
        *openapi.routes([*API, *RESPONSES, *ADMIN, *OPS]),
    ]
    return application.build(
        routes, authenticator=ground.identity.authenticator, tracer=ground.tracer, http=settings.http, mounted={"/console": pages},
        self_guarded=teams.routes() if teams else (), names=local_names(settings),
    )  # fmt: skip


def _teams(ground: _Ground, service: RunService) -> TeamsRoom:
    footing = TeamsFooting(
        ground.settings, ground.database, ground.http, ground.tracer, ground.identity, ground.tenants, service,
        ground.knowledge.archive.embedder,
    )  # fmt: skip
    room = TeamsRoom(footing)
    # Closed after runs have finished: what they say meanwhile is still told.
    ground.stack.push_async_callback(room.close)
    return room


def _administration(ground: _Ground, service: RunService) -> Administration:
    def offer() -> Offer:
        return Offer.of(service.editions.current.catalog, ground.settings.models)

    external = [issuer.tid for issuer in ground.identity.issuers.external]
    return Administration(ground.database, ground.tenants, offer, home=ground.settings.identity.home, external=external)


async def _listen(ground: _Ground, app: web.Application) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2, logger=LOG, max_field_size=HEADER_BYTES)
    await runner.setup()
    ground.stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, ground.settings.host, ground.settings.port, reuse_port=ground.place is not None)
    await site.start()
    return f"http://localhost:{runner.addresses[0][1]}"


async def _ended(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _sign(host: Host) -> str:
    if host.settings.profile == "local":
        return sign(host.address, host.running, host.people.all, host.model.status())
    return f"Charter serves {host.settings.http.public_url} at {host.address}. Ctrl-C ends it."


async def serve(settings: Settings, place: Place | None = None) -> None:
    """Run until SIGINT or SIGTERM, a worker until its supervisor is gone, too; then stop everything that was started."""
    mask = Mask()
    logs.configure(settings.telemetry, mask, worker=place.number if place else 0)
    stop = Stop()
    stop.on_signals(signal.SIGTERM)
    if place is None:
        stop.on_signals(signal.SIGINT)
    else:
        stop.with_input(hurry=place.sandboxed)
    host = await stop.before(start(settings, place, mask))
    if host is None:
        return
    stop.hurry = host.service.admittance.hurry
    try:
        if place is None:
            print(_sign(host), flush=True)  # noqa: T201
        else:
            place.ready(host.model.status())
        await stop.asked.wait()
    finally:
        await host.close()


def main(settings: Settings, place: Place | None = None) -> None:
    """Serve; called by ``charter serve``, and in each of its workers.

    Raises:
        StartRefused: something of development is left in the azure profile.
    """
    allow(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, place))
