"""A flat list of names to documents: which belongs to which collection, what is a sidecar, and what is not read at all."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from unicodedata import normalize

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


class Names:
    """The names in a source, to tell a file of fields whose name is not quite right: what it says would not count."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._folded: dict[str, list[str]] = {}
        for path in self._paths:
            self._folded.setdefault(_folded(path), []).append(path)

    def misnamed(self, path: str, common: str) -> str:
        """Return why a document is not read beside which, or at whose collection's ``common`` place, such a file lies;
        empty where there is none.
        """
        for right in (sidecar_of(path), common):
            for name in (right, right.removesuffix(_SIDECAR) + ".yml"):
                for other in self._folded.get(_folded(name), ()):
                    # Where names differ in case alone, each may have a sidecar of its own.
                    if other != right and not _beside(other, self._paths):
                        return f"write {PurePosixPath(right).name}, not {shown(PurePosixPath(other).name)}"
        return ""


def _folded(path: str) -> str:
    return normalize("NFC", path).casefold()


def arranged(tenant: str, top: str, collection: str, entries: Iterable[Entry]) -> Listing:
    """Return the documents among all that lies below ``top``. The files of fields count for their documents' versions."""
    by_path = {entry.path: entry for entry in entries if not _hidden(entry.path)}
    found, names = Listing(), Names(by_path)
    for path, entry in sorted(by_path.items()):
        source = _placed(path, collection)
        if source is not None and (source[1] == COLLECTION or _beside(path, by_path)):
            continue
        place = f"{top}/{path}"
        reason = "it lies in no folder, so in no collection" if source is None else refusal(path, entry.size)
        at = path.removesuffix(source[1]) + COLLECTION if source else ""
        reason = reason or entry.wrong or names.misnamed(path, at)
        if reason or source is None:
            found.faults.append(Fault(tenant, shown(place), reason))
            continue
        sidecar, common = by_path.get(sidecar_of(path)), by_path.get(at)
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


def _beside(path: str, paths: Container[str]) -> bool:
    return path.endswith(_SIDECAR) and path.removesuffix(_SIDECAR) in paths


def _placed(path: str, collection: str) -> Source | None:
    if collection:
        return collection, path
    first, _, rest = path.partition("/")
    return (first, rest) if rest else None


def _hidden(path: str) -> bool:
    return any(part.startswith((".", "~$")) for part in path.split("/"))
