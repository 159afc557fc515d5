"""``charter run`` and ``charter token``: the REST door from a terminal."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import click
import orjson

from charter.cli.address import refusal, token_for

EXIT = {"completed": 0, "failed": 1, "cancelled": 1, "waiting": 3}
"""Exit codes of ``charter run`` by the run's status."""


@click.command()
@click.option("--as", "name", required=True, help="One of the local people, e.g. alice.")
def token(name: str) -> None:
    """Print a bearer token that every door of the local host accepts."""
    click.echo(asyncio.run(_token(name)))


async def _token(name: str) -> str:
    async with aiohttp.ClientSession() as http:
        return (await token_for(name, http))[1]


@click.command()
@click.argument("agent")
@click.argument("text")
@click.option("--as", "name", default="alice", show_default=True, help="Who asks.")
@click.option("--thread", help="Go on in this thread.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON once it is settled.")
def run(agent: str, text: str, name: str, thread: str | None, as_json: bool) -> None:
    """Let AGENT do what TEXT asks and follow it. Exit codes: 0 done, 1 failed, 2 refused, 3 waits for somebody."""
    final = asyncio.run(_run(agent, text, name, thread, quiet=as_json))
    if as_json:
        click.echo(orjson.dumps(final, option=orjson.OPT_INDENT_2).decode())
    sys.exit(EXIT[final["status"]])


async def _run(agent: str, text: str, name: str, thread: str | None, *, quiet: bool) -> Mapping[str, Any]:
    async with aiohttp.ClientSession() as http:
        address, bearer = await token_for(name, http)
        headers = {"Authorization": f"Bearer {bearer}"}
        asked = {"agent": agent, "input": text, **({"thread": thread} if thread else {})}
        async with http.post(f"{address}/v1/runs", json=asked, headers=headers) as response:
            started = await response.json(content_type=None)
            if response.status >= 400:
                raise refusal(started)
        url = f"{address}/v1/runs/{started['id']}/events"
        async with http.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=None)) as response:
            return await _follow(response, started, quiet=quiet)


async def _follow(response: aiohttp.ClientResponse, run: Mapping[str, Any], *, quiet: bool) -> Mapping[str, Any]:
    streamed = False
    async for event, data in _events(response):
        if event == "output.delta" and not quiet:
            click.echo(data["text"], nl=False)
            streamed = True
        elif event == "output.withdrawn" and not quiet:
            click.echo("")
            click.echo("  (The model broke off. Its answer begins anew.)", err=True)
        elif event == "step" and data["type"] in {"function", "retrieval"} and not quiet:
            click.echo(f"  · {data['name']}: {data['status']}", err=True)
        elif event in {"run.status", "done"}:
            run = data
            if data["status"] == "waiting" or event == "done":
                break
    if not quiet:
        _tell(run, streamed=streamed)
    return run


def _tell(run: Mapping[str, Any], *, streamed: bool) -> None:
    if run["output"]:
        click.echo("" if streamed else run["output"]["text"])
        for citation in run["output"]["citations"]:
            click.echo(f"  [{citation['n']}] {citation['title']}  {citation['url']}")
    if run["waiting"]:
        click.echo(
            f"  Waits for {run['waiting']['for']} ({run['waiting']['approval_id'] or run['waiting']['step_id']})."
        )
    if run["error"]:
        click.echo(f"  {run['error']['detail']} {run['error']['action']}", err=True)
    click.echo(f"  {run['id']} {run['status']}", err=True)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    event = ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            yield event, orjson.loads(line[6:])
