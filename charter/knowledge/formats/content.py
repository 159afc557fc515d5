"""What a file says, whatever its format: one Markdown text, and the pieces that cut it into passages."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from charter.knowledge.split import Piece, cut, split

LONGEST = 2_000_000


class Unreadable(ValueError):
    """A file that cannot be read; the message says why, to its author."""


@dataclass(frozen=True, slots=True)
class Content:
    """``title`` is the file's own, where it has one; ``front`` the text of the fields that it begins with."""

    body: str
    pieces: tuple[Piece, ...]
    title: str = ""
    front: str | None = None


def content_of(markdown: str, *, title: str = "", front: str | None = None) -> Content:
    """Return the content of a text that is Markdown already.

    Raises:
        Unreadable: it is too long.
    """
    body = storable(markdown).strip("\n") + "\n"
    return Content(_bounded(body), tuple(split(body)), title, front)


class Body:
    """A text that is put together from stretches under headings of their own: pages, slides, rows."""

    def __init__(self) -> None:
        self._stretches: list[str] = []
        self._length = 0
        self._pieces: list[Piece] = []

    def say(self, words: str) -> None:
        """Add words that belong to no passage: a heading, a remark.

        Raises:
            Unreadable: the text has become too long.
        """
        self._stretches.append(storable(words) + "\n\n")
        self._length += len(self._stretches[-1])
        if self._length > LONGEST:
            raise Unreadable(_TOO_LONG)

    def add(self, text: str, heading: str) -> None:
        """Add a stretch of text, cut into passages under this heading; as ``say`` otherwise."""
        at, text = self._length, storable(text)
        self.say(text)
        self._pieces += _moved(cut(text, 0, len(text), storable(heading)), at)

    def content(self, *, title: str = "") -> Content:
        """Return what was added."""
        return Content("".join(self._stretches), tuple(self._pieces), title)


_TOO_LONG = f"it is longer than {LONGEST:,} characters; divide it"


def storable(text: str) -> str:
    """Return a text without what no UTF-8 store takes: zero bytes, lone surrogates. Its length may change."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def decoded(content: bytes) -> str:
    """Return the text of a file that may be in UTF-8, in UTF-16 with its mark, or from an old Windows program.

    Raises:
        Unreadable: it is none of these.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    narrow = () if b"\0" in content else ("utf-8-sig", "cp1252")
    for encoding in ("utf-16",) if wide else narrow:
        try:
            return lines_of(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise Unreadable("it is no text in UTF-8, UTF-16 or Windows-1252; save it as UTF-8")


def lines_of(text: str) -> str:
    """Return a text whose lines end as ours do."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _bounded(body: str) -> str:
    if len(body) > LONGEST:
        raise Unreadable(_TOO_LONG)
    return body


def _moved(pieces: Iterable[Piece], by: int) -> Iterable[Piece]:
    return (replace(piece, start=piece.start + by, end=piece.end + by) for piece in pieces)
