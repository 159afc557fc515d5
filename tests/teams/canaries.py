"""What nobody may see who has no right to it, and a model that tells all it was ever shown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.runs.recording import Said, calls, says

_CANARY = re.compile(r"canary[0-9a-f]{16}|(?<![0-9a-f])9[0-9]{8}(?![0-9a-f])")
_REFERENCE = re.compile(r"ref[0-9a-f]{8}")
_KEY = re.compile(r"KY-\d{5}")
_TICKET = re.compile(r"INC-\d+")
_ORDER = re.compile(r"PO-\d+")
_WANTED = re.compile(r"order a (\S+) for ([\d,]+) EUR")


@dataclass(slots=True)
class Canaries:
    """``readers`` are who may see each; a canary that is not there belongs to nobody, and is none."""

    random: Random
    tenants: dict[str, str] = field(default_factory=dict[str, str])
    readers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def new(self, tenant: str, *people: str) -> str:
        """Return a new one that these people may see."""
        return self.add(f"canary{self.random.getrandbits(64):016x}", tenant, people)

    def add(self, canary: str, tenant: str, people: Iterable[str]) -> str:
        self.tenants[canary], self.readers[canary] = tenant, set(people)
        return canary

    def within(self, text: str) -> set[str]:
        """Return those that stand in a text."""
        return {found for found in _CANARY.findall(text) if found in self.readers}

    def foreign(self, person: str, text: str) -> set[str]:
        """Return those in a text that this person may not see."""
        return {found for found in self.within(text) if person not in self.readers[found]}


def answer(body: dict[str, Any]) -> Said:
    """Do the one thing that was asked, then tell every canary that was ever shown, earlier in the thread, too."""
    messages = body["messages"]
    last = max(at for at, each in enumerate(messages) if each["role"] == "user")
    asked = str(messages[last]["content"])
    if not any(each["role"] == "tool" for each in messages[last:]) and (called := _call(asked)):
        return called
    shown = sorted(set(_CANARY.findall(" ".join(str(each.get("content")) for each in messages))))
    reference = _REFERENCE.search(asked)
    cited = "[1] [2] [3] [4] [5]" if _KEY.search(asked) else ""
    return says(" ".join([reference[0] if reference else "Good day.", *shown, cited]))


def _call(asked: str) -> Said | None:
    if _KEY.search(asked):
        return calls("knowledge-search", {"query": asked})
    if wanted := _WANTED.search(asked):
        total = {"minor": int(wanted[2].replace(",", "")) * 100, "currency": "EUR"}
        return calls("procurement-create_order", {"item": wanted[1], "total": total})
    if "annual leave" in asked:
        return calls("people-get_leave_balance", {"leave_type": "annual"})
    if ticket := _TICKET.search(asked):
        return calls("service_desk-get_ticket", {"ticket_id": ticket[0]})
    if order := _ORDER.search(asked):
        return calls("procurement-get_order", {"order_id": order[0]})
    if "open a ticket about" in asked:
        return calls("service_desk-create_ticket", {"title": asked.rpartition(" ")[2], "priority": "low"})
    return None
