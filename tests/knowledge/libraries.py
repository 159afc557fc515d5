"""A running twin of document libraries beside the Entra twin, and a library as its owner sees it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from charter.context import Context, Principal
from charter.identity.azure import AsApplication
from charter.identity.credential import credentials, written
from charter.identity.token_endpoint import TokenEndpoint
from charter.knowledge.archive import Archive
from charter.knowledge.ingest import Report, sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.sources.opening import Visitor, open_sources
from charter.knowledge.sources.source import DocumentSource
from charter.plugin import Passage
from charter.settings import Settings, read
from charter.twins import drive
from charter.twins.listening import serve, take
from tests.twins.running import RunningTwin

DIRECTORY = "contoso"
GRAPH = "https://graph.microsoft.com/.default"


@dataclass(slots=True)
class Libraries:
    """The twin. Its tenant contoso is the directory of whichever tenant a test has."""

    url: str
    entra: RunningTwin
    folder: Path

    def library(self, drive_id: str = "handbook", directory: str = DIRECTORY) -> "Library":
        place = self.folder / directory / drive_id
        place.mkdir(parents=True, exist_ok=True)
        return Library(place)

    async def befall(self, **faults: str) -> None:
        await self.lever("PUT", "faults", faults)

    async def page(self, items: int) -> None:
        await self.lever("PUT", "page", {"items": items})

    async def asked(self, kind: str) -> list[dict[str, Any]]:
        return (await self.lever("GET", f"requests?kind={kind}"))["items"]

    async def forget(self) -> None:
        await self.lever("DELETE", "requests")

    async def lever(self, method: str, path: str, body: Any = None) -> Any:
        async with self.entra.http.request(method, f"{self.url}/_twin/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None

    async def token(self, scope: str = GRAPH, directory: str = DIRECTORY) -> str:
        status, answer = await self.entra.as_host(directory, grant_type="client_credentials", scope=scope)
        assert status == 200, answer
        return str(answer["access_token"])

    async def ask(self, path: str, token: str = "", method: str = "GET", body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.entra.http.request(
            method, f"{self.url}{path}", json=body, headers=headers, allow_redirects=False
        ) as response:
            return response.status, await response.json() if "json" in response.content_type else None


@dataclass(slots=True)
class Library:
    """The folder that stands for a document library."""

    folder: Path
    shared: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def put(self, path: str, text: str, *shared: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        if shared:
            self.share(path, *shared)

    def share(self, path: str, *words: str) -> None:
        self.shared[path] = list(words)
        # As a whole, for somebody may be reading it.
        half = self.folder / ".permissions.new"
        half.write_text(yaml.safe_dump(self.shared), "utf-8")
        half.replace(self.folder / ".permissions.yaml")


@asynccontextmanager
async def running_libraries(entra: RunningTwin, folder: Path, *, port: int = 0) -> AsyncIterator[Libraries]:
    place = take(port, "libraries")
    runner = await serve(drive.app(folder, issuer=entra.url), place)
    try:
        yield Libraries(place.url, entra, folder)
    finally:
        await runner.cleanup()
        place.close()


@dataclass(slots=True)
class Reader:
    """A tenant whose documents lie elsewhere, and those who ask there."""

    tenant: str
    archive: Archive
    ledger: Ledger
    sources: list[DocumentSource]
    collection: str = "handbook"

    async def sync(self, **options: Any) -> Report:
        return await sync(self.archive, self.ledger, self.sources, **options)

    def person(self, name: str = "alice", *groups: str) -> Context:
        return Context(self.tenant, Principal(name, "user", name.capitalize(), frozenset(), frozenset(groups)))

    def customer(self) -> Context:
        return Context(
            self.tenant, Principal("customers:walter", "user", "Walter", frozenset({"customer"}), external="customers")
        )

    async def ask(self, question: str, who: Context | None = None) -> list[Passage]:
        return await self.archive.search(who or self.person(), question, collections=[self.collection])

    async def stored(self) -> set[str]:
        return {path for _, path in await self.archive.stored(self.tenant)}


@asynccontextmanager
async def reading(
    tenant: str,
    places: list[dict[str, Any]],
    archive: Archive,
    ledger: Ledger,
    *,
    entra: RunningTwin | None = None,
    graph: str = "",
    folders: tuple[Path, ...] = (),
) -> AsyncIterator[Reader]:
    """Open these places as a host with these settings would."""
    settings = read(
        shipped=False,
        identity={"authority": entra.url, "client_secret": entra.secret(), "tenants": {DIRECTORY: tenant}, "home": tenant} if entra else {},
        knowledge={"sources": {tenant: places}, "folders": {tenant: folders}, "graph": graph},
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        sources = open_sources(settings, visitor(settings, http, tenant), stack)
        yield Reader(tenant, archive, ledger, sources)


def visitor(settings: Settings, http: aiohttp.ClientSession, tenant: str) -> Visitor:
    identity = settings.identity
    of = credentials(identity, written)
    azure = AsApplication(TokenEndpoint(http), identity, of(identity.client_secret))
    return Visitor(http, written, azure, of, {tenant: DIRECTORY}.get)
