"""Document libraries of SharePoint, and OneDrive: a drive of Microsoft Graph, with the permissions of its files."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from charter.knowledge.sources.arranging import LARGEST, Entry, arranged
from charter.knowledge.sources.graph import Graph
from charter.knowledge.sources.sharing import readers
from charter.knowledge.sources.source import Fault, Fetched, Item, Listing, SourceIncomplete, Terms
from charter.settings import SharePoint

_FIELDS = "id,name,size,cTag,eTag,webUrl,file,folder,package,root,deleted,parentReference"
_BATCH = 200
_EVERYBODY = ("tenant",)


class SharePointSource:
    """A drive, or a folder of it. Its files' permissions are looked at each time: a file's own tag does not know them."""

    kind = "sharepoint"

    def __init__(self, tenant: str, settings: SharePoint, graph: Graph) -> None:
        self.tenant = tenant
        # The permissions say who may read; what a document or the settings name only narrows that.
        self.terms = Terms(settings.readers or _EVERYBODY, settings.integrity)
        self._settings = settings
        self._graph = graph
        self._drive = f"/drives/{quote(settings.drive, safe='')}"
        self._folder = settings.folder.strip("/")
        self.name = f"{settings.drive}/{self._folder}".rstrip("/")

    async def look(self) -> Listing:
        listing = arranged(self.tenant, self.name, self._settings.collection, await self._files())
        await self._permit(listing)
        return listing

    async def read(self, item: Item) -> Fetched:
        keys = (item.key, item.sidecar, item.common)
        body, sidecar, common = [
            await self._graph.content(self._content(key), most=LARGEST) if key else None for key in keys
        ]
        assert body is not None
        # Asked again behind the bytes: who may read these, not those that were listed, perhaps long ago.
        status, answer = (await self._graph.batch([self._permissions(item.key)]))[0]
        if status != 200 or await self._readers(item.key, answer) != item.readers:
            raise OSError("its permissions were changed at this moment")
        return Fetched(body, sidecar, common)

    async def close(self) -> None: ...

    def _content(self, key: str) -> str:
        return f"{self._drive}/items/{quote(key, safe='')}/content"

    def _permissions(self, key: str) -> str:
        return f"{self._drive}/items/{quote(key, safe='')}/permissions"

    async def _files(self) -> list[Entry]:
        """Return all files below the folder."""
        items: dict[str, Mapping[str, Any]] = {}
        async for page in self._graph.pages(f"{self._drive}/root/delta?$select={_FIELDS}"):
            # The last word on an item counts: while pages are read, a drive goes on changing.
            items |= {str(each.get("id")): each for each in page}
        found: list[Entry] = []
        for key, item in items.items():
            path = _path(items, item) if "file" in item and "deleted" not in item else None
            if path is not None and (below := _below(path, self._folder)):
                found.append(_entry(below, key, item))
        return found

    async def _permit(self, listing: Listing) -> None:
        """Give each document the readers that the permissions of its file name."""
        waiting = list(listing.items.values())
        for start in range(0, len(waiting), _BATCH):
            several = waiting[start : start + _BATCH]
            paths = [self._permissions(item.key) for item in several]
            for item, (status, body) in zip(several, await self._graph.batch(paths), strict=True):
                await self._permitted(listing, item, status, body)

    async def _permitted(self, listing: Listing, item: Item, status: int, body: Mapping[str, Any]) -> None:
        if status == 404:  # it went while we looked
            del listing.items[item.source]
            return
        if status in (401, 403):
            raise SourceIncomplete(
                "Graph does not tell this host who may read there",
                action="Let an administrator grant this host the application permission Sites.Selected and the site.",
            )
        permitted = await self._readers(item.key, body) if status == 200 else None
        if permitted is None:
            del listing.items[item.source]
            listing.unread.add(item.source)
            listing.faults.append(Fault(self.tenant, item.place, "Graph does not tell now who may read it"))
            return
        listing.items[item.source] = replace(item, readers=permitted)

    async def _readers(self, key: str, body: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the readers that an answer about permissions names, with its further pages; nothing if it is none."""
        entries: Any = body.get("value")
        if not isinstance(entries, list):
            return None
        if "@odata.nextLink" in body:
            entries = [each async for page in self._graph.pages(self._permissions(key)) for each in page]
        return readers([each for each in entries if isinstance(each, dict)], datetime.now(UTC))  # pyright: ignore


def _entry(path: str, key: str, item: Mapping[str, Any]) -> Entry:
    version = str(item.get("cTag") or item.get("eTag") or "")
    return Entry(path, version, int(item.get("size") or 0), key=key, url=_web(item.get("webUrl")))


def _web(address: object) -> str:
    return address if isinstance(address, str) and address.startswith("https://") else ""


def _path(items: Mapping[str, Mapping[str, Any]], item: Mapping[str, Any]) -> str | None:
    """Return the path of an item below the root, by the ids of those above it: a delta tells no paths."""
    names: list[str] = []
    seen: set[str] = set()
    while "root" not in item:
        above: Mapping[str, Any] = item.get("parentReference") or {}
        key, parent = str(item.get("id")), str(above.get("id"))
        if key in seen or "deleted" in item:
            return None
        if parent not in items:
            raise SourceIncomplete("Graph names a file without its folder")
        seen.add(key)
        names.append(str(item.get("name")))
        item = items[parent]
    return "/".join(reversed(names))


def _below(path: str, folder: str) -> str:
    if not folder:
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else ""
