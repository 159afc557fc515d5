"""The files that a run is pinned to: everything that decides how an agent behaves, byte for byte, and their digest.

Addresses of business systems are no part of it: moving one changes no behaviour. Sandboxes and libraries of documents
are none either, and neither are the rules of the house, which bind every run at once.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import orjson

from charter.catalog.mistake import Mistake
from charter.catalog.spec import PluginSpec

_AGENT = ("agent.yaml", "policy.cedar")
_PLUGIN = ("plugin.yaml", "policy.cedar")


def files(agent: Path, instructions: Path, plugins: Iterable[PluginSpec], mistakes: list[Mistake]) -> dict[str, str]:
    """Return the bundle's files as texts by their paths: ``agents/<name>/agent.yaml``, ``plugins/<name>/plugin.yaml``.

    What is not UTF-8 text goes to ``mistakes``: it could not be kept.
    """
    found: dict[str, str] = {}
    for path, file in sorted(_named(agent, instructions, plugins)):
        text = _text(file)
        if text is None:
            mistakes.append(Mistake(file, 1, "The file is not UTF-8 text.", "Save it as UTF-8."))
        else:
            found[path] = text
    return found


def digest(kept: Mapping[str, str]) -> str:
    """Return ``sha256:…`` over the files; no other files have it."""
    return "sha256:" + hashlib.sha256(orjson.dumps(dict(kept), option=orjson.OPT_SORT_KEYS)).hexdigest()


def lay_out(root: Path, name: str, kept: Mapping[str, str]) -> Path:
    """Write the files below ``root/name``, all or none, and return that folder; where they lie already, leave them.

    Raises:
        ValueError: a path leads elsewhere.
        OSError: they cannot be written.
    """
    folder = root / name
    for path in kept:
        parts = PurePosixPath(path).parts
        if len(parts) != 3 or parts[0] not in {"agents", "plugins"} or ".." in parts:
            raise ValueError(path)
    if _holds(folder, kept):
        return folder
    root.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=root))
    try:
        for path, text in kept.items():
            file = fresh / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        # Another process may lay out the same; whoever comes second finds it done.
        if not _holds(folder, kept):
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    except OSError:
        if not _holds(folder, kept):
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _named(agent: Path, instructions: Path, plugins: Iterable[PluginSpec]) -> Iterator[tuple[str, Path]]:
    for file in (*(agent / name for name in _AGENT), instructions):
        if file.is_file():
            yield f"agents/{agent.name}/{file.name}", file
    for plugin in plugins:
        for file in _of_plugin(plugin):
            yield f"plugins/{plugin.name}/{file.relative_to(plugin.folder).as_posix()}", file


def _of_plugin(plugin: PluginSpec) -> set[Path]:
    named = {plugin.folder / name for name in _PLUGIN}
    if plugin.document:
        named.add(plugin.document)
    if plugin.module:
        named.update(file for file in plugin.folder.glob("*.py") if file != plugin.sandbox)
    return {file for file in named if file.is_file()}


def _text(file: Path) -> str | None:
    try:
        text = file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\x00" in text else text


def _holds(folder: Path, kept: Mapping[str, str]) -> bool:
    lying = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    return lying == set(kept) and all((folder / path).read_bytes() == text.encode() for path, text in kept.items())
