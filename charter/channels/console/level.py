"""How well the host can answer now: the level that a person always sees, and the way of the weights to it."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from charter.channels.console.desk import desk, signed_in

_LABELS = {
    "yours": "Your model",
    "embedded": "Embedded {size}+ assistance",
    "assistance": "Assistance only",
}
_MEANINGS = {
    "yours": "Answers are written by the model your organisation has connected.",
    "embedded": "A small model works inside this host, with rules that find the function and the values. "
    "Receipts come from the business systems and quotations from the documents, never from the model.",
    "assistance": "No language model answers. Charter matches your words to what the agent can do, asks for what is missing, "
    "and quotes documents word for word.",
}


def view(status: Mapping[str, Any], level: str | None = None) -> dict[str, Any]:
    """Return what the badge shows. ``level`` is that of the agent at hand, where there is one."""
    now = str(level or status.get("level", "assistance"))
    name = str(status.get("name") or "")
    received, total = int(status.get("received") or 0), int(status.get("total") or 0)
    # Whoever has a model of their own does not wait for the embedded one.
    state = "serving" if now == "yours" else str(status.get("state", "serving"))
    return {
        "level": now,
        "label": _LABELS.get(now, now).format(size="0.5B " if "0.5b" in name.lower() else "1.5B "),
        "meaning": _MEANINGS.get(now, ""),
        "state": state,
        "model": " · ".join(filter(None, (name, str(status.get("licence") or "")))),
        "news": "" if now == "yours" else _news(state, received, total, str(status.get("detail") or "")),
        "percent": min(100, received * 100 // total) if state == "fetching" and total else None,
        "moving": state in {"fetching", "loading"},
    }


def _news(state: str, received: int, total: int, detail: str) -> str:
    match state:
        case "fetching" if total:
            return f"The embedded model is on its way: {received // 1_000_000:,} of {total // 1_000_000:,} MB. It takes over by itself."
        case "fetching":
            return "The embedded model is on its way. It takes over by itself."
        case "loading":
            return "The embedded model has arrived and is being loaded."
        case "failed":
            return f"The embedded model could not be had. {detail}".strip()
        case _:
            return detail


def of(request: web.Request, agent: str | None = None) -> dict[str, Any]:
    """Return the badge for this person's request; an agent may have a model of its own. Where none is at hand, the embedded
    one is told of, unless no agent needs it.
    """
    parts, ctx = desk(request), signed_in(request).ctx
    if agent:
        return view(parts.level_status(), parts.service.agent(ctx, agent)["model"]["level"])
    levels = {each["model"]["level"] for each in parts.service.agents(ctx)}
    return view(parts.level_status(), "yours" if levels == {"yours"} else None)


async def show(request: web.Request) -> web.Response:
    return web.json_response(of(request, request.query.get("agent")))


def routes() -> list[web.RouteDef]:
    return [web.get("/level", show, name="level")]
