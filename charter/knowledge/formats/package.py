"""The package around an Office document: a zip of XML parts, looked at before any library unpacks it."""

from io import BytesIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from charter.knowledge.formats.content import Unreadable

_MOST_PARTS = 5000
_LARGEST = 150_000_000
_LARGEST_PART = 60_000_000
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_MAIN = {"word/": ".docx", "ppt/": ".pptx", "xl/": ".xlsx"}


def checked(content: bytes, suffix: str) -> BytesIO:
    """Return a package that is safe to unpack and is of the kind that its suffix says.

    Raises:
        Unreadable: it is none, is locked, is an older format, would unpack to too much, or declares XML entities.
    """
    if content.startswith(_OLD):
        locked = _LOCKED in content
        raise Unreadable(
            "it is locked by a password" if locked else f"it is in an older format of Office; save it as {suffix}"
        )
    try:
        with ZipFile(BytesIO(content)) as package:
            parts = package.infolist()
            _bounded(parts)
            _of_kind({part.filename for part in parts}, suffix)
            for part in parts:
                _plain(package, part)
    except (BadZipFile, NotImplementedError, EOFError, RuntimeError) as fault:
        # A part with a password of its own is a RuntimeError of the library.
        raise Unreadable(f"it is no {suffix} file, or is damaged") from fault
    return BytesIO(content)


def _bounded(parts: list[ZipInfo]) -> None:
    # What is unpacked of a part never exceeds the size that is declared for it.
    sizes = [part.file_size for part in parts]
    if len(parts) > _MOST_PARTS or sum(sizes) > _LARGEST:
        raise Unreadable(
            f"it would unpack to more than {_LARGEST // 1_000_000} MB; divide it, or make its pictures smaller"
        )
    text = [part.file_size for part in parts if part.filename.endswith((".xml", ".rels"))]
    if max(text, default=0) > _LARGEST_PART:
        raise Unreadable(f"its text would unpack to more than {_LARGEST_PART // 1_000_000} MB; divide it")


def _of_kind(names: set[str], suffix: str) -> None:
    kinds = {kind for folder, kind in _MAIN.items() if any(name.startswith(folder) for name in names)}
    if suffix not in kinds:
        other = f"; it looks like {min(kinds)}" if kinds else ""
        raise Unreadable(f"it is no {suffix} file{other}")


def _plain(package: ZipFile, part: ZipInfo) -> None:
    """Read a part's beginning, up to its first element: Office writes no document type there, and entities need one.

    All parts are looked at, whatever they are called; what is no XML from its first bytes on is a picture or the like.
    """
    begun = False

    def refuse(*_: object) -> None:
        raise Unreadable(f"its part {part.filename[:80]} declares XML entities, which Office never writes")

    def begin(*_: object) -> None:
        nonlocal begun
        begun = True

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = begin
    with package.open(part) as stream:
        while not begun and (chunk := stream.read(4096)):
            try:
                parser.Parse(chunk)
            except expat.ExpatError as fault:
                if begun or not part.filename.endswith((".xml", ".rels")):
                    return
                raise Unreadable(f"its part {part.filename[:80]} is damaged") from fault
