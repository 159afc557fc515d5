"""A package that is in order, to be broken in one place, and pictures to break it with."""

import copy
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from charter.catalog import loader
from charter.channels.teams.package import archive, packing
from charter.channels.teams.package.manifest import Developer, Wanted
from charter.settings import read

BOT = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER = "9f8e7d6c-1111-4222-8333-444455556666"
SITE = "https://charter.contoso.com"
DEVELOPER = Developer("Contoso", f"{SITE}/about", f"{SITE}/privacy", f"{SITE}/terms")


def wanted(**changes: Any) -> Wanted:
    given: dict[str, Any] = {"client_id": BOT, "version": "1.2.0", "public_url": SITE, "developer": DEVELOPER}
    return Wanted(**(given | changes))


@dataclass
class Content:
    """A package's files, the manifest and those of other languages read."""

    manifest: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)

    def language(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        told = orjson.loads(self.files[name])
        change(told)
        self.files[name] = orjson.dumps(told)

    def commands(self, index: int = 0) -> list[dict[str, Any]]:
        return self.bot["commandLists"][index]["commands"]

    @property
    def bot(self) -> dict[str, Any]:
        return self.manifest["bots"][0]


def packed(**changes: Any) -> packing.Package:
    return packing.pack(wanted(**changes), loader.load(read()).agents.values(), production=True)


def content(package: packing.Package) -> Content:
    files = archive.unpacked(package.content)
    return Content(orjson.loads(files.pop("manifest.json")), copy.deepcopy(files))


def picture(width: int, height: int, point: bytes = b"\xff\xff\xff\xff", *, around: bytes | None = None) -> bytes:
    """Return a PNG of one colour (RGBA), with a border of ``around``."""
    edge = around or point
    rows = [
        b"\0" + b"".join(edge if 0 in (x, y) or x == width - 1 or y == height - 1 else point for x in range(width))
        for y in range(height)
    ]
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    )
