"""What comes with a message in Teams: files are read as text, images are shown; what is left out is told."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, cast

from charter.channels.teams.fetching import Fetching, Unfetched
from charter.knowledge.formats import suffixes
from charter.knowledge.formats.chamber import Chamber, Limits
from charter.knowledge.formats.content import Unreadable
from charter.models.chat import Image
from charter.runs import files as texts
from charter.runs import images
from charter.runs.run import ReadFile

MOST = texts.MOST
_DOWNLOAD = "application/vnd.microsoft.teams.file.download.info"
_CUT = "\n[The rest of this file is not shown.]"
_LONGEST_NAME = 100
_READING = Limits(seconds=20.0, megabytes=512)
_SECONDS = 30.0
"""So long a message waits for its files to be read, once they are here."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence to be said to the person about what they sent: a key of ``speech`` with its values.

    ``files.read`` {name}, ``files.cut`` {name, shown, whole}, ``files.seen`` {name} of an image; left out: ``files.elsewhere``,
    ``files.too_large`` {name, megabytes}, ``files.slow``, ``files.gone``, ``files.kind``, ``files.empty``, ``files.damaged``,
    ``files.image`` (no image that is taken), ``files.blind`` (the model sees none) {name} each, and ``files.many`` {count, most},
    ``files.images_many`` {name, most}.
    """

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run is started with, and what the person is told of it."""

    files: tuple[ReadFile, ...] = ()
    images: tuple[Image, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sent:
    """One attachment that holds something: where it lies, and whether the connector keeps it."""

    name: str
    address: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    """What one attachment turned out to be: an image or a text, or nothing with the reason."""

    sent: _Sent
    note: Note
    text: str = field(default="", repr=False)
    image: Image | None = None

    @property
    def is_text(self) -> bool:
        return self.note.key == "files.read"


class Files:
    """Takes what comes with messages, the files of each within ``seconds``. ``close`` ends the process that files are read in."""

    def __init__(self, fetching: Fetching, chamber: Chamber | None = None, *, seconds: float = _SECONDS) -> None:
        self._fetching = fetching
        self._chamber = chamber or Chamber(_READING)
        self._seconds = seconds
        # What waits for the one process waits in a thread of its own: in the host's threads names are resolved, too.
        self._reader = ThreadPoolExecutor(1, "teams files")

    async def close(self) -> None:
        self._reader.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._chamber.close)

    async def take(self, attachments: Sequence[Mapping[str, Any]]) -> Taken:
        """Return what is in the attachments of one message; nothing of it is a fault of the message's."""
        sent = _sent(attachments)
        # One file after the other: between those of one message others' are read.
        turn = asyncio.Lock()
        opened = await asyncio.gather(*(self._open(each, turn) for each in sent[:MOST]))
        taken = _seen(_shared(opened))
        files = tuple(
            ReadFile(each.sent.name, each.text) for each in taken if each.is_text or each.note.key == "files.cut"
        )
        notes = [each.note for each in taken]
        if len(sent) > MOST:
            notes.append(Note("files.many", {"count": len(sent) - MOST, "most": MOST}))
        return Taken(files, tuple(each.image for each in taken if each.image), tuple(notes))

    async def _open(self, sent: _Sent, turn: asyncio.Lock) -> _Opened:
        try:
            data = await (self._fetching.image if sent.inline else self._fetching.file)(sent.address)
        except Unfetched as fault:
            limit = {"megabytes": self._fetching.megabytes} if fault.why == "too_large" else {}
            return _left_out(sent, fault.why, **limit)
        if kind := images.media_type_of(data):
            return _Opened(sent, Note("files.seen", {"name": sent.name}), image=Image(kind, data))
        if sent.inline:
            return _left_out(sent, "image")
        if suffixes.refusal(sent.name):
            return _left_out(sent, "kind", kinds=", ".join(suffixes.FORMATS))
        return await self._read(sent, data, turn)

    async def _read(self, sent: _Sent, data: bytes, turn: asyncio.Lock) -> _Opened:
        loop, suffix = asyncio.get_running_loop(), suffixes.suffix_of(sent.name)
        try:
            async with asyncio.timeout(self._seconds), turn:
                found = await loop.run_in_executor(self._reader, self._chamber.read, suffix, data)
        except TimeoutError:
            return _left_out(sent, "slow")
        except (Unreadable, OSError):
            return _left_out(sent, "damaged")
        text = found.body.replace("\0", "").strip()
        if not text:
            return _left_out(sent, "empty")
        return _Opened(sent, Note("files.read", {"name": sent.name}), text=text)


def unseen(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return what is said where the model could not be shown the images."""
    return tuple(replace(note, key="files.blind") if note.key == "files.seen" else note for note in notes)


def _left_out(sent: _Sent, why: str, **values: Any) -> _Opened:
    return _Opened(sent, Note(f"files.{why}", {"name": sent.name, **values}))


def _sent(attachments: Sequence[Mapping[str, Any]]) -> list[_Sent]:
    """Return the attachments that hold something. Teams sends the text of a message along once more, and cards, too."""
    found: list[_Sent] = []
    for attachment in attachments:
        kind = str(attachment.get("contentType") or "").lower()
        if kind == _DOWNLOAD:
            given: Any = attachment.get("content")
            content = cast("Mapping[str, Any]", given if isinstance(given, Mapping) else {})
            name = _named(attachment, str(content.get("fileType") or ""), f"file {len(found) + 1}")
            found.append(_Sent(name, str(content.get("downloadUrl") or "")))
        elif kind.startswith("image/"):
            name = _named(attachment, "", f"image {len(found) + 1}")
            found.append(_Sent(name, str(attachment.get("contentUrl") or ""), inline=True))
    return found


def _named(attachment: Mapping[str, Any], kind: str, otherwise: str) -> str:
    """Return the file's name as it can be shown: a line of what can be seen, with its ending."""
    said = PurePosixPath(str(attachment.get("name") or "").replace("\\", "/")).name
    said = " ".join("".join(char if char.isprintable() else " " for char in said).split()) or otherwise
    path = PurePosixPath(said)
    suffix = path.suffix if 1 < len(path.suffix) <= 12 else (f".{kind}" if kind.isalnum() and len(kind) <= 8 else "")
    return f"{said.removesuffix(suffix)[: _LONGEST_NAME - len(suffix)].strip() or otherwise}{suffix}"


def _shared(opened: Sequence[_Opened]) -> list[_Opened]:
    """Bring the texts within what a run takes: the short ones stay whole, the long ones share what is left."""
    room, found = texts.LONGEST, list(opened)
    order = sorted((at for at, each in enumerate(found) if each.is_text), key=lambda at: len(found[at].text))
    for place, at in enumerate(order):
        each, share = found[at], room // (len(order) - place)
        if (whole := len(each.text)) > share:
            shown = share - len(_CUT)
            values = {"name": each.sent.name, "shown": shown, "whole": whole}
            found[at] = replace(each, text=each.text[:shown] + _CUT, note=Note("files.cut", values))
        room -= len(found[at].text)
    return found


def _seen(opened: Sequence[_Opened]) -> list[_Opened]:
    """Leave out the images that are more than a run takes."""
    found, shown = list[_Opened](), 0
    for each in opened:
        shown += each.image is not None
        many = each.image is not None and shown > images.MOST
        found.append(_left_out(each.sent, "images_many", most=images.MOST) if many else each)
    return found
