"""Tenants that are made while the twin runs, kept as files so that they are there after a restart."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import pydantic
from aiohttp import web

from charter.twins.entra.people import People
from charter.twins.entra.state import TWIN

_RESERVED = frozenset({"cluster", "common", "consumers", "graph", "metadata", "msi", "organizations"})
_Name = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class Entry(pydantic.BaseModel):
    """A person or workload as ``people.yaml`` has them."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: str
    title: str
    roles: list[str] = []
    groups: list[str] = []
    manager: str | None = None


class NewTenant(pydantic.BaseModel):
    """A tenant and who is in it; a manager is one of its people."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: _Name
    people: dict[_Name, Entry] = {}
    workloads: dict[_Name, Entry] = {}

    @pydantic.model_validator(mode="after")
    def _whole(self) -> "NewTenant":
        if self.name in _RESERVED:
            raise ValueError(f"{self.name} is a path of the twin")
        for identity, entry in (self.people | self.workloads).items():
            if entry.manager is not None and entry.manager not in self.people:
                raise ValueError(f"{entry.manager}, the manager of {identity}, is none of the people")
        return self

    def listed(self) -> dict[str, Any]:
        return self.model_dump(exclude={"name"})


def add_kept(folder: Path, people: People) -> None:
    """Add the tenants of earlier starts."""
    for path in sorted((folder / "tenants").glob("*.json")):
        people.add(path.stem, orjson.loads(path.read_bytes()))


def routes() -> list[web.RouteDef]:
    return [web.post("/_twin/tenants", _create)]


async def _create(request: web.Request) -> web.Response:
    """Take ``{"name", "people": {"wendy": {"name", "title", ...}}, "workloads"}``; all sign in at once."""
    twin = request.app[TWIN]
    try:
        asked = NewTenant.model_validate_json(await request.read())
        made = twin.people.add(asked.name, asked.listed())
    except pydantic.ValidationError as wrong:
        return web.json_response({"error": str(wrong)}, status=422)
    except ValueError as taken:
        return web.json_response({"error": str(taken)}, status=409)
    twin.clients.register(made)
    _keep(twin.folder / "tenants" / f"{asked.name}.json", asked)
    return web.json_response({"name": asked.name, "people": [account.id for account in made]}, status=201)


def _keep(path: Path, asked: NewTenant) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".new")  # renamed when whole: a kill leaves no half a tenant
    half.write_bytes(orjson.dumps(asked.listed()))
    half.replace(path)
