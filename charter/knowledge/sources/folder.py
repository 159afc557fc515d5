"""Folders of documents: ``<root>/<collection>/…/<file>``, one root or more for each tenant."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from charter.knowledge.fields import COLLECTION
from charter.knowledge.sources.arranging import LARGEST, Names, refusal, shown, sidecar_of
from charter.knowledge.sources.source import Fault, Fetched, Item, Listing, SourceIncomplete, Terms
from charter.settings import Settings

_OWN_WORD = Terms(integrity="trusted")
"""Who can write into a folder of the host is believed: its documents say themselves whether they are trusted."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder whose folders are a tenant's collections."""

    tenant: str
    folder: Path
    terms: Terms = _OWN_WORD

    @property
    def kind(self) -> str:
        return "folder"

    @property
    def name(self) -> str:
        return str(self.folder)

    async def look(self) -> Listing:
        return await asyncio.to_thread(_look, self)

    async def read(self, item: Item) -> Fetched:
        return await asyncio.to_thread(_fetched, item)

    async def close(self) -> None: ...


def roots_of(settings: Settings) -> list[Root]:
    """Return the libraries of the plugins (``<plugin>/library/<tenant>``), then the folders that settings name."""
    libraries = [path for house in settings.plugin_folders for path in sorted(house.glob("*/library/*"))]
    named = (Root(tenant, folder) for tenant, folders in settings.knowledge.folders.items() for folder in folders)
    return [*(Root(folder.name, folder) for folder in libraries if folder.is_dir()), *named]


def _look(root: Root) -> Listing:
    """Look through the root and take the digest of every document."""
    folder, found = root.folder, Listing()
    collections = sorted(entry for entry in folder.glob("*") if entry.is_dir() and not entry.name.startswith("."))
    if not collections:
        # An unmounted share looks like an empty folder; emptying the index would be the wrong answer to it.
        raise SourceIncomplete("there is no such folder, or no collection in it; nothing was removed")
    for collection in collections:
        everything = _everything(collection)
        names = Names(map(str, everything))
        for path in _files(collection, everything):
            _note(found, root, collection, path, names)
    return found


def _note(found: Listing, root: Root, collection: Path, path: Path, names: Names) -> None:
    """Add a file, or the reason why not, to what was found."""
    source = (collection.name, path.relative_to(collection).as_posix())
    sidecar, common = path.with_name(sidecar_of(path.name)), collection / COLLECTION
    try:
        size = path.stat().st_size
        reason = refusal(path.relative_to(root.folder).as_posix(), size) or _strays(root.folder, path)
        reason = reason or names.misnamed(str(path), str(common)) or _unfit(sidecar) or _unfit(common)
        if not reason:
            item = Item(
                source, "", size, key=str(path), place=str(path), sidecar=_existing(sidecar), common=_existing(common)
            )
            found.items[source] = replace(item, version=_digest(item))
            return
    except OSError as fault:
        reason = f"it cannot be read ({fault.strerror})"
        found.unread.add(source)
    found.faults.append(Fault(root.tenant, shown(str(path)), reason))


def _unfit(beside: Path) -> str:
    """Return why a document is not read for the sake of a file of fields that is there and cannot be one."""
    if not (beside.is_symlink() or beside.exists()):
        return ""
    if not beside.is_file():
        return f"{beside.name} is no file"
    return f"{beside.name} is larger than {LARGEST // 1_000_000} MB" if beside.stat().st_size > LARGEST else ""


def _existing(path: Path) -> str:
    return str(path) if path.exists() else ""


def _strays(root: Path, path: Path) -> str:
    return "" if path.resolve().is_relative_to(root.resolve()) else "it is a link out of its folder"


def _everything(collection: Path) -> list[Path]:
    """Return all that is below a collection but folders.

    Raises:
        OSError: a folder cannot be looked into; what is in it is not to be forgotten.
    """

    def fail(fault: OSError) -> None:
        raise fault

    return sorted(Path(top, name) for top, _, names in os.walk(collection, onerror=fail) for name in names)


def _files(collection: Path, everything: Iterable[Path]) -> Iterator[Path]:
    for path in everything:
        hidden = any(part.startswith((".", "~$")) for part in path.relative_to(collection).parts)
        beside = path.suffix == ".yaml" and path.with_suffix("").exists()
        if path.is_file() and not hidden and not beside and path != collection / COLLECTION:
            yield path


def _fetched(item: Item) -> Fetched:
    beside = (Path(key).read_bytes() if key else None for key in (item.sidecar, item.common))
    return Fetched(Path(item.key).read_bytes(), *beside)


def _digest(item: Item) -> str:
    content = _fetched(item)
    # An empty file is another thing than none: its fields count.
    beside = (b"" if part is None else b"=" + part for part in (content.sidecar, content.common))
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in (content.body, *beside))).hexdigest()
