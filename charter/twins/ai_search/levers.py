"""``/_twin``: the ledger, and the levers by which a laptop or a test changes the world. No cloud has these."""

from collections.abc import Mapping
from typing import Any, cast

from aiohttp import web

from charter.twins.ai_search.entering import CONTRIBUTOR, DATA, DATA_READER
from charter.twins.ai_search.refusals import bad
from charter.twins.ai_search.state import SERVICE, Fault
from charter.twins.ai_search.surface import body_of

PARTS = frozenset({"define", "write", "read"})
_FAULT = frozenset({"status", "times", "after", "retry_after"})


def routes() -> list[web.RouteDef]:
    return [
        web.get("/_twin/requests", _requests),
        web.put("/_twin/faults", _faults),
        web.put("/_twin/failing", _failing),
        web.put("/_twin/lag", _lag),
        web.put("/_twin/roles", _roles),
        web.put("/_twin/keys", _keys),
    ]


async def _requests(request: web.Request) -> web.Response:
    """Return the last requests to the service itself, oldest first; of a query what was asked, never a token."""
    return web.json_response({"items": list(request.app[SERVICE].ledger)})


async def _faults(request: web.Request) -> web.Response:
    """Take the whole of the faults, ``{"define" | "write" | "read": {"status", "times", "after", "retry_after"}}``.

    Status 0 breaks the connection; -1 hangs until the next order. ``{}`` heals.
    """
    asked, service = await body_of(request), request.app[SERVICE]
    if asked.keys() - PARTS:
        raise bad("The parts are define, write and read.")
    service.faults = {part: _fault(each) for part, each in asked.items()}
    service.thaw()
    return web.json_response(asked)


async def _failing(request: web.Request) -> web.Response:
    """Take the whole of what befalls single documents, by the beginning of their keys; as with ``faults`` otherwise."""
    asked = await body_of(request)
    request.app[SERVICE].failing = {part: _fault(each) for part, each in asked.items()}
    return web.json_response(asked)


async def _lag(request: web.Request) -> web.Response:
    """Take ``{"documents", "aliases"}`` in seconds: how late a write is found, and how late an alias changes."""
    asked, service = await body_of(request), request.app[SERVICE]
    service.document_lag = float(asked.get("documents", 0))
    service.alias_lag = float(asked.get("aliases", 0))
    return web.json_response(asked)


async def _roles(request: web.Request) -> web.Response:
    """Take the whole of the roles, ``{object id: [role]}``."""
    asked = await body_of(request)
    named = {str(role) for roles in asked.values() for role in roles}
    if named - {CONTRIBUTOR, DATA, DATA_READER}:
        raise bad(f"Roles are {CONTRIBUTOR}, {DATA} and {DATA_READER}.")
    request.app[SERVICE].entrance.roles = {name: frozenset(map(str, roles)) for name, roles in asked.items()}
    return web.json_response(asked)


async def _keys(request: web.Request) -> web.Response:
    """Take ``{"keys": []}``, the whole of the keys that let in."""
    asked = await body_of(request)
    request.app[SERVICE].entrance.keys = frozenset(map(str, asked.get("keys", [])))
    return web.json_response({"keys": len(asked.get("keys", []))})


def _fault(given: Any) -> Fault:
    members = cast("Mapping[str, Any]", given if isinstance(given, dict) else {})
    if members.keys() - _FAULT or "status" not in members:
        raise bad("A fault has status, times, after and retry_after.")
    return Fault(members["status"], members.get("times", 1), members.get("after", 0), members.get("retry_after"))
