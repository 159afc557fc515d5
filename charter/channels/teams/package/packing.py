"""Make the package and check it; what is not in order is never written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from charter.catalog.spec import AgentSpec
from charter.channels.teams.package import archive, files, manifest, rules, shape, starters, texts
from charter.channels.teams.package.manifest import COLOR, OUTLINE, Wanted
from charter.channels.teams.package.starters import Starter
from charter.errors import FieldError, InvalidRequest

ICONS = Path(__file__).parent / "icons"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Package:
    """``content`` is the zip file. ``left_out`` are the starters that had no place in it."""

    content: bytes
    manifest: Json
    starters: Sequence[Starter]
    left_out: Sequence[Starter]


def pack(wanted: Wanted, agents: Iterable[AgentSpec], *, icons: Path = ICONS, production: bool) -> Package:
    """Make the package.

    Raises:
        InvalidRequest: Teams would refuse it, or people would find nobody; each fault has its place and sentence.
    """
    chosen = starters.choose(agents, manifest.PLACES)
    told = texts.read()
    body = manifest.write(wanted, told, chosen.taken)
    beside = {manifest.file_of(each): _json(manifest.translated(body, each)) for each in told[1:]}
    beside |= {name: content for name in (COLOR, OUTLINE) if (content := _content(icons / name)) is not None}
    if found := faults(body, beside, production=production):
        raise InvalidRequest(
            "The app package would not do in Teams, and was not written.",
            action="Mend what is named here: each part of it comes from an option or a setting of the command.",
            errors=found,
        )
    return Package(archive.packed({files.MANIFEST: _json(body), **beside}), body, chosen.taken, chosen.left_out)


def faults(body: Json, beside: Mapping[str, bytes], *, production: bool) -> list[FieldError]:
    """Look at a whole package, ``beside`` being its other files. What is of the wrong shape is looked at no further."""
    if found := list(shape.faults(body)):
        return found
    return [*rules.faults(body, production=production), *files.faults(body, beside)]


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _json(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
