"""``charter tenants``: the operators' door from a terminal."""

import asyncio
import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import aiohttp
import click
import orjson

from charter.cli.address import refusal, token_for
from charter.errors import CharterError, InvalidRequest

_AS = click.option("--as", "name", default="carol", show_default=True, help="The operator.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group()
def tenants() -> None:
    """Create, suspend, resume and export tenants while the host runs."""


@tenants.command("list")
@_AS
@_JSON
def list_command(name: str, as_json: bool) -> None:
    """List the tenants that you may read."""
    items: list[Any] = []
    cursor = ""
    while True:
        page = asyncio.run(_called(name, "GET", f"?limit=200{cursor}"))
        items += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    if as_json:
        click.echo(orjson.dumps({"items": items}).decode())
        return
    for item in items:
        click.echo(_line(item))


@tenants.command()
@click.argument("tenant")
@click.option("--name", "title", required=True, help="The organisation's name.")
@click.option("--directory", required=True, help="The Entra tenant whose people come in.")
@click.option("--settings", "text", default="{}", help='JSON, e.g. {"agents": ["buyer"]}.')
@_AS
@_JSON
def create(tenant: str, title: str, directory: str, text: str, name: str, as_json: bool) -> None:
    """Create TENANT."""
    body = {"id": tenant, "name": title, "directory": directory, "settings": _settings(text)}
    _tell(asyncio.run(_called(name, "POST", "", body)), as_json=as_json)


@tenants.command("set")
@click.argument("tenant")
@click.argument("text", metavar="[SETTINGS]", required=False)
@click.option("--name", "title", help="The organisation's new name.")
@click.option("--directory", help="The Entra tenant whose people come in from now on.")
@_AS
@_JSON
def set_command(
    tenant: str, text: str | None, title: str | None, directory: str | None, name: str, as_json: bool
) -> None:
    """Replace those fields of TENANT's settings that SETTINGS (JSON) has; null is as the host says."""
    given = {"name": title, "directory": directory, "settings": None if text is None else _settings(text)}
    body = {field: value for field, value in given.items() if value is not None}
    if not body:
        raise InvalidRequest("Nothing is to be changed.", action="Give SETTINGS, --name or --directory.")
    _tell(asyncio.run(_called(name, "PATCH", f"/{tenant}", body)), as_json=as_json)


@tenants.command()
@click.argument("tenant")
@click.option("--reason", required=True, help="For operators; the tenant's people do not see it.")
@_AS
@_JSON
def suspend(tenant: str, reason: str, name: str, as_json: bool) -> None:
    """Let nobody of TENANT in and nothing of it run, until it is resumed."""
    _tell(asyncio.run(_called(name, "POST", f"/{tenant}/suspend", {"reason": reason})), as_json=as_json)


@tenants.command()
@click.argument("tenant")
@_AS
@_JSON
def resume(tenant: str, name: str, as_json: bool) -> None:
    """Serve TENANT again; what waited goes on by itself."""
    _tell(asyncio.run(_called(name, "POST", f"/{tenant}/resume")), as_json=as_json)


@tenants.command()
@click.argument("tenant")
@click.option("--to", "file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file.")
@_AS
@_JSON
def export(tenant: str, file: Path, name: str, as_json: bool) -> None:
    """Take out all that is kept of TENANT, and check that it came whole."""
    rows = asyncio.run(_exported(name, tenant, file))
    if as_json:
        click.echo(orjson.dumps({"file": str(file), "rows": rows}).decode())
    else:
        click.echo(f"{sum(rows.values())} rows in {file}: {', '.join(f'{n} {t}' for t, n in rows.items() if n)}")


async def _called(name: str, method: str, path: str, body: Any = None) -> Any:
    async with aiohttp.ClientSession() as http:
        address, bearer = await token_for(name, http)
        headers = {"Authorization": f"Bearer {bearer}"}
        url = f"{address}/v1/admin/tenants{path}"
        async with http.request(method, url, json=body, headers=headers) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise refusal(answer)
            return answer


async def _exported(name: str, tenant: str, file: Path) -> dict[str, int]:
    with _beside(file) as out:
        await _fetched(name, tenant, out)
        digest, last = hashlib.sha256(), b""
        out.seek(0)
        for line in out:
            digest.update(last)
            last = line
        end = orjson.loads(last or b"{}").get("end", {})
        if end.get("sha256") != digest.hexdigest():
            raise CharterError("The export did not come whole.", action="Try again.")
    return end["rows"]


async def _fetched(name: str, tenant: str, out: IO[bytes]) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**24) as http:
        address, bearer = await token_for(name, http)
        headers = {"Authorization": f"Bearer {bearer}"}
        try:
            async with http.get(f"{address}/v1/admin/tenants/{tenant}/export", headers=headers) as response:
                if response.status >= 400:
                    raise refusal(await response.json(content_type=None))
                async for chunk in response.content.iter_any():
                    out.write(chunk)
        except aiohttp.ClientError as fault:
            raise CharterError("The export was cut.", action="Try again.") from fault


@contextmanager
def _beside(file: Path) -> Generator[IO[bytes]]:
    """Open a part beside the file, for its owner alone. It gets the file's name once all is well, and goes otherwise."""
    part = None
    try:
        with NamedTemporaryFile(dir=file.parent, prefix=f"{file.name}.", suffix=".part", delete=False) as out:
            part = Path(out.name)
            yield out
        part.replace(file)
    except OSError as fault:
        raise CharterError(f"{file} cannot be written: {fault.strerror}.", action="Name another file.") from fault
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _settings(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise CharterError(
            f"The settings are not JSON: {fault}.", action='Write e.g. {"agents": ["buyer"]}.'
        ) from fault


def _tell(tenant: Mapping[str, Any], *, as_json: bool) -> None:
    click.echo(orjson.dumps(tenant).decode() if as_json else _line(tenant))


def _line(tenant: Mapping[str, Any]) -> str:
    state = f"suspended ({tenant['reason']})" if tenant["suspended"] else "served"
    given = {name: value for name, value in tenant["settings"].items() if value is not None}
    return f"{tenant['id']}  {tenant['name'] or '-'}  {state}  {orjson.dumps(given).decode()}"
