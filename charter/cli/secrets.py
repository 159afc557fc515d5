"""``charter secrets``: what lies in the local vault, and how something gets into it. No value is ever printed."""

import asyncio
import ssl
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import click
import orjson

from charter import settings
from charter.cli.address import answers, local_host, silent
from charter.errors import InvalidRequest, Unavailable
from charter.identity.credential import ClientSecret, written
from charter.identity.issuers import own_issuer
from charter.identity.token_endpoint import TokenEndpoint
from charter.local import keys
from charter.secrets.references import SCHEME, parsed

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "2026-04-01"
_HOME = "contoso"
_LONGEST_BYTES = 25 * 1024


@click.group()
def secrets() -> None:
    """The secrets of the local vault; a cloud's vault is looked after with its own tools."""


@secrets.command("set")
@click.argument("name")
@click.option("--from-stdin", is_flag=True, help="Read the value from standard input instead of asking for it.")
@click.option("--json", "as_json", is_flag=True, help="Print {name, version, reference} as JSON.")
def set_command(name: str, from_stdin: bool, as_json: bool) -> None:
    """Set NAME to a new value, which running hosts use within seconds."""
    try:
        parsed(f"{SCHEME}{name}")
    except ValueError as fault:
        raise InvalidRequest(
            "A secret's name has letters, digits and hyphens.", action="Choose such a name."
        ) from fault
    value = _value(from_stdin=from_stdin)
    kept = asyncio.run(_asked("PUT", f"/_twin/secrets/{quote(name, safe='')}", {"value": value}))
    told = {"name": kept["name"], "version": kept["version"], "reference": f"{SCHEME}{kept['name']}"}
    click.echo(orjson.dumps(told).decode() if as_json else f"{told['reference']} is set.")


@secrets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print {items} as JSON.")
def list_command(as_json: bool) -> None:
    """List the names in the vault."""
    items = asyncio.run(_all())
    if as_json:
        click.echo(orjson.dumps({"items": items}).decode())
        return
    for item in items:
        click.echo(f"{item['reference']}{'' if item['enabled'] else '  (disabled)'}")
    if not items:
        click.echo("The vault is empty. Set a secret with: charter secrets set NAME")


def _value(*, from_stdin: bool) -> str:
    try:
        # Not as an argument: a command line can be read by others and stays in histories.
        said = sys.stdin.buffer.read() if from_stdin else click.prompt("Value", hide_input=True, err=True).encode()
        value = said.decode().removesuffix("\n")
    except UnicodeError as fault:
        raise InvalidRequest("The value is not text in UTF-8.", action="Encode it first, e.g. in Base64.") from fault
    if not value:
        raise InvalidRequest("The value is empty.", action="Give one.")
    if len(value.encode()) > _LONGEST_BYTES:
        raise InvalidRequest(f"The value is longer than {_LONGEST_BYTES:,} bytes.", action="Give a shorter one.")
    return value


async def _all() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    path: str | None = f"/secrets?api-version={_VERSION}"
    while path:
        page = await _asked("GET", path)
        for entry in page["value"]:
            name = str(entry["id"]).rpartition("/")[2]
            enabled = bool(entry["attributes"]["enabled"])
            items.append({"name": name, "reference": f"{SCHEME}{name}", "enabled": enabled})
        path = _path(page.get("nextLink"))
    return items


def _path(url: str | None) -> str | None:
    return "/" + url.split("/", 3)[3] if url else None


async def _asked(method: str, path: str, body: Any = None) -> Mapping[str, Any]:
    """Send one request to the vault of the running host, as whoever may act as that host here."""
    tree, told = local_host()
    if not told.get("vault") or not told.get("ca_file"):
        raise Unavailable("The running host has no local vault.", action="Start it with: make run")
    secret = settings.SecretStr(keys.client_secret(tree.data_dir.resolve() / "keys"))
    identity = settings.Identity(authority=told["entra"], client_secret=secret)
    async with aiohttp.ClientSession() as http:
        if not await answers(told, http):
            raise silent(told)
        trusting = ssl.create_default_context(cafile=told["ca_file"])
        issuer = own_issuer(identity, _HOME, _HOME, ClientSecret(written(secret)))
        token = (await TokenEndpoint(http).as_host(issuer, _SCOPE)).access_token
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with http.request(
                method, f"{told['vault']}{path}", json=body, headers=headers, ssl=trusting
            ) as response:
                answer = await response.json(content_type=None)
                if response.status >= 400:
                    raise Unavailable(f"The vault refuses: {answer['error']['message']}", action="Mend what it names.")
                return answer
        except aiohttp.ClientConnectionError as fault:
            raise Unavailable("The local vault does not answer.", action="Start it with: make run") from fault
