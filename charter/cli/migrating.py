"""``charter migrate``: the schema brought up to date by its owner, so that hosts need not be able to."""

import asyncio

import click
import orjson

from charter import settings
from charter.runs import schema
from charter.secrets.opening import resolved_alone
from charter.telemetry.masking import Mask


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print {applied} as JSON.")
def migrate(as_json: bool) -> None:
    """Migrate the database of CHARTER_DATABASE__OWNER_URL and let the role of CHARTER_DATABASE_URL work with it."""
    applied = asyncio.run(_migrated())
    if as_json:
        click.echo(orjson.dumps({"applied": applied}).decode())
    else:
        click.echo("\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")


async def _migrated() -> list[str]:
    database = (await resolved_alone(settings.read(), Mask().tell)).database
    schema.check_named(database)
    return await schema.migrate(database)
