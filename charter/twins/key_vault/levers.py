"""``/_twin``: the ledger, and the levers by which a laptop or a test changes the world. No cloud has these."""

from typing import Any, cast

from aiohttp import web

from charter.twins.key_vault import bodies
from charter.twins.key_vault.entering import OFFICER, USER
from charter.twins.key_vault.refusals import bad
from charter.twins.key_vault.state import VAULT, Fault


def routes() -> list[web.RouteDef]:
    return [
        web.get("/_twin/requests", _requests),
        web.put("/_twin/faults", _faults),
        web.put("/_twin/roles", _roles),
        web.put("/_twin/secrets/{name}", _set),
    ]


async def _requests(request: web.Request) -> web.Response:
    """Return the last 1,000 requests to the service itself, oldest first; never a value."""
    return web.json_response({"items": list(request.app[VAULT].ledger)})


async def _faults(request: web.Request) -> web.Response:
    """Take ``{"secrets": "hang" | "fail" | "forbidden"}``; ``{}`` heals."""
    vault, asked = request.app[VAULT], await _object(request)
    if asked.keys() - {"secrets"} or asked.get("secrets", "") not in ("", "hang", "fail", "forbidden"):
        raise bad("The part is secrets; faults are hang, fail and forbidden.")
    vault.fault = cast("Fault", asked.get("secrets", ""))
    vault.thaw()
    return web.json_response(asked)


async def _roles(request: web.Request) -> web.Response:
    """Take the whole of the roles, ``{object id: role}``."""
    asked = await _object(request)
    if set(map(str, asked.values())) - {USER, OFFICER}:
        raise bad(f"Roles are {USER} and {OFFICER}.")
    request.app[VAULT].entrance.roles = {name: str(role) for name, role in asked.items()}
    return web.json_response(asked)


async def _set(request: web.Request) -> web.Response:
    """Set a secret as the engineer at this laptop: whoever can act as the host here, which itself may only read."""
    vault = request.app[VAULT]
    claims = await vault.entrance.claims(request)
    vault.entrance.permit(claims, "getSecret/action")
    name, facts = bodies.name_of(request), await bodies.read(request, with_value=True)
    kept = vault.shelf.add(name, facts.pop("value"), facts)
    return web.json_response({"name": kept.name, "version": kept.version})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value: Any = await request.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad("The body must be a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]
