"""Folders of documents: ``<root>/<collection>/…/<file>``, one root or more for each tenant."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from charter.knowledge.fields import COLLECTION
from charter.knowledge.formats.suffixes import FORMATS, refusal
from charter.knowledge.index import Source
from charter.knowledge.reading import File
from charter.settings import Settings

_LARGEST = 20_000_000
_READING = "2"
"""Changes when the same bytes would be read or cut otherwise; then every document is read again."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder whose folders are a tenant's collections."""

    tenant: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not searched, and why: a sentence for its author."""

    tenant: str
    path: str
    reason: str


@dataclass(slots=True)
class Found:
    """What lies in the roots of one tenant. ``complete`` is false when a root is missing: then nothing is forgotten."""

    files: dict[Source, tuple[Path, str]] = field(default_factory=dict[Source, tuple[Path, str]])
    unread: set[Source] = field(default_factory=set[Source])
    faults: list[Fault] = field(default_factory=list[Fault])
    complete: bool = True


def roots_of(settings: Settings) -> list[Root]:
    """Return the libraries of the plugins (``<plugin>/library/<tenant>``), then the folders that settings name."""
    libraries = [path for house in settings.plugin_folders for path in sorted(house.glob("*/library/*"))]
    named = (Root(tenant, folder) for tenant, folders in settings.knowledge.folders.items() for folder in folders)
    return [*(Root(folder.name, folder) for folder in libraries if folder.is_dir()), *named]


def look(tenant: str, roots: Sequence[Path]) -> Found:
    """Look through the roots of a tenant and take the digest of every document."""
    found = Found()
    for root in roots:
        collections = sorted(entry for entry in root.glob("*") if entry.is_dir() and not entry.name.startswith("."))
        if not collections:
            # An unmounted share looks like an empty folder; emptying the index would be the wrong answer to it.
            found.complete = False
            reason = "there is no such folder, or no collection in it; nothing was removed"
            found.faults.append(Fault(tenant, str(root), reason))
        for collection in collections:
            for path in _files(collection):
                _note(found, tenant, root, (collection.name, path.relative_to(collection).as_posix()), path)
    return found


def load(tenant: str, source: Source, path: Path, digest: str) -> File:
    """Read one file that ``look`` has found.

    Raises:
        OSError: it cannot be read any more.
    """
    defaults = _defaults(path, source)
    return File(tenant, *source, path.read_bytes(), _content(_sidecar(path)), digest, _content(defaults))


def _note(found: Found, tenant: str, root: Path, source: Source, path: Path) -> None:
    """Add a file, or the reason why not, to what was found."""
    try:
        reason = _refusal(root, path) or ("another folder has the same document" if source in found.files else "")
        if not reason:
            found.files[source] = (path, _digest(path, source))
            return
    except OSError as fault:
        reason = f"it cannot be read ({fault.strerror})"
        found.unread.add(source)
    found.faults.append(Fault(tenant, str(path), reason))


def _refusal(root: Path, path: Path) -> str:
    if path.name == COLLECTION:
        return "it counts in a collection's own folder only"
    if path.suffix.lower() == ".yaml" and path.with_suffix("").suffix.lower() in FORMATS:
        return f"there is no {path.stem} beside this sidecar"
    if reason := refusal(path.name):
        return reason
    if not path.resolve().is_relative_to(root.resolve()):
        return "it is a link out of its folder"
    return f"it is larger than {_LARGEST // 1_000_000} MB" if path.stat().st_size > _LARGEST else ""


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        beside = path.suffix == ".yaml" and path.with_suffix("").exists()
        if path.is_file() and not hidden and not beside and path != folder / COLLECTION:
            yield path


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".yaml")


def _defaults(path: Path, source: Source) -> Path:
    """Return where the collection of a file would say what counts for all of its documents."""
    below = len(PurePosixPath(source[1]).parts)
    return path.parents[below - 1] / COLLECTION


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _digest(path: Path, source: Source) -> str:
    beside = (_content(_sidecar(path)), _content(_defaults(path, source)))
    # An empty file is another thing than none: its fields count.
    parts: Iterable[bytes] = (
        _READING.encode(), path.read_bytes(), *(b"" if part is None else b"=" + part for part in beside)
    )  # fmt: skip
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()
