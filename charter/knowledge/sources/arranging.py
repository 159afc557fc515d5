"""A flat list of names to documents: which belongs to which collection, what is a sidecar, and what is not read at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from charter.knowledge.index import Source
from charter.knowledge.reading import MARKDOWN, PDF
from charter.knowledge.sources.source import Fault, Item, Listing

LARGEST = 20_000_000
_SIDECAR = ".yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something at ``path`` below the top of a source. ``wrong``: why it is not read, where its source knows that."""

    path: str
    version: str
    size: int
    key: str
    url: str = ""
    readers: tuple[str, ...] | None = None
    wrong: str = ""


def sidecar_of(name: str) -> str:
    """Return the name of the file that has the fields of the file of this name."""
    return name + _SIDECAR


def refusal(name: str, size: int) -> str:
    """Return why a file of this name and size is not read, empty where it is."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == _SIDECAR and PurePosixPath(name).stem.lower().endswith(PDF):
        return "there is no PDF beside this sidecar"
    if suffix not in MARKDOWN and suffix != PDF:
        return "only Markdown (.md) and PDF (.pdf) are read"
    return f"it is larger than {LARGEST // 1_000_000} MB" if size > LARGEST else ""


def arranged(tenant: str, top: str, collection: str, entries: Iterable[Entry]) -> Listing:
    """Return the documents among all that lies below ``top``. A sidecar counts for its document's version."""
    by_path = {entry.path: entry for entry in entries if not _hidden(entry.path)}
    found = Listing()
    for path, entry in sorted(by_path.items()):
        if path.endswith(_SIDECAR) and path.removesuffix(_SIDECAR) in by_path:
            continue
        source = _placed(path, collection)
        place = f"{top}/{path}"
        reason = "it lies in no folder, so in no collection" if source is None else refusal(path, entry.size)
        reason = reason or entry.wrong
        if reason or source is None:
            found.faults.append(Fault(tenant, place, reason))
            continue
        beside = by_path.get(sidecar_of(path))
        version = f"{entry.version} {beside.version}" if beside else entry.version
        found.items[source] = Item(
            source, version, entry.size, key=entry.key, place=place, url=entry.url, readers=entry.readers
        )
    return found


def _placed(path: str, collection: str) -> Source | None:
    if collection:
        return collection, path
    first, _, rest = path.partition("/")
    return (first, rest) if rest else None


def _hidden(path: str) -> bool:
    return any(part.startswith((".", "~$")) for part in path.split("/"))
