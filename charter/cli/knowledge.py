"""``charter knowledge``: bring the index to the folders, and search it."""

import asyncio
import sys

import click
import orjson

from charter.cli.address import running_host
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.folders import roots_of
from charter.knowledge.ingest import Progress, Report, sync
from charter.knowledge.pgvector import PgIndex
from charter.secrets.opening import resolved_alone
from charter.store.database import Database
from charter.telemetry.masking import Mask


@click.group()
def knowledge() -> None:
    """The documents that agents answer from."""


@knowledge.command("sync")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def sync_command(as_json: bool) -> None:
    """Bring the index to the folders: new, changed and removed documents. The host must be running."""
    report = asyncio.run(_sync(quiet=as_json))
    if as_json:
        click.echo(orjson.dumps(report.as_json()).decode())
    else:
        click.echo(
            f"{report.written} written, {report.removed} removed, {report.unchanged} unchanged in {report.seconds:.1f} s."
        )
        for fault in report.faults:
            click.echo(f"  {fault.path}: {fault.reason}", err=True)
    if not report.written + report.unchanged:
        click.echo("There was no document to read.", err=True)
    sys.exit(1 if report.faults or not report.written + report.unchanged else 0)


async def _sync(*, quiet: bool) -> Report:
    tree, told = running_host()
    given = (await resolved_alone(tree, Mask().tell)).database.url
    database = Database(given or str(told["database"]), size=2)
    await database.open()
    try:
        embedder = E5Embedder()
        archive = Archive(PgIndex(database, embedder), embedder)
        return await sync(archive, roots_of(tree), progress=None if quiet else _tell)
    finally:
        await database.close()


def _tell(progress: Progress) -> None:
    click.echo(
        f"  {progress.done}/{progress.total} {progress.tenant} {progress.collection}/{progress.source}", err=True
    )
