"""Files to documents: what the file says, and what its author says about it."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from charter.knowledge.acl import readers_of
from charter.knowledge.fields import COLLECTION, fields_of, integrity_of, title_of, url_of
from charter.knowledge.formats.chamber import Chamber
from charter.knowledge.formats.content import Content, Unreadable
from charter.knowledge.formats.suffixes import FORMATS, read, refusal, suffix_of
from charter.knowledge.index import Document
from charter.knowledge.split import headings

_CHAMBER = Chamber()
_LONGEST_TITLE = 300
_LONGEST_HEADING = 2_500


@dataclass(frozen=True, slots=True)
class File:
    """A file's content with that of its sidecar and of its collection's ``_collection.yaml``, and where it belongs."""

    tenant: str
    collection: str
    source: str
    content: bytes
    sidecar: bytes | None
    digest: str
    defaults: bytes | None = None


def document_of(file: File) -> Document:
    """Return the document of a file. A format that takes a large library is read in a process of its own.

    Raises:
        ValueError: it cannot be read, or does not say who may read it; the message is for the document's author.
        OSError: the process does not start.
    """
    content = _content(file)
    fields = fields_of(content.front, file.sidecar, file.defaults)
    readers = readers_of(fields.get("readers"))
    if not content.pieces:
        raise Unreadable("it has no text")
    title = title_of(fields, content.title or _first_heading(content.body) or PurePosixPath(file.source).stem)
    return Document(
        tenant=file.tenant,
        collection=file.collection,
        source=file.source,
        title=title,
        url=url_of(fields),
        body=content.body,
        integrity=integrity_of(fields),
        readers=readers,
        digest=file.digest,
        pieces=tuple(
            replace(piece, heading=_below(title, piece.heading)[:_LONGEST_HEADING]) for piece in content.pieces
        ),
    )


def _content(file: File) -> Content:
    """Read a file, unless nobody could read its document anyway."""
    suffix = suffix_of(file.source)
    if reason := refusal(file.source):
        raise Unreadable(reason)
    form, unsaid = FORMATS[suffix], file.sidecar is None and file.defaults is None
    if unsaid and not form.fronted:
        name = PurePosixPath(file.source).name
        raise Unreadable(
            f"it has no sidecar, so nobody may read it; write {name}.yaml beside it, or {COLLECTION} in its collection"
        )
    content = _CHAMBER.read(suffix, file.content) if form.apart else read(suffix, file.content)
    if unsaid and content.front is None:
        raise Unreadable("it has no front matter, so nobody may read it; begin it with ---, readers: [tenant], ---")
    return content


def _first_heading(body: str) -> str:
    found = next((words for _, _, level, words in headings(body) if level == 1), "")
    return found if len(found) <= _LONGEST_TITLE else ""


def _below(title: str, heading: str) -> str:
    """Return the path of headings without the one that only repeats the title."""
    first, _, rest = heading.partition(" › ")
    return rest if first == title else heading
