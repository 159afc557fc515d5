"""``charter knowledge``: bring the index to its sources, search it, and tell how they stand."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import click
import orjson

from charter.cli.address import of_running, refusal, running_host, token_for
from charter.cli.progress import Line
from charter.errors import InvalidRequest, NotFound
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import Report, sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pace import Heard
from charter.knowledge.sources.opening import Visitor, open_sources
from charter.knowledge.sources.source import DocumentSource
from charter.knowledge.stores import open_index
from charter.secrets.opening import Opened, opened, proved_now, resolved
from charter.settings import Settings
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.telemetry.masking import Mask

_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
_TENANT = click.option("--tenant", help="Of this tenant alone.")
_SNIPPET = 240


@click.group()
def knowledge() -> None:
    """The documents that agents answer from."""


@knowledge.command("sync", short_help="Bring the index to its sources.")
@_TENANT
@click.option("--wait", is_flag=True, help="Wait for another sync of the same tenant; else that is told.")
@_JSON
def sync_command(tenant: str | None, wait: bool, as_json: bool) -> None:
    """Bring the index to its sources: new, changed and removed documents. The host must be running.

    Exit code 1 where something was left out, a source could not be looked through, or there was nothing to read.
    """
    line = None if as_json else Line()
    try:
        report = asyncio.run(_sync(tenant, line.tell if line else None, wait=wait))
    finally:
        if line:
            line.end()
    whole = bool(report.written + report.unchanged)
    if as_json:
        click.echo(orjson.dumps(report.as_json()).decode())
    else:
        click.echo(
            f"{report.written} written, {report.removed} removed, {report.unchanged} unchanged in {report.seconds:.1f} s."
        )
        for fault in report.faults:
            click.echo(f"  {fault.path}: {fault.reason}", err=True)
    if not whole:
        click.echo("There was no document to read.", err=True)
    sys.exit(0 if whole and not report.faults else 1)


@knowledge.command()
@click.argument("question")
@click.option("--as", "name", default="alice", show_default=True, help="Who asks: only what they may read is found.")
@click.option("--collection", help="Only in this one.")
@click.option("--top", type=click.IntRange(1, 20), default=5, show_default=True, help="How many passages at most.")
@_JSON
def search(question: str, name: str, collection: str | None, top: int, as_json: bool) -> None:
    """Search for QUESTION as one of the local people. Exit code 1 where nothing is found."""
    if not question.strip():
        raise InvalidRequest("The question is empty.", action="Say what is looked for.")
    found, reading = asyncio.run(_searched(name, {"query": question, "collection": collection, "top": top}))
    if as_json:
        click.echo(orjson.dumps({"items": found}).decode())
    for number, passage in enumerate(found if not as_json else (), start=1):
        place = " › ".join(part for part in (passage["title"], passage["heading"]) if part)
        click.echo(f"{number}. {passage['score']:.3f}  {place}  ({passage['collection']}, {passage['integrity']})")
        click.echo(f"   {passage['url']}")
        click.echo(f"   {_snippet(passage['text'])}")
    if not found:
        click.echo(reading or f"Nothing that {name} may read answers that.", err=True)
    sys.exit(0 if found else 1)


@knowledge.command(short_help="Tell how each source stands.")
@_TENANT
@_JSON
def status(tenant: str | None, as_json: bool) -> None:
    """Tell what each source holds, how its last sync went, and what was left out and why.

    Exit code 1 where something was left out, a source could not be looked through or was never, or nothing is held.
    """
    told = asyncio.run(_status(tenant))
    if as_json:
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(told)
    sys.exit(0 if _in_order(told) else 1)


@dataclass(frozen=True, slots=True)
class _Ground:
    settings: Settings
    vault: Opened
    http: aiohttp.ClientSession
    database: Database
    tenants: Tenants
    stack: AsyncExitStack

    def named(self, tenant: str | None) -> list[str]:
        """Return that tenant, or all.

        Raises:
            NotFound: there is none of that name.
        """
        known = [each.id for each in self.tenants.all()]
        if tenant is not None and tenant not in known:
            raise NotFound(f"There is no tenant {tenant}.", action=f"There are: {', '.join(known)}.")
        return known if tenant is None else [tenant]


@asynccontextmanager
async def _ground() -> AsyncGenerator[_Ground]:
    tree, told = running_host()
    given = of_running(tree, told) if tree.profile == "local" else tree
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        vault = await stack.enter_async_context(opened(given, http, Mask().tell))
        settings = await proved_now(await resolved(given, vault.secrets), vault)
        database = Database(settings.database.url or str(told["database"]), size=2)
        await database.open()
        stack.push_async_callback(database.close)
        tenants = Tenants(database)
        await tenants.read()
        yield _Ground(settings, vault, http, database, tenants, stack)


async def _sync(tenant: str | None, heard: Heard | None, *, wait: bool) -> Report:
    async with _ground() as ground:
        ground.named(tenant)
        embedder = E5Embedder()
        ground.stack.callback(embedder.close)
        secrets, azure = ground.vault.secrets, ground.vault.azure
        index = await open_index(ground.settings, ground.database, embedder, secrets.live, azure, ground.stack)
        sources = [each for each in _sources(ground) if tenant in (None, each.tenant)]
        archive, ledger = Archive(index, embedder), Ledger(ground.database)
        return await sync(archive, ledger, sources, progress=heard, wait=wait, settles=tenant is None)


def _sources(ground: _Ground) -> list[DocumentSource]:
    vault = ground.vault
    visitor = Visitor(ground.http, vault.secrets.live, vault.azure, vault.credential_of, ground.tenants.directory)
    return open_sources(ground.settings, visitor, ground.stack)


async def _searched(name: str, asked: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return what the host finds as that person; and, where that is nothing, whether it is still reading."""
    async with aiohttp.ClientSession() as http:
        address, bearer = await token_for(name, http)
        headers = {"Authorization": f"Bearer {bearer}"}
        async with http.post(f"{address}/v1/knowledge/search", json=asked, headers=headers) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise refusal(answer)
        async with http.get(f"{address}/readyz") as response:
            state = (await response.json(content_type=None))["checks"]["knowledge"]["state"]
    return answer["items"], "The documents are still being read; ask again in a moment." if state == "reading" else ""


async def _status(tenant: str | None) -> dict[str, Any]:
    async with _ground() as ground:
        ledger = Ledger(ground.database)
        several = [await ledger.status(each) for each in ground.named(tenant)]
        return {"store": ground.settings.knowledge.store, "tenants": several}


def _in_order(told: Mapping[str, Any]) -> bool:
    sources = [source for tenant in told["tenants"] for source in tenant["sources"]]
    held = sum(each["documents"] for source in sources for each in source["collections"])
    return bool(held) and all(source["state"] in ("complete", "reading") and not source["faults"] for source in sources)


def _show(told: Mapping[str, Any]) -> None:
    click.echo(f"Passages are kept in {told['store']}.")
    for tenant in told["tenants"]:
        click.echo(f"\n{tenant['tenant']}" + ("  (a sync is under way)" if tenant["syncing"] else ""))
        if not tenant["sources"]:
            click.echo("  nothing was read yet")
        for source in tenant["sources"]:
            _show_source(source)


def _show_source(source: Mapping[str, Any]) -> None:
    when = f", last whole {_moment(source['completed_at'])}" if source["completed_at"] else ", never whole"
    click.echo(f"  {source['kind']} {source['name']}: {source['state']}{when}")
    if source["reason"]:
        click.echo(f"    {source['reason']}")
    if now := source["progress"]:
        click.echo(f"    {now['done']} of {now['total']}, {now['passages']} passages, at {now['current']}")
    for each in source["collections"]:
        click.echo(
            f"    {each['collection']}: {_several(each['documents'], 'document')}, {_several(each['passages'], 'passage')}"
        )
    _show_faults(source["faults"])


def _show_faults(faults: Iterable[Mapping[str, Any]]) -> None:
    for fault in faults:
        click.echo(f"    left out: {fault['path']}: {fault['reason']} (since {_moment(fault['since'])})")


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _moment(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _snippet(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SNIPPET else f"{flat[:_SNIPPET].rsplit(' ', 1)[0]} …"
