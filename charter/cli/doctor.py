"""``charter doctor``: what an installation is, what it must not be, and what nobody could look at."""

import asyncio
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import click
import orjson

from charter import settings
from charter.cli.address import answers, running_host, silent
from charter.errors import Unavailable
from charter.local import keys, parts, whereabouts
from charter.local.people import People
from charter.posture.finding import Finding, green, unproven
from charter.settings import SecretStr, Settings
from charter.telemetry import logs
from charter.telemetry.masking import Mask

if TYPE_CHECKING:
    from charter.posture.exercised import Person

_SIGNS = {"ok": "in order", "refused": "REFUSED", "unproven": "unproven"}
_COLOURS = {"ok": "green", "refused": "red", "unproven": "yellow"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print {passed, failed, skipped, findings}.")
def doctor(as_json: bool) -> None:
    """Look at this installation: settings, agents, identity, database, vault, models, business systems. Changes nothing.

    Exit code 1 where something is refused, or nothing could be looked at.
    """
    tree = settings.read()
    logs.configure(tree.telemetry.model_copy(update={"log_level": "error"}), Mask())
    findings = asyncio.run(_findings(tree))
    if as_json:
        click.echo(orjson.dumps(_counted(findings) | {"findings": [each.as_json() for each in findings]}).decode())
    else:
        _show(tree, findings)
    sys.exit(0 if green(findings) else 1)


def _counted(findings: list[Finding]) -> dict[str, int]:
    states = [finding.state for finding in findings]
    return {"passed": states.count("ok"), "failed": states.count("refused"), "skipped": states.count("unproven")}


async def _findings(tree: Settings) -> list[Finding]:
    # Late: it brings the clients of models, which other commands need not wait for.
    from charter.posture.examination import examine

    if tree.profile == "azure":
        return await examine(tree)
    try:
        _, told = running_host()
    except Unavailable:
        return await examine(tree)
    async with aiohttp.ClientSession() as http:
        if not await answers(told, http):
            gone = silent(told)
            return [*await examine(tree), unproven("host", gone.detail, gone.action)]
    return await examine(_of_running(tree, told), person=_person(tree, told))


def _of_running(tree: Settings, told: Mapping[str, Any]) -> Settings:
    """Return the settings of the local host that runs: where its parts are."""
    secret = SecretStr(keys.client_secret(tree.data_dir.resolve() / "keys"))
    identity = whereabouts.identity(told, secret, tree.identity)
    found = {"graph": f"{told['entra']}/graph", "tenants": tree.identity.tenants or parts.TENANTS}
    vault = {"vault_url": told["vault"], "ca_file": told["ca_file"] or None}
    return tree.model_copy(
        update={
            "identity": identity.model_copy(update=found),
            "secrets": settings.Secrets.model_validate({**tree.secrets.model_dump(), **vault}),
            "knowledge": parts.searching(tree, told.get("search", "")),
            "plugin_urls": {**told["plugins"], **tree.plugin_urls},
            "database": tree.database.model_copy(update={"url": tree.database.url or told["database"]}),
        }
    )


def _person(tree: Settings, told: Mapping[str, Any]) -> "Person":
    async def sign_in() -> tuple[str, str]:
        secret = SecretStr(keys.client_secret(tree.data_dir.resolve() / "keys"))
        async with aiohttp.ClientSession() as http:
            people = People(whereabouts.identity(told, secret, tree.identity), http)
            await people.read()
            somebody = next(each for each in people.all if not each.external and "workload" not in each.roles)
            return somebody.tenant, await people.sign_in(somebody.name)

    return sign_in


def _show(tree: Settings, findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    click.echo(f"\n  Charter, profile {tree.profile}\n")
    for finding in findings:
        sign = click.style(f"{_SIGNS[finding.state]:<9}", fg=_COLOURS[finding.state])
        click.echo(f"  {sign} {finding.name:<{width}}  {finding.sentence}")
        if finding.action and finding.state != "ok":
            click.echo(f"  {'':<9} {'':<{width}}  -> {finding.action}")
    counted = _counted(findings)
    click.echo(f"\n  {counted['passed']} in order, {counted['failed']} refused, {counted['skipped']} unproven.\n")
