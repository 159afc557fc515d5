"""A PNG icon as Teams looks at it: how large it is, and which of its points are seen. Eight bits a colour, not interlaced."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SIGN = b"\x89PNG\r\n\x1a\n"
_COLOURS = {2: 3, 6: 4}
"""Bytes of a point, by kind: RGB and RGBA."""

_MOST = 4_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """``points`` are (red, green, blue, alpha), row by row."""

    width: int
    height: int
    points: Sequence[tuple[int, int, int, int]]


def read(content: bytes) -> Picture:
    """Read a picture.

    Raises:
        ValueError: it is no PNG of that kind; the sentence says what it is not.
    """
    if not content.startswith(_SIGN):
        raise ValueError("is no PNG")
    try:
        return _decoded(content)
    except (struct.error, zlib.error, IndexError) as fault:
        raise ValueError("is a broken PNG") from fault


def _decoded(content: bytes) -> Picture:
    chunks = list(_chunks(content))
    if not chunks or chunks[0][0] != b"IHDR":
        raise ValueError("is a broken PNG")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in _COLOURS or interlaced or not 0 < width * height <= _MOST:
        raise ValueError("is not saved as RGB or RGBA with eight bits a colour, not interlaced")
    wide = _COLOURS[colour]
    packed = b"".join(data for name, data in chunks if name == b"IDAT")
    size = (width * wide + 1) * height
    raw = zlib.decompressobj().decompress(packed, size)
    if len(raw) != size:
        raise ValueError("is a broken PNG")
    points = [_point(row[x : x + wide]) for row in _rows(raw, width, wide) for x in range(0, width * wide, wide)]
    return Picture(width, height, points)


def _point(told: bytearray) -> tuple[int, int, int, int]:
    return told[0], told[1], told[2], told[3] if len(told) > 3 else 255


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGN)
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        data = content[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", content, place + 8 + length)
        if zlib.crc32(name + data) != check:
            raise ValueError("is a broken PNG")
        yield name, data
        place += 12 + length


def _rows(raw: bytes, width: int, wide: int) -> Iterator[bytearray]:
    stride = width * wide
    above = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        row = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], row, above, wide)
        yield row
        above = row


def _unfilter(kind: int, row: bytearray, above: bytearray, wide: int) -> None:
    """Undo what the five filters of PNG did to a row, in place."""
    for x in range(len(row)):
        left = row[x - wide] if x >= wide else 0
        corner = above[x - wide] if x >= wide else 0
        guess = (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[kind]
        row[x] = (row[x] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
