"""Plain words for what machines say: names, values, money, durations, what a step is doing. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from charter.channels.wording import decimals, title, visible

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")

STATUS = {
    "queued": "Queued",
    "running": "Running",
    "waiting": "Waiting",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "done": "Done",
    "denied": "Denied",
    "unknown": "Unknown",
    "pending": "Pending",
    "approved": "Approved",
    "rejected": "Rejected",
    "expired": "Expired",
}
ANSWERS = {
    "happened": "it happened",
    "retry": "it did not happen, try again",
    "give_up": "given up, nobody knows",
}
REACTIONS = {"like": "Helpful", "dislike": "Not helpful"}
EFFECT = {"read": "reads", "write": "changes something", "irreversible": "cannot be undone"}
ANEW = "The model broke off; its answer begins anew"
STEP = {
    "message": "Message",
    "retrieval": "Search",
    "model": "Model turn",
    "function": "Function",
    "approval": "Approval",
}


def money(amount: Mapping[str, Any]) -> str:
    """``{"minor": 145000, "currency": "EUR"}`` → ``EUR 1,450.00``."""
    minor, currency = int(amount["minor"]), str(amount["currency"])
    digits = decimals(currency)
    return f"{visible(currency)} {Decimal(minor).scaleb(-digits):,.{digits}f}"


def value(given: Any) -> str:
    """Return an argument as a person would write it; nothing is left out."""
    match given:
        case None:
            return "none"
        case bool():
            return "yes" if given else "no"
        case str():
            return _text(given)
        case {"minor": int(), "currency": str()} if len(given) == 2:
            return money(given)
        case Mapping():
            pairs = cast("Mapping[str, Any]", given)
            return "; ".join(f"{visible(title(str(name)))}: {value(item)}" for name, item in pairs.items()) or "nothing"
        case Sequence():
            items = cast("Sequence[Any]", given)
            return ", ".join(value(item) for item in items) or "none"
        case _:
            return str(given)


def _text(given: str) -> str:
    if _DATE.fullmatch(given):
        try:
            day = date.fromisoformat(given)
            return f"{day:%A}, {day.day} {day:%B %Y}"
        except ValueError:
            return given
    if _MOMENT.match(given):
        try:
            return moment(datetime.fromisoformat(given))
        except ValueError:
            return given
    return visible(given) if given.strip() else "(empty)"


def moment(when: datetime) -> str:
    """Return a time in UTC; the browser's script writes it in the reader's own zone."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def parsed(text: str | None) -> datetime | None:
    """Return the moment of an RFC 3339 text, ``None`` for none."""
    return datetime.fromisoformat(text) if text else None


def duration(start: str | None, end: str | None) -> str:
    """Return how long something took; empty while it goes on."""
    begun, ended = parsed(start), parsed(end)
    if begun is None or ended is None:
        return ""
    seconds = max(0.0, (ended - begun).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else span(seconds)


def span(seconds: float) -> str:
    """Return a length of time in its one or two greatest units: ``2 min 3 s``, ``3 d 4 h``."""
    left, parts = int(seconds), list[str]()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def remaining(until: str | None, now: datetime) -> str:
    """Return what is left until a deadline, ``time is over`` behind it, empty without one."""
    end = parsed(until)
    if end is None:
        return ""
    seconds = (end - now).total_seconds()
    return f"{span(seconds)} left" if seconds > 0 else "time is over"


def images(count: int) -> str:
    """Return how many images came with a question; they are not shown again here."""
    return f"With {count} image{'s' if count > 1 else ''}." if count else ""


def tokens(usage: Mapping[str, Any] | None) -> str:
    if not usage or not (usage.get("input_tokens") or usage.get("output_tokens")):
        return ""
    return f"{int(usage.get('input_tokens') or 0):,} in, {int(usage.get('output_tokens') or 0):,} out"


def cost(usage: Mapping[str, Any] | None) -> str:
    """Return the cost; empty where nothing was priced. A step says it as text, a run with its currency."""
    given: Any = (usage or {}).get("cost")
    priced = cast("Mapping[str, Any]", given if isinstance(given, Mapping) else {"amount": given or 0})
    amount = float(str(priced["amount"]))
    return f"{priced.get('currency', '')} {amount:.4f}".strip() if amount else ""


def approver(who: str, me: str = "") -> str:
    """``user:bob`` → ``bob``, ``role:buyer`` → ``anyone with the role buyer``."""
    kind, _, name = who.rpartition(":")
    if kind == "role":
        return f"anyone with the role {name}"
    return "you" if me and name == me else name


def listed(items: Sequence[str]) -> str:
    """``a, b or c``."""
    return " or ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def abilities(functions: Sequence[Mapping[str, Any]]) -> str:
    """``Looks up 2 things, changes 1``; empty for an agent that only talks."""
    changes = sum(function["effect"] != "read" for function in functions)
    reads = len(functions) - changes
    looks = f"looks up {reads} thing{'s' * (reads > 1)}" if reads else ""
    does = f"changes {changes}" + ("" if reads else f" thing{'s' * (changes > 1)}") if changes else ""
    said = ", ".join(filter(None, (looks, does)))
    return said[:1].upper() + said[1:]


def answered(said: Mapping[str, Any]) -> str:
    """``alice says: it happened``."""
    return f"{said['answered_by']} says: {ANSWERS.get(str(said['answer']), said['answer'])}"


def doing(run: Mapping[str, Any]) -> str:
    """Return what a run does by itself now; empty where it has ended or waits for somebody."""
    if run["status"] == "queued":
        begun = run["usage"].get("model_turns")
        return "Waiting for a place to go on" if begun else "Waiting for a place; it begins by itself"
    return "Working" if run["status"] == "running" else ""


def cancelled(effects: Sequence[Mapping[str, Any]]) -> str:
    """Say what a run had done before it was cancelled."""
    outcomes = {effect["outcome"] for effect in effects}
    said = ["Cancelled.", "What had been done before stays done." if "done" in outcomes else ""]
    if "unknown" in outcomes:
        said.append(
            "A call that was under way was not interrupted: what became of it is noted here if it becomes known. "
            "Until then, look into its system."
        )
    return " ".join(filter(None, said)) if outcomes - {"failed"} else "Cancelled. Nothing had been changed."


def said_of(effect: Mapping[str, Any]) -> str:
    """Say what became of an effect, and on whose word where the system itself did not tell."""
    by = effect.get("answered_by")
    told = {
        ("done", "happened"): f"Done, as {by} says",
        ("unknown", "give_up"): f"Unclear whether it happened; given up by {by}",
        ("unknown", "retry"): f"Did not happen, as {by} says; it is tried again",
    }
    plain = {"done": "Done", "failed": "Did not happen", "unknown": "Unclear whether it happened"}
    outcome = str(effect["outcome"])
    return told.get((outcome, str(effect.get("answer"))), plain.get(outcome, outcome))


def line(step: Mapping[str, Any]) -> str:
    """Return what a step is doing now, in a few words; empty where nothing need be said."""
    kind, status, name = step["type"], step["status"], str(step["name"])
    if kind == "approval" and isinstance(said := step["output"], Mapping) and "answer" in said:
        return answered(cast("Mapping[str, Any]", said))
    if status == "waiting":
        return "Waiting for a decision"
    if status == "unknown":
        return f"Nobody knows what became of {name}"
    if kind == "retrieval":
        return "Searching the documents" if status == "running" else "Reading what was found"
    if kind == "function":
        return f"Asking {name}" if status == "running" else f"Reading the answer of {name}"
    return ""
