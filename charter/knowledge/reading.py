"""Files to documents: Markdown with YAML front matter, PDF with a sidecar of the same fields (``name.pdf.yaml``).

Fields: ``title`` (else the first heading, else the file's name), ``readers`` (without it nobody may read the document),
``integrity`` (``trusted`` or ``untrusted``; without it untrusted), ``url`` (the document's own address). Others are
ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import yaml

from charter.knowledge.acl import readers_of
from charter.knowledge.index import Document, Integrity
from charter.knowledge.pdf import pages_of
from charter.knowledge.split import Piece, cut, split

MARKDOWN = {".md", ".markdown"}
PDF = ".pdf"
LONGEST = 2_000_000

_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"^#[ \t]+(\S.*?)[ \t#]*$", re.MULTILINE)
_ADDRESS = re.compile(r"https?://\S+|/(?!/)\S*")


@dataclass(frozen=True, slots=True)
class File:
    """A file's content with that of its sidecar, and where it belongs. ``defaults`` are the fields that it lacks itself."""

    tenant: str
    collection: str
    source: str
    content: bytes
    sidecar: bytes | None
    digest: str
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])


def document_of(file: File) -> Document:
    """Return the document of a file.

    Raises:
        ValueError: it cannot be read, or does not say who may read it; the message is for the document's author.
    """
    if PurePosixPath(file.source).suffix.lower() == PDF:
        fields, body, pieces = _pdf(file)
    else:
        fields, body, pieces = _markdown(file)
    fields = {**file.defaults, **fields}
    if not pieces:
        raise ValueError("it has no text")
    if len(body) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} characters; divide it")
    title = _title(fields, body, file.source)
    return Document(
        tenant=file.tenant,
        collection=file.collection,
        source=file.source,
        title=title,
        url=_url(fields),
        body=body,
        integrity=_integrity(fields),
        readers=readers_of(fields.get("readers")),
        digest=file.digest,
        pieces=tuple(replace(piece, heading=_below(title, piece.heading)) for piece in pieces),
    )


def _markdown(file: File) -> tuple[Mapping[str, Any], str, list[Piece]]:
    text = _text(file.content)
    front = _FRONT.match(text)
    if not front and not file.defaults.get("readers"):
        raise ValueError("it has no front matter, so nobody may read it; begin it with ---, readers: [tenant], ---")
    body = text[front.end() if front else 0 :].strip("\n") + "\n"
    return _fields(front[1]) if front else {}, body, split(body)


def _pdf(file: File) -> tuple[Mapping[str, Any], str, list[Piece]]:
    if file.sidecar is None and not file.defaults.get("readers"):
        raise ValueError(
            f"it has no sidecar, so nobody may read it; write {PurePosixPath(file.source).name}.yaml beside it"
        )
    body, pieces = "", list[Piece]()
    for number, page in enumerate(pages_of(file.content), start=1):
        start = len(body)
        body += page + "\n\n"
        pieces += cut(body, start, len(body), f"Page {number}")
    return _fields(_text(file.sidecar or b"")), body, pieces


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    except UnicodeDecodeError as fault:
        raise ValueError(f"it is not UTF-8 text (byte {fault.start})") from fault


def _fields(text: str) -> Mapping[str, Any]:
    try:
        fields: object = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as fault:
        where = getattr(fault, "problem_mark", None)
        raise ValueError(f"its fields are not YAML{f' (line {where.line + 1} of them)' if where else ''}") from fault
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ValueError("its fields must be lines such as title: Travel policy")
    return fields  # pyright: ignore[reportUnknownVariableType]


def _title(fields: Mapping[str, Any], body: str, source: str) -> str:
    heading = _TITLE.search(body)
    title = fields.get("title") or (heading[1] if heading else PurePosixPath(source).stem)
    if not isinstance(title, str) or len(title) > 300:
        raise ValueError("title must be a text of at most 300 characters")
    return " ".join(title.split())


def _below(title: str, heading: str) -> str:
    """Return the path of headings without the one that only repeats the title."""
    first, _, rest = heading.partition(" › ")
    return rest if first == title else heading


def _url(fields: Mapping[str, Any]) -> str:
    url = fields.get("url") or ""
    if not isinstance(url, str) or (url and not _ADDRESS.fullmatch(url)):
        raise ValueError("url must begin with https://, http:// or /")
    return url


def _integrity(fields: Mapping[str, Any]) -> Integrity:
    value = fields.get("integrity", "untrusted")
    if value not in ("trusted", "untrusted"):
        raise ValueError(f"integrity must be trusted or untrusted, not {value!r}")
    return value
