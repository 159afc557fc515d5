"""Whether the folders of agents and plugins are as they were: names, times and sizes, without reading a file."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]

_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".cedar", ".py", ".md"})


def stamp(folders: Iterable[Path]) -> Stamp:
    """Return what changes whenever a file of an agent or plugin does: path, time in nanoseconds, size, inode.

    Only the files that lie directly in each one's folder: libraries of documents beneath may be large.
    """
    return tuple(sorted(mark for folder in folders for mark in _marks(folder)))


def _marks(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for member in _lying(folder):
        if not member.name.startswith((".", "__")):
            for file in _lying(member):
                if file.suffix in _SUFFIXES and not file.name.startswith("."):
                    yield from _mark(file)


def _lying(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _mark(file: Path) -> Iterator[tuple[str, int, int, int]]:
    # What goes away while it is looked at is not there; the next look will say so too.
    try:
        told = file.stat()
    except OSError:
        return
    yield str(file), told.st_mtime_ns, told.st_size, told.st_ino
