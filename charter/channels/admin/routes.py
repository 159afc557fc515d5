"""The operators' door: parse, call the administration, render."""

import base64
import binascii
from typing import Any

import orjson
from aiohttp import web

from charter.channels.admin.schemas import ChangeTenant, CreateTenant, Suspend
from charter.channels.admin.sending import sent
from charter.channels.admin.shapes import as_json
from charter.channels.reading import body, context, whole
from charter.errors import FieldError, InvalidRequest
from charter.runs.service import RunService
from charter.tenancy.administration import Administration
from charter.tenancy.export import Export

_LINES = "application/x-ndjson"


def routes(administration: Administration, export: Export, service: RunService) -> list[web.RouteDef]:
    door = _Door(administration, export, service)
    return [
        web.get("/v1/admin/tenants", door.tenants),
        web.post("/v1/admin/tenants", door.create),
        web.get("/v1/admin/tenants/{tenant}", door.tenant),
        web.patch("/v1/admin/tenants/{tenant}", door.change),
        web.post("/v1/admin/tenants/{tenant}/suspend", door.suspend),
        web.post("/v1/admin/tenants/{tenant}/resume", door.resume),
        web.get("/v1/admin/tenants/{tenant}/export", door.export),
        web.get("/v1/admin/feedback", door.feedback),
    ]


class _Door:
    def __init__(self, administration: Administration, export: Export, service: RunService) -> None:
        self._administration = administration
        self._export = export
        self._service = service

    async def tenants(self, request: web.Request) -> web.Response:
        after, limit = _after(request.query.get("cursor")), whole(request, "limit", 50, least=1, most=200)
        found, last = await self._administration.listing(context(request), after=after, limit=limit)
        return _json({"items": [as_json(tenant) for tenant in found], "next": _cursor(last)})

    async def create(self, request: web.Request) -> web.Response:
        asked = await body(request, CreateTenant)
        tenant, new = await self._administration.create(
            context(request), asked.id, name=asked.name, directory=asked.directory, settings=asked.settings
        )
        headers = {"Location": f"/v1/admin/tenants/{tenant.id}"}
        return _json(as_json(tenant), status=201 if new else 200, headers=headers)

    async def tenant(self, request: web.Request) -> web.Response:
        return _json(as_json(await self._administration.get(context(request), request.match_info["tenant"])))

    async def change(self, request: web.Request) -> web.Response:
        asked = await body(request, ChangeTenant)
        given = {name: getattr(asked, name) for name in asked.model_fields_set - {"settings"}}
        if given.get("name", "") is None:
            raise InvalidRequest("A tenant has a name.", errors=[FieldError("/name", "leave it out, or give one")])
        tenant = request.match_info["tenant"]
        return _json(as_json(await self._administration.change(context(request), tenant, given, asked.settings)))

    async def suspend(self, request: web.Request) -> web.Response:
        asked = await body(request, Suspend)
        tenant = request.match_info["tenant"]
        return _json(as_json(await self._administration.suspend(context(request), tenant, asked.reason)))

    async def resume(self, request: web.Request) -> web.Response:
        return _json(as_json(await self._administration.resume(context(request), request.match_info["tenant"])))

    async def export(self, request: web.Request) -> web.StreamResponse:
        tenant = (await self._administration.get(context(request), request.match_info["tenant"])).id
        if request.method == "HEAD":
            return web.Response(content_type=_LINES)
        name = f'attachment; filename="{tenant}.ndjson"'
        headers = {"Content-Type": _LINES, "Cache-Control": "no-store", "Content-Disposition": name}
        with self._export.begun(tenant):
            await self._administration.exported(context(request), tenant)
            return await sent(request, self._export.lines(tenant), headers)

    async def feedback(self, request: web.Request) -> web.Response:
        page = await self._service.feedback_given(
            context(request),
            reaction=request.query.get("reaction"),
            agent=request.query.get("agent"),
            cursor=request.query.get("cursor"),
            limit=whole(request, "limit", 50, least=1, most=200),
        )
        return _json({"items": [given.as_json() for given in page.items], "next": page.next})


def _json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", headers=headers)


def _cursor(last: str | None) -> str | None:
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=") if last else None


def _after(cursor: str | None) -> str:
    try:
        return base64.urlsafe_b64decode((cursor or "") + "=" * (-len(cursor or "") % 4)).decode()
    except (ValueError, binascii.Error) as fault:
        raise InvalidRequest(
            "The cursor is not one of ours.", errors=[FieldError("/cursor", "take it from next")]
        ) from fault
