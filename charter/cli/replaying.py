"""``charter runs replay``: go through a run once more, calling nothing, and see whether it comes out the same."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

import aiohttp
import click
import orjson

from charter.cli.address import refusal, token_for


@click.group()
def runs() -> None:
    """Runs that are over."""


@runs.command()
@click.argument("run_id")
@click.option(
    "--as", "name", default="alice", show_default=True, help="Who looks; operators see all runs of the tenant."
)
@click.option("--current", is_flag=True, help="On the present bundle of the agent, not on the one the run began with.")
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
def replay(run_id: str, name: str, current: bool, as_json: bool) -> None:
    """Replay RUN_ID with its recorded answers and results. Exit codes: 0 all as before, 1 something came out otherwise."""
    found = asyncio.run(_replay(run_id, name, "current" if current else "own"))
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        _tell(found)
    sys.exit(1 if found["divergence"] else 0)


async def _replay(run_id: str, name: str, bundle: str) -> Mapping[str, Any]:
    async with aiohttp.ClientSession() as http:
        address, bearer = await token_for(name, http)
        url, headers = f"{address}/v1/runs/{run_id}/replay", {"Authorization": f"Bearer {bearer}"}
        async with http.post(url, json={"bundle": bundle}, headers=headers) as response:
            told = await response.json(content_type=None)
            if response.status >= 400:
                raise refusal(told)
            return told


def _tell(found: Mapping[str, Any]) -> None:
    click.echo(f"{found['run']} on {found['bundle'][:19]}: {found['steps']} steps came out as before.")
    if divergence := found["divergence"]:
        click.echo(f"  {divergence['step_id']}: {divergence['what']} came out otherwise.")
        click.echo(f"  was: {_short(divergence['was'])}")
        click.echo(f"  now: {_short(divergence['now'])}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 200 else f"{text[:199]}…"
