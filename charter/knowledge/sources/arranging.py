"""A flat list of names to documents: which belongs to which collection, what is a sidecar, and what is not read at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from charter.knowledge.fields import COLLECTION
from charter.knowledge.formats.suffixes import FORMATS, suffix_of
from charter.knowledge.formats.suffixes import refusal as unread
from charter.knowledge.index import Source
from charter.knowledge.sources.source import Fault, Item, Listing

LARGEST = 20_000_000
_SIDECAR = ".yaml"
_LONGEST_PATH = 1_000
_LONGEST_SHOWN = 500


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


def shown(place: str) -> str:
    """Return a place as it can be kept and told, whatever its bytes are."""
    return place.encode("utf-8", "replace").decode().replace("\0", "?")[:_LONGEST_SHOWN]


def refusal(name: str, size: int) -> str:
    """Return why a file of this name and size is not read, empty where it is. A name may be a whole path."""
    whole = name.encode("utf-8", "replace")
    if whole.decode() != name or "\0" in name:
        return "its name, or that of its folder, is no UTF-8 text; rename it"
    if len(whole) > _LONGEST_PATH:
        return f"its path is longer than {_LONGEST_PATH:,} bytes"
    pure = PurePosixPath(name)
    if pure.name == COLLECTION:
        return "it counts in a collection's own folder only"
    if pure.suffix.lower() == _SIDECAR and suffix_of(pure.stem) in FORMATS:
        return f"there is no {pure.stem} beside this sidecar"
    return unread(name) or (f"it is larger than {LARGEST // 1_000_000} MB" if size > LARGEST else "")


def arranged(tenant: str, top: str, collection: str, entries: Iterable[Entry]) -> Listing:
    """Return the documents among all that lies below ``top``. The files of fields count for their documents' versions."""
    by_path = {entry.path: entry for entry in entries if not _hidden(entry.path)}
    found = Listing()
    for path, entry in sorted(by_path.items()):
        source = _placed(path, collection)
        if source is not None and (source[1] == COLLECTION or _beside(path, by_path)):
            continue
        place = f"{top}/{path}"
        reason = "it lies in no folder, so in no collection" if source is None else refusal(path, entry.size)
        reason = reason or entry.wrong
        if reason or source is None:
            found.faults.append(Fault(tenant, shown(place), reason))
            continue
        sidecar = by_path.get(sidecar_of(path))
        common = by_path.get(path.removesuffix(source[1]) + COLLECTION)
        beside = [entry, *(each for each in (sidecar, common) if each)]
        found.items[source] = Item(
            source,
            " ".join(f"{each.path} {each.version}" for each in beside),
            entry.size,
            key=entry.key,
            place=place,
            sidecar=sidecar.key if sidecar else "",
            common=common.key if common else "",
            url=entry.url,
            readers=entry.readers,
        )
    return found


def _beside(path: str, by_path: Mapping[str, Entry]) -> bool:
    return path.endswith(_SIDECAR) and path.removesuffix(_SIDECAR) in by_path


def _placed(path: str, collection: str) -> Source | None:
    if collection:
        return collection, path
    first, _, rest = path.partition("/")
    return (first, rest) if rest else None


def _hidden(path: str) -> bool:
    return any(part.startswith((".", "~$")) for part in path.split("/"))
