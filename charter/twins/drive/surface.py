"""What is asked of drives: a delta in pages, an item's permissions and content, and several questions in one."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from charter.twins.drive.library import opened
from charter.twins.drive.refusals import Refused, bad, missing
from charter.twins.drive.sharing import permissions
from charter.twins.drive.state import DRIVES, Drives

_ROLES = frozenset({"Files.Read.All", "Sites.Read.All", "Sites.Selected"})
_FIELDS = frozenset(
    [
        "id",
        "name",
        "size",
        "cTag",
        "eTag",
        "webUrl",
        "file",
        "folder",
        "package",
        "root",
        "deleted",
        "shared",
        "parentReference",
        "lastModifiedDateTime",
    ]
)
_ASKED = re.compile(r"/drives/(?P<drive>[^/?]+)/items/(?P<item>[^/?]+)/permissions")
_MOST_IN_A_BATCH = 20
_QUESTIONS = frozenset({"id", "method", "url", "headers"})

Told = tuple[int, dict[str, Any]]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/v1.0/drives/{drive}/root/delta", _for("delta", _delta)),
        web.get("/v1.0/drives/{drive}/items/{item}/permissions", _for("permissions", _permissions)),
        web.get("/v1.0/drives/{drive}/items/{item}/content", _for("content", _content)),
        web.post("/v1.0/$batch", _for("batch", _batch)),
        web.get("/content/{door}", _open),
    ]


def _for(
    kind: str, handler: Callable[[web.Request, Drives, str], Awaitable[web.Response]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        drives = request.app[DRIVES]
        try:
            tenant = await _tenant(drives, request.headers.get("Authorization", ""))
            _befall(drives, kind)
            response = await handler(request, drives, tenant)
        except Refused as refusal:
            drives.record(kind, request.path, refusal.status)
            raise
        drives.record(kind, request.path, response.status)
        return response

    return answer


async def _tenant(drives: Drives, authorization: str) -> str:
    """Return the tenant of the application that asks."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "InvalidAuthenticationToken", "Access token is empty.")
    try:
        claims = await drives.verify(token)
    except PermissionError as fault:
        raise Refused(401, "InvalidAuthenticationToken", "Access token validation failure.") from fault
    if claims.get("idtyp") != "app" or not _ROLES & set(claims.get("roles", ())):
        raise Refused(403, "accessDenied", "Access denied")
    return str(claims["tid"])


def _befall(drives: Drives, kind: str) -> None:
    part = kind if kind in drives.faults else "all"
    match drives.faults.get(part):
        case "fail":
            raise Refused(503, "serviceNotAvailable", "The service is temporarily unavailable.", wait=0)
        case "busy":
            del drives.faults[part]
            raise Refused(429, "activityLimitReached", "Too many requests.", wait=0)
        case "forbidden":
            raise Refused(403, "accessDenied", "Access denied")
        case _:
            pass


def _checked(query: Mapping[str, str], *known: str) -> None:
    if unknown := sorted(set(query) - set(known)):
        raise bad(f"The query option {unknown[0][:40]} is not supported here.")


async def _delta(request: web.Request, drives: Drives, tenant: str) -> web.Response:
    """Tell everything that is there, page by page; what became of deleted items is told to nobody who begins anew."""
    _checked(request.query, "$select", "$top", "$skiptoken")
    fields = request.query.get("$select", ",".join(sorted(_FIELDS))).split(",")
    if unknown := sorted(set(fields) - _FIELDS):
        raise bad(f"Could not find a property named '{unknown[0][:40]}' on type 'microsoft.graph.driveItem'.")
    start, top = request.query.get("$skiptoken", "0"), request.query.get("$top", str(drives.page))
    if not start.isdecimal() or not top.isdecimal() or not int(top):
        raise bad("The skiptoken or $top is invalid.")
    if int(start) and drives.faults.get("delta") == "half":
        raise Refused(503, "serviceNotAvailable", "The service is temporarily unavailable.", wait=0)
    library = opened(drives.folder, tenant, request.match_info["drive"])
    several = list(library.items())
    end = int(start) + min(int(top), drives.page)
    told = [library.told(*each) for each in several[int(start) : end]]
    value = [{name: item[name] for name in fields if name in item} for item in told]
    here = URL(f"{request.url.origin()}{request.path}")
    if end < len(several):
        link = {"@odata.nextLink": str(here.with_query({**request.query, "$skiptoken": str(end)}))}
    else:
        link = {"@odata.deltaLink": str(here.with_query({"token": "latest"}))}
    return web.json_response(
        {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Collection(driveItem)", **link, "value": value}
    )


async def _permissions(request: web.Request, drives: Drives, tenant: str) -> web.Response:
    _checked(request.query, "$skiptoken")
    start = request.query.get("$skiptoken", "0")
    if not start.isdecimal():
        raise bad("The skiptoken is invalid.")
    here = URL(f"{request.url.origin()}{request.path}")
    drive, item = request.match_info["drive"], request.match_info["item"]
    return web.json_response(_permitted(drives, tenant, drive, item, here, int(start)))


def _permitted(drives: Drives, tenant: str, drive: str, key: str, here: URL, start: int = 0) -> dict[str, Any]:
    library = opened(drives.folder, tenant, drive)
    path, _ = library.find(key)
    several, end = permissions(library.folder, path), start + drives.page
    link = {"@odata.nextLink": str(here.with_query({"$skiptoken": str(end)}))} if end < len(several) else {}
    return {**link, "value": several[start:end]}


async def _batch(request: web.Request, drives: Drives, tenant: str) -> web.Response:
    asked: Any = await request.json()
    questions: Any = asked.get("requests") if isinstance(asked, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(questions, list) or asked.keys() != {"requests"}:  # pyright: ignore[reportUnknownMemberType]
        raise bad("Invalid batch payload format.")
    if len(questions) > _MOST_IN_A_BATCH:  # pyright: ignore[reportUnknownArgumentType]
        raise bad(f"Number of batch request steps exceeds the maximum value of {_MOST_IN_A_BATCH}.")
    answers: list[dict[str, Any]] = []
    for each in questions:  # pyright: ignore[reportUnknownVariableType]
        status, body = _answered(drives, tenant, each, request.url.origin())  # pyright: ignore[reportUnknownArgumentType]
        answers.append({"id": each["id"], "status": status, "headers": {}, "body": body})
    # In any order, as Graph's come.
    return web.json_response({"responses": list(reversed(answers))})


def _answered(drives: Drives, tenant: str, question: Mapping[str, Any], here: URL) -> Told:
    try:
        if question.keys() - _QUESTIONS or question.get("method") != "GET":
            raise bad("Invalid batch payload format.")
        found = _ASKED.fullmatch(URL(question["url"]).path)
        if found is None:
            raise missing()
        _befall(drives, "permissions")
        place = here.with_path(f"/v1.0{URL(question['url']).path}")
        answer = 200, _permitted(drives, tenant, found["drive"], found["item"], place)
    except Refused as refusal:
        answer = refusal.status, refusal.body()
    drives.record("permissions", str(question.get("url")), answer[0])
    return answer


async def _content(request: web.Request, drives: Drives, tenant: str) -> web.Response:
    """Lead to where the bytes are, which is open to whoever knows the address."""
    _checked(request.query)
    library = opened(drives.folder, tenant, request.match_info["drive"])
    path, place = library.find(request.match_info["item"])
    if not place.is_file():
        raise bad("The item is not a file.")
    door = drives.door(tenant, library.drive, library.key(path))
    return web.Response(status=302, headers={"Location": f"{request.url.origin()}/content/{door}"})


async def _open(request: web.Request) -> web.Response:
    drives = request.app[DRIVES]
    if "Authorization" in request.headers:
        # The real place knows nothing of Graph's tokens, and refuses them.
        raise Refused(401, "unauthenticated", "This address takes no token.")
    tenant, drive, key = drives.doors.pop(request.match_info["door"], ("", "", ""))
    _, place = opened(drives.folder, tenant, drive).find(key)
    body = place.read_bytes()
    drives.record("bytes", place.name, 200)
    return web.Response(body=body, content_type="application/octet-stream")
