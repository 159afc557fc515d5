"""``triggers`` of an agent: what asks it without a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from charter.catalog import cron
from charter.catalog.document import Document, Pointer
from charter.catalog.mistake import Mistake
from charter.catalog.spec import ScheduleTrigger

_ONLY_SCHEDULES = ("timezone", "tenants")


def read_triggers(listed: Sequence[Mapping[str, Any]]) -> tuple[ScheduleTrigger | Mapping[str, Any], ...]:
    """Return the triggers of a file without faults; one on an event stays the mapping that was written."""
    return tuple(_schedule(n, trigger) if "schedule" in trigger else trigger for n, trigger in enumerate(listed))


def faults(document: Document) -> Iterator[Mistake]:
    """Yield what the grammar cannot see."""
    for n, trigger in enumerate(document.value["charter"].get("triggers", ())):
        place: Pointer = ("charter", "triggers", n)
        if ("event" in trigger) == ("schedule" in trigger):
            yield document.mistake(place, "A trigger has either `event` or `schedule`.", "Write one of the two.")
        elif "schedule" in trigger:
            yield from _untimely(document, place, trigger)
        else:
            for key in (key for key in _ONLY_SCHEDULES if key in trigger):
                yield document.mistake((*place, key), f"An event has no `{key}`.", "Remove it.")


def _untimely(document: Document, place: Pointer, trigger: Mapping[str, Any]) -> Iterator[Mistake]:
    if flaw := cron.flaw(trigger["schedule"]):
        remedy = "Write minute, hour, day, month and weekday, such as `0 7 * * 1-5`."
        yield document.mistake((*place, "schedule"), flaw, remedy)
    zone = trigger.get("timezone", "UTC")
    if not cron.knows(zone):
        remedy = "Write a name of the IANA database, such as `Europe/Berlin`."
        yield document.mistake((*place, "timezone"), f"There is no time zone `{zone}`.", remedy)


def _schedule(n: int, trigger: Mapping[str, Any]) -> ScheduleTrigger:
    return ScheduleTrigger(
        n=n,
        expression=trigger["schedule"],
        as_=trigger["as"],
        input=trigger["input"],
        timezone=trigger.get("timezone", "UTC"),
        tenants=tuple(trigger.get("tenants", ())),
        approver=trigger.get("approver"),
    )
