"""``charter schedules``: what begins by itself, as whom, and when next."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from charter import settings
from charter.catalog import cron
from charter.catalog.check import check
from charter.catalog.spec import AgentSpec, ScheduleTrigger


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print {items} as JSON.")
def schedules(as_json: bool) -> None:
    """List the schedules of all agents with their next times."""
    tree = settings.read()
    catalog, mistakes = check(tree.agent_folders, tree.plugin_folders)
    if catalog is None:
        click.echo(f"The folders hold {len(mistakes)} mistakes: charter check shows them.", err=True)
        sys.exit(1)
    items = sorted(_items(catalog.agents), key=lambda item: item["next"])
    if as_json:
        click.echo(orjson.dumps({"items": items}).decode())
        return
    for item in items:
        local = item["next"].astimezone(ZoneInfo(item["timezone"]))
        click.echo(f"{local:%Y-%m-%d %H:%M} {item['timezone']}  {item['agent']} as {item['as']}  ({item['schedule']})")
        click.echo(f"  {item['input']}")
    if not items:
        click.echo("No agent has a schedule.")


def _items(agents: Mapping[str, AgentSpec]) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for agent in agents.values():
        for trigger in agent.triggers:
            if isinstance(trigger, ScheduleTrigger):
                yield {
                    "agent": agent.name,
                    "schedule": trigger.expression,
                    "timezone": trigger.timezone,
                    "as": trigger.as_,
                    "tenants": list(trigger.tenants),
                    "approver": trigger.approver,
                    "input": trigger.input,
                    "next": cron.following(trigger.expression, trigger.timezone, now),
                }
