"""What an author says about a document: in its front matter, in a sidecar beside it, or once for a whole collection.

Fields: ``title``, ``readers`` (without it nobody may read the document), ``integrity`` (``trusted`` or ``untrusted``;
without it untrusted), ``url`` (the document's own address). Others are ignored.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from charter.knowledge.formats.content import Unreadable, lines_of
from charter.knowledge.index import Integrity

COLLECTION = "_collection.yaml"
_KNOWN = ("title", "readers", "integrity", "url")
_ADDRESS = re.compile(r"https?://\S+|/(?!/)\S*")
_LONGEST = 20_000
_LONGEST_SHOWN = 80


class _Refused(yaml.YAMLError):
    """What YAML allows, and we do not."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = mark


class _Fields(yaml.SafeLoader):
    """YAML in which each value is written out, once: references make little text very much, and of two values for one
    field nobody knows which was meant.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = cast("Any", self.peek_event())  # pyright: ignore
            raise _Refused("write the value out instead of referring to another", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                continue
            if key.value in seen:
                raise _Refused(f"{key.value} stands there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def fields_of(front: str | None, sidecar: bytes | None, defaults: bytes | None) -> Mapping[str, Any]:
    """Return the fields of a document: the collection's, over them those of its front matter, over them its sidecar's.

    A field that stands in a nearer place counts even if it is empty there.

    Raises:
        Unreadable: they are not YAML, or one is misspelt so that a field from farther off would count in silence.
    """
    fields: dict[str, Any] = {}
    if defaults is not None:
        fields |= _parsed(_text(defaults, COLLECTION), f"in {COLLECTION}: ")
    if front is not None:
        fields |= _parsed(front, "")
    if sidecar is not None:
        fields |= _parsed(_text(sidecar, "its sidecar"), "")
    return fields


def with_settings(settings: Mapping[str, Any], defaults: bytes | None) -> bytes | None:
    """Return the fields of a collection with those of its source's settings beneath them.

    Raises:
        Unreadable: the collection's own are not YAML.
    """
    if not settings:
        return defaults
    own = {} if defaults is None else _parsed(_text(defaults, COLLECTION), f"in {COLLECTION}: ")
    return yaml.safe_dump({**settings, **own}).encode()


def title_of(fields: Mapping[str, Any], otherwise: str) -> str:
    """Return the title in one line.

    Raises:
        Unreadable: it is no text, or too long.
    """
    title = fields.get("title") or otherwise
    if not isinstance(title, str) or len(title) > 300:
        raise Unreadable("title must be a text of at most 300 characters")
    return " ".join(title.split())


def url_of(fields: Mapping[str, Any]) -> str:
    """Return the document's own address; empty where it has none.

    Raises:
        Unreadable: it is none.
    """
    url = fields.get("url") or ""
    if not isinstance(url, str) or (url and not _ADDRESS.fullmatch(url)):
        raise Unreadable("url must begin with https://, http:// or /")
    return url


def integrity_of(fields: Mapping[str, Any]) -> Integrity:
    """Return whether somebody in the house vouches for the document.

    Raises:
        Unreadable: the field says something else.
    """
    value = fields.get("integrity", "untrusted")
    if value not in ("trusted", "untrusted"):
        raise Unreadable(f"integrity must be trusted or untrusted, not {str(value)[:_LONGEST_SHOWN]}")
    return value


def _text(content: bytes, where: str) -> str:
    try:
        return lines_of(content.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{where} is not UTF-8 text (byte {fault.start})") from fault


def _parsed(text: str, where: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise Unreadable(f"{where}its fields are longer than {_LONGEST:,} characters")
    try:
        fields: object = yaml.load(text, _Fields)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f" (line {mark.line + 1} of them)" if mark else ""
        what = f": {fault.problem[:_LONGEST_SHOWN]}" if isinstance(fault, _Refused) else ""
        raise Unreadable(f"{where}its fields are not YAML{line}{what}") from fault
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise Unreadable(f"{where}its fields must be lines such as title: Travel policy")
    said: dict[Any, Any] = fields  # pyright: ignore[reportUnknownVariableType]
    for key in said:
        _check_spelling(key, where)
    return {str(key): value for key, value in said.items()}


def _check_spelling(key: object, where: str) -> None:
    for name in _KNOWN:
        if key != name and str(key).strip().casefold().rstrip("s") == name.rstrip("s"):
            raise Unreadable(f"{where}write {name}, not {key}")
