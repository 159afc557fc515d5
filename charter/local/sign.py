"""What a laptop's start prints: what runs, who you can be, where to click."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.local.people import Person


def sign(
    address: str, running: Mapping[str, str], people: Sequence[Person], level: Mapping[str, Any], *, workers: int = 1
) -> str:
    """Return the text; short enough for one screen."""
    width = max(len(name) for name in running)
    ready = "Charter is ready." if workers == 1 else f"Charter is ready: {workers} workers share the port."
    lines = ["", f"  {ready}", "", f"  Open {address}/console", ""]
    lines += [f"    {name:<{width}}  {where}" for name, where in running.items()]
    lines += ["", f"  Model: {_level(level)}"]
    lines += ["  Documents: read in the background; the first time this takes some seconds.", "", "  You can be:"]
    for tenant in sorted({p.tenant for p in people}):
        members = [p for p in people if p.tenant == tenant]
        lines += [f"    {tenant:<10} " + ", ".join(f"{p.name} ({p.title})" for p in members)]
    lines += [
        "",
        "  From another terminal:",
        '    .venv/bin/charter run --as alice employee_assistant "How many days of annual leave do I have left?"',
        f'    curl -H "Authorization: Bearer $(.venv/bin/charter token --as alice)" {address}/v1/agents',
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)


def _level(level: Mapping[str, Any]) -> str:
    names = {"yours": "your model", "embedded": "embedded 1.5B + assistance", "assistance": "assistance only"}
    text = names.get(str(level.get("level")), str(level.get("level")))
    name, size = level.get("name"), float(level.get("total") or 0) / 1e9
    coming = {"fetching": "is being fetched", "loading": "is being loaded"}.get(str(level.get("state")))
    if coming and name:
        text += f"; {name} ({size:.1f} GB, {level.get('licence')}) {coming} in the background and takes over by itself"
    return f"{text}; {level['detail']}" if level.get("detail") else text
