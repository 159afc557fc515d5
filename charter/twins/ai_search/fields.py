"""The fields of an index: what each may be, and what a document may hold in it (REST reference, "Indexes - Create")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from charter.twins.ai_search.refusals import bad, beyond

NAME = re.compile(r"(?!azureSearch)[A-Za-z][A-Za-z0-9_]{0,127}")
_MEMBERS = frozenset(
    {
        "name", "type", "key", "retrievable", "stored", "searchable", "filterable", "sortable", "facetable", "analyzer",
        "searchAnalyzer", "indexAnalyzer", "dimensions", "vectorSearchProfile", "permissionFilter",
    }
)  # fmt: skip
_ELSEWHERE = frozenset({"normalizer", "vectorEncoding", "synonymMaps", "fields", "sensitivityLabel"})
_SIMPLE = ("Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Boolean", "Edm.DateTimeOffset")
_TYPES = frozenset({*_SIMPLE, *(f"Collection({each})" for each in _SIMPLE), "Collection(Edm.Single)"})
ANALYZERS = frozenset({"standard.lucene", "en.lucene", "en.microsoft", "keyword"})
_PERMISSIONS = frozenset({"userIds", "groupIds"})
_MOST_DIMENSIONS = 4096
_LONGEST_TERM = 32_766


@dataclass(frozen=True, slots=True)
class Field:
    """One field, with the service's defaults filled in."""

    name: str
    type: str
    key: bool
    retrievable: bool
    searchable: bool
    filterable: bool
    sortable: bool
    analyzer: str
    dimensions: int
    profile: str
    permission: str

    @property
    def many(self) -> bool:
        return self.type.startswith("Collection(")

    @property
    def kind(self) -> str:
        """The type of one value."""
        return self.type.removeprefix("Collection(").removesuffix(")")

    @property
    def vector(self) -> bool:
        return self.type == "Collection(Edm.Single)"

    def check(self, value: Any) -> None:
        """Refuse a value that this field cannot hold."""
        if value is None:
            if self.many and not self.vector:
                raise bad(f"The collection '{self.name}' may not be null.")
            return
        values = cast("list[Any]", value if self.many and isinstance(value, list) else [value])
        if self.many is not isinstance(value, list) or not all(_is(self.kind, each) for each in values):
            raise bad(f"Cannot convert a value of '{self.name}' to the type {self.type}.")
        if self.vector and len(values) != self.dimensions:
            raise bad(f"The vector field '{self.name}' has {self.dimensions} dimensions, the value has {len(values)}.")

    def too_long(self, value: Any) -> bool:
        """Tell whether a value cannot be one term, as filterable, sortable and key fields need it."""
        values = cast("list[Any]", value if isinstance(value, list) else [value])
        texts = [each for each in values if isinstance(each, str)]
        return (self.filterable or self.sortable) and any(len(each.encode()) > _LONGEST_TERM for each in texts)


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "Edm.String":
            return isinstance(value, str)
        case "Edm.Boolean":
            return isinstance(value, bool)
        case "Edm.Int32" | "Edm.Int64":
            most = 2 ** (31 if kind == "Edm.Int32" else 63)
            return isinstance(value, int) and not isinstance(value, bool) and -most <= value < most
        case "Edm.DateTimeOffset":
            return isinstance(value, str) and moment(value) is not None
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def moment(text: str) -> datetime | None:
    """Return the moment that a literal with an offset names."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def field(given: Mapping[str, Any], *, permissions: bool) -> Field:
    """Read one field's definition.

    Raises:
        Refused: an unknown member, or members that do not fit together.
    """
    if elsewhere := sorted(given.keys() & _ELSEWHERE):
        raise beyond(f"the member '{elsewhere[0]}' of a field")
    known = _MEMBERS if permissions else _MEMBERS - {"permissionFilter"}
    if unknown := sorted(given.keys() - known):
        raise bad(
            f"The property '{unknown[0]}' does not exist on type 'Microsoft.Azure.Search.V2026_04_01.IndexField'."
        )
    name, kind = given.get("name"), given.get("type")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad(f"The field name '{name}' is invalid.")
    if kind not in _TYPES:
        raise bad(f"The field '{name}' has an unknown type '{kind}'.")
    made = _filled(name, kind, given)
    _fits(made, given)
    return made


def _filled(name: str, kind: str, given: Mapping[str, Any]) -> Field:
    vector = kind == "Collection(Edm.Single)"
    text = kind in ("Edm.String", "Collection(Edm.String)")

    def flag(member: str, usual: bool) -> bool:
        value = given.get(member)
        if value is not None and not isinstance(value, bool):
            raise bad(f"The member '{member}' of '{name}' must be a boolean.")
        return usual if value is None else value

    return Field(
        name=name,
        type=kind,
        key=flag("key", False),
        retrievable=flag("retrievable", True),
        searchable=flag("searchable", text or vector),
        filterable=flag("filterable", not vector),
        sortable=flag("sortable", not kind.startswith("Collection(")),
        analyzer=given.get("analyzer") or given.get("indexAnalyzer") or "standard.lucene",
        dimensions=given.get("dimensions") or 0,
        profile=given.get("vectorSearchProfile") or "",
        permission=given.get("permissionFilter") or "",
    )


def _fits(made: Field, given: Mapping[str, Any]) -> None:
    name, text = made.name, made.kind == "Edm.String"
    faults = (
        (made.key and (made.type != "Edm.String" or not made.retrievable), "a key must be a retrievable Edm.String"),
        (made.sortable and made.many, "a collection cannot be sortable"),
        (made.searchable and not (text or made.vector), "only strings and vectors can be searchable"),
        (made.vector and (made.filterable or given.get("facetable") is True), "a vector cannot be filterable"),
        (made.vector and not made.searchable, "a vector must be searchable"),
        (made.vector and not (2 <= made.dimensions <= _MOST_DIMENSIONS and made.profile), "a vector needs dimensions and a profile"),
        (not made.vector and bool(made.dimensions or made.profile), "only a vector has dimensions and a profile"),
        (bool(given.get("analyzer")) and not (text and made.searchable), "only searchable strings have an analyzer"),
        (bool(given.get("searchAnalyzer")) is not bool(given.get("indexAnalyzer")), "both analyzers must be named"),
        (bool(made.permission) and made.permission not in _PERMISSIONS, "the twin knows userIds and groupIds only"),
        (bool(made.permission) and not (made.filterable and text and made.many), "permissions are filterable lists of strings"),
    )  # fmt: skip
    for wrong, why in faults:
        if wrong:
            raise bad(f"The field '{name}' is invalid: {why}.")
    if made.analyzer not in ANALYZERS:
        raise beyond(f"the analyzer '{made.analyzer}'")


def key(text: str) -> bool:
    """Tell whether this can be the key of a document."""
    return 0 < len(text) <= 1024 and re.fullmatch(r"[A-Za-z0-9_\-=]+", text) is not None and not text.startswith("_")


def etag(number: int) -> str:
    return f'"0x{number:X}"'
