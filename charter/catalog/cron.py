"""Cron expressions of five fields, read in a time zone. All moments are given and returned in UTC.

Where clocks go forward, a time that does not exist comes at the hour's end; where they go back, an hour that is named
comes once and one that is not (``*``) comes twice, as the day has it.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

_Iterator: Any = croniter
_DRAWN = re.compile(r"(^|,)[hr]\b", re.IGNORECASE)
"""``H`` and ``R`` draw a time: each process would draw another."""


def latest(expression: str, timezone: str, now: datetime) -> datetime:
    """Return the last of its times that is not after ``now``."""
    start = now.replace(microsecond=0) + timedelta(seconds=1)
    return _found(expression, timezone, start, "get_prev")


def following(expression: str, timezone: str, now: datetime) -> datetime:
    """Return the first of its times after ``now``."""
    return _found(expression, timezone, now, "get_next")


def flaw(expression: str) -> str | None:
    """Say in a sentence why this is no expression of times that come; nothing when it is one."""
    fields = expression.split()
    if len(fields) != 5 or any(_DRAWN.search(field) for field in fields) or not _Iterator.is_valid(expression):
        return f"`{expression}` is no cron expression."
    try:
        following(expression, "UTC", datetime.now(UTC))
    except ValueError:  # every fault of the library is one
        return f"`{expression}` names a time that never comes."
    return None


def knows(timezone: str) -> bool:
    """Tell whether this is a time zone of the IANA database, such as ``Europe/Berlin``."""
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _found(expression: str, timezone: str, start: datetime, direction: str) -> datetime:
    zone = ZoneInfo(timezone)
    moment: datetime = getattr(_Iterator(expression, start.astimezone(zone)), direction)(datetime).astimezone(UTC)
    if moment.astimezone(zone).fold and "*" not in expression.split()[1]:
        # The hour is named and comes for the second time.
        return _found(expression, timezone, moment, direction)
    return moment
