"""``charter check``: every mistake of agents and plugins, with file, line and what to write instead."""

import sys

import click
import orjson

from charter import settings
from charter.catalog.check import check as check_folders


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print {passed, failed, skipped, mistakes}.")
def check(as_json: bool) -> None:
    """Check the folders of agents and plugins, the shipped ones and those of CHARTER_AGENTS_DIRS and CHARTER_PLUGINS_DIRS."""
    tree = settings.read()
    catalog, mistakes = check_folders(tree.agent_folders, tree.plugin_folders)
    wrong = len({mistake.file for mistake in mistakes})
    counted = len(catalog.agents) + len(catalog.plugins) if catalog else 0
    if as_json:
        told = [mistake.as_json() for mistake in mistakes]
        click.echo(orjson.dumps({"passed": counted, "failed": wrong, "skipped": 0, "mistakes": told}).decode())
    else:
        for mistake in mistakes:
            click.echo(f"{mistake.file}:{mistake.line}: {mistake.message}\n  {mistake.remedy}")
        if catalog:
            click.echo(f"{len(catalog.agents)} agents and {len(catalog.plugins)} plugins are in order.")
        if not mistakes and not counted:
            click.echo("There is no agent and no plugin to check.", err=True)
    sys.exit(1 if mistakes or not counted else 0)
