"""Triggers of an agent: what they say, and when a schedule's times are."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from charter import settings
from charter.catalog import cron
from charter.catalog.check import check
from charter.catalog.spec import ScheduleTrigger

WHOLE = Path(__file__).parent.parent / "data" / "whole"
TRIGGERS = """
  triggers:
    - event: com.contoso.rates.changed
      as: workload:erp
      input: "The rate of {{data.code}} changed."
    - schedule: "0 7 * * 1-5"
      as: workload:erp
      timezone: Europe/Berlin
      tenants: [contoso]
      approver: role:buyer
      input: List the rates.
    - schedule: "*/15 * * * *"
      as: host
      input: Look after the rates.
"""


@pytest.mark.promise("catalog.declared")
def test_a_schedule_is_what_its_folder_says(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "teller"
    folder.mkdir(parents=True)
    text = (WHOLE / "agents" / "clerk" / "agent.yaml").read_text("utf-8").replace("name: clerk", "name: teller")
    (folder / "agent.yaml").write_text(text.rstrip() + TRIGGERS)
    (folder / "instructions.md").write_text("You tell rates.")
    catalog, mistakes = check([tmp_path / "agents"], [WHOLE / "plugins"])
    assert catalog is not None, mistakes
    event, morning, often = catalog.agents["teller"].triggers
    assert event == {
        "event": "com.contoso.rates.changed",
        "as": "workload:erp",
        "input": "The rate of {{data.code}} changed.",
    }
    assert morning == ScheduleTrigger(
        1, "0 7 * * 1-5", "workload:erp", "List the rates.", "Europe/Berlin", ("contoso",), "role:buyer"
    )
    assert often == ScheduleTrigger(2, "*/15 * * * *", "host", "Look after the rates.")


async def test_the_command_lists_every_schedule_with_its_next_time(tmp_path: Path) -> None:
    environment = {**settings.process_environment(), "CHARTER_DATA_DIR": str(tmp_path)}
    for arguments in (["--json"], []):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "charter.cli", "schedules", *arguments,
            cwd=settings.HOUSE, env=environment, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        if arguments:
            [item] = [item for item in json.loads(output)["items"] if item["agent"] == "buyer"]
            assert (item["schedule"], item["as"], item["timezone"]) == ("0 7 * * 1-5", "host", "UTC")
            following = datetime.fromisoformat(item["next"])
            assert following > datetime.now(UTC)
            assert (following.hour, following.minute, following.weekday() < 5) == (7, 0, True)
        else:
            assert "buyer as host  (0 7 * * 1-5)\n  List orders waiting for delivery.\n" in output.decode()


def test_times_are_those_of_the_schedules_own_time_zone() -> None:
    summer = datetime(2026, 7, 3, 5, 0, 0, 900_000, tzinfo=UTC)  # a Friday
    assert cron.latest("0 7 * * 1-5", "Europe/Berlin", summer) == datetime(2026, 7, 3, 5, tzinfo=UTC)
    assert cron.following("0 7 * * 1-5", "Europe/Berlin", summer) == datetime(2026, 7, 6, 5, tzinfo=UTC)
    assert cron.latest("0 7 * * 1-5", "UTC", summer) == datetime(2026, 7, 2, 7, tzinfo=UTC)
    before = summer - timedelta(seconds=1)
    assert cron.latest("0 7 * * 1-5", "Europe/Berlin", before) == datetime(2026, 7, 2, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "night", "times"),
    [
        ("30 2 * * *", datetime(2026, 3, 28, 20, tzinfo=UTC), ["01:00"]),  # 02:30 does not exist
        ("30 2 * * *", datetime(2026, 10, 24, 20, tzinfo=UTC), ["00:30"]),  # 02:30 comes twice
        ("30 * * * *", datetime(2026, 10, 24, 23, tzinfo=UTC), ["23:30", "00:30", "01:30", "02:30"]),
    ],
)
def test_the_night_when_clocks_change_has_each_named_time_once(
    expression: str, night: datetime, times: list[str]
) -> None:
    found, minute = [], night
    while minute < datetime(night.year, night.month, night.day + 1, 3, tzinfo=UTC):
        last = cron.latest(expression, "Europe/Berlin", minute)
        if last > night and last not in found:
            found.append(last)
        minute += timedelta(minutes=1)
    assert [f"{moment:%H:%M}" for moment in found] == times
    following, moment = [], night
    for _ in times:
        moment = cron.following(expression, "Europe/Berlin", moment)
        following.append(moment)
    assert following == found
