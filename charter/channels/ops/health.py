"""Liveness and readiness: each dependency by name and state."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from charter.errors import CharterError
from charter.runs.admittance import Admittance

Check = Callable[[], Awaitable[Mapping[str, Any]]]
"""Return what is worth knowing of a dependency; raise when it does not serve."""

Status = Callable[[], Mapping[str, Any]]


def told(status: Status) -> Check:
    """Return the check of what always serves and tells how."""

    async def check() -> Mapping[str, Any]:
        return status()

    return check


def routes(checks: Mapping[str, Check], admittance: Admittance, *, worker: int = 0) -> list[web.RouteDef]:
    """Return ``/healthz`` (the process lives) and ``/readyz``: 200 when every dependency serves and the host takes work,
    else 503. Where several workers share the port, each tells its number.
    """
    who = {"worker": worker} if worker else {}

    async def healthz(_: web.Request) -> web.Response:
        return _json({"status": "ok"}, 200)

    async def readyz(_: web.Request) -> web.Response:
        states = {name: await _state(check) for name, check in checks.items()}
        serves = all(state["status"] == "ok" for state in states.values())
        status = "draining" if admittance.draining else "ok" if serves else "unavailable"
        return _json({"status": status, **who, "checks": states}, 200 if status == "ok" else 503)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


async def _state(check: Check) -> dict[str, Any]:
    try:
        return {"status": "ok", **await check()}
    except CharterError as fault:
        return {"status": "unavailable", "detail": fault.detail}
    except Exception:  # noqa: BLE001 - whatever it is, this dependency does not serve
        return {"status": "unavailable", "detail": "The check itself failed."}


def _json(value: Any, status: int) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )
