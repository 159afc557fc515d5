"""The whole look at an installation: what settings declare, and what answers."""

import asyncio
import secrets
from collections.abc import Awaitable, Iterable
from typing import Any

import aiohttp

from charter.catalog.spec import Catalog
from charter.context import Context
from charter.errors import CharterError, Unavailable
from charter.identity.issuers import Fixed
from charter.identity.room import IdentityRoom, join
from charter.posture import declared, exercised, guests, pricing, search, teams
from charter.posture.exercised import Person
from charter.posture.finding import Finding, refused, unproven
from charter.posture.start import allow_resolved
from charter.secrets.opening import Opened, opened, proved_now, resolved
from charter.settings import Settings


async def examine(settings: Settings, *, person: Person | None = None) -> list[Finding]:
    """Look at everything once. ``person`` signs somebody in, where that needs nobody.

    Only the azure profile is held to what production demands; of the local one it is only told how far away that is.
    """
    catalog, served = guests.read(settings)
    strict = [*declared.settings(settings), *served]
    found: list[Finding] = []
    if settings.profile == "azure":
        found += strict
        found.append(
            unproven("sign-in", "Only a browser proves the way to the identity provider and back.", "Sign in.")
        )
    else:
        found += [finding for finding in served if finding.name == "agents" or not catalog.agents]
        count = sum(finding.state == "refused" for finding in strict)
        sentence = f"The azure profile would refuse {count} things of these settings."
        found.append(unproven("azure", sentence, "CHARTER_PROFILE=azure charter doctor"))
    return [*found, *pricing.prices(settings), *await _exercised(settings, catalog, person)]


async def _exercised(settings: Settings, catalog: Catalog, person: Person | None) -> list[Finding]:
    if not settings.identity.authority:
        sentence = "What answers was not looked at: no identity provider is named."
        action = "Set CHARTER_IDENTITY__AUTHORITY." if settings.profile == "azure" else "make run, then ask again."
        return [unproven("everything else", sentence, action)]
    try:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            opened(settings, http, lambda _: None) as vault,
        ):
            return list(await asyncio.gather(*_probes(settings, catalog, vault, http, person)))
    except CharterError as fault:
        return [refused("start", fault.detail, fault.action)]


def _probes(
    settings: Settings, catalog: Catalog, vault: Opened, http: aiohttp.ClientSession, person: Person | None
) -> Iterable[Awaitable[Finding]]:
    room = _room(settings, vault, http)
    tenants = sorted(set(settings.identity.tenants.values()))
    own = [issuer for tenant in tenants if (issuer := room.issuers.own(tenant)) is not None]
    return [
        *exercised.issuers(room, http, [*own, *room.issuers.external]),
        *exercised.host(room, settings, tenants),
        exercised.behalf(room, settings, http, person),
        _database(settings, vault),
        *exercised.references(settings, catalog, vault.secrets),
        *exercised.models(settings, vault),
        *search.probes(settings, vault),
        *exercised.systems(catalog, http),
        *teams.probes(settings, room, http),
    ]


def _room(settings: Settings, vault: Opened, http: aiohttp.ClientSession) -> IdentityRoom:
    # Nothing is sealed with it.
    key = secrets.token_urlsafe(32).encode()
    return join(
        settings.identity, Fixed(settings.identity.tenants), _Nowhere(), http, key, credential_of=vault.credential_of
    )


class _Nowhere:
    """No store: nothing of people is kept or read by an examination."""

    def session(self, ctx: Context) -> Any:
        raise Unavailable("An examination keeps nothing.")

    def tenant_session(self, tenant: str, /) -> Any:
        raise Unavailable("An examination keeps nothing.")


async def _database(settings: Settings, vault: Opened) -> Finding:
    try:
        found = await resolved(settings, vault.secrets)
        allow_resolved(settings, found)
        whole = await proved_now(found, vault)
    except CharterError as fault:
        return refused("database", fault.detail, fault.action)
    return await exercised.database(whole)
