"""A query as it is asked, read strictly (REST reference, "Documents - Search Post")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from charter.twins.ai_search.definitions import Definition, Semantic
from charter.twins.ai_search.refusals import bad, beyond

_MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "search": str, "searchMode": str, "queryType": str, "searchFields": str, "select": str, "filter": str, "top": int,
    "skip": int, "orderby": str, "count": bool, "vectorQueries": list, "vectorFilterMode": str,
    "semanticConfiguration": str, "semanticQuery": str, "semanticErrorHandling": str, "semanticMaxWaitInMilliseconds": int,
    "captions": str, "answers": str, "minimumCoverage": (int, float), "scoringStatistics": str, "sessionId": str,
    "debug": str,
}  # fmt: skip
_ELSEWHERE = frozenset(
    {"facets", "highlight", "highlightPreTag", "highlightPostTag", "scoringParameters", "scoringProfile"}
)
_CHOICES: Mapping[str, Sequence[str]] = {
    "searchMode": ("any", "all"), "queryType": ("simple", "full", "semantic"),
    "vectorFilterMode": ("preFilter", "postFilter"), "semanticErrorHandling": ("partial", "fail"),
    "scoringStatistics": ("local", "global"), "captions": ("none",), "answers": ("none",), "debug": ("disabled",),
}  # fmt: skip
_PAGE = 50
_LONGEST_PAGE = 1_000
_MOST_SKIPPED = 100_000
_MOST_NEIGHBOURS = 10_000


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector query: the ``k`` nearest in each of its fields."""

    values: Sequence[float]
    fields: Sequence[str]
    k: int
    weight: float


@dataclass(frozen=True, slots=True)
class Query:
    """``text`` is nothing where vectors alone are asked; ``top`` nothing where all may come, in pages."""

    text: str | None
    whole: bool
    fields: Sequence[str]
    select: Sequence[str] | None
    filter: str
    top: int | None
    page: int
    skip: int
    order: Sequence[tuple[str, bool]]
    count: bool
    vectors: Sequence[Vector]
    after: bool
    semantic: Semantic | None
    meant: str


def query(given: Mapping[str, Any], definition: Definition) -> Query:
    """Read the body of a search.

    Raises:
        Refused: an unknown member, one of another type, or one that does not fit the index.
    """
    body = {name: value for name, value in given.items() if value is not None}
    _read(body)
    vectors = [_vector(each, definition) for each in body.get("vectorQueries", [])]
    text: str | None = body.get("search")
    semantic = _semantic(body, definition) if body.get("queryType") == "semantic" else None
    meant = body.get("semanticQuery") or text or ""
    if semantic and meant.strip() in ("", "*"):
        raise bad("A semantic query needs search text.")
    top, skip = body.get("top"), body.get("skip", 0)
    if (top is not None and top < 0) or not 0 <= skip <= _MOST_SKIPPED:
        raise bad(f"top must not be negative, and skip must be between 0 and {_MOST_SKIPPED}.")
    if semantic and body.get("orderby"):
        raise bad("A semantic query has an order of its own.")
    return Query(
        text=text if text is not None or vectors else "*",
        whole=body.get("searchMode") == "all",
        fields=_fields(body.get("searchFields"), definition),
        select=_listed(body["select"]) if body.get("select") not in (None, "*") else None,
        filter=body.get("filter", ""),
        top=top,
        page=min(_PAGE if top is None else top, _LONGEST_PAGE),
        skip=skip,
        order=_order(body.get("orderby", ""), definition),
        count=body.get("count", False),
        vectors=vectors,
        after=body.get("vectorFilterMode") == "postFilter",
        semantic=semantic,
        meant=meant,
    )


def _read(body: Mapping[str, Any]) -> None:
    if elsewhere := sorted(body.keys() & _ELSEWHERE):
        raise beyond(f"the parameter '{elsewhere[0]}'")
    for name, value in body.items():
        if name not in _MEMBERS:
            raise bad(f"The parameter '{name[:80]}' does not exist on type 'search.searchRequest'.")
        kinds = _MEMBERS[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise bad(f"The parameter '{name}' has a value of another type.")
        if name in _CHOICES and str(value).partition("|")[0] not in _CHOICES[name]:
            raise bad(f"The value '{value}' of '{name}' is unknown to the service's twin.")
    if body.get("queryType") == "full":
        raise beyond("Lucene's query syntax")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _fields(text: str | None, definition: Definition) -> Sequence[str]:
    names = _listed(text or "")
    for name in names:
        if name not in definition.fields or not definition.fields[name].searchable or definition.fields[name].vector:
            raise bad(f"The field '{name}' is not searchable. (Parameter 'searchFields')")
    return names or [each.name for each in definition.fields.values() if each.searchable and not each.vector]


def _order(text: str, definition: Definition) -> list[tuple[str, bool]]:
    order: list[tuple[str, bool]] = []
    for part in _listed(text):
        name, _, direction = part.partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise bad(f"The order '{part}' is invalid.")
        if name != "search.score()" and (name not in definition.fields or not definition.fields[name].sortable):
            raise bad(f"The field '{name}' is not sortable. (Parameter 'orderby')")
        order.append((name, direction.strip() == "desc"))
    return order


def _vector(given: Any, definition: Definition) -> Vector:
    members = cast("dict[str, Any]", given if isinstance(given, dict) else {})
    known = {"kind", "vector", "fields", "k", "exhaustive", "weight", "oversampling"}
    if unknown := sorted(members.keys() - known):
        raise bad(f"The parameter '{unknown[0]}' does not exist on type 'search.vectorQuery'.")
    if members.get("kind") != "vector":
        raise beyond("vector queries of another kind than vector")
    values, k, weight = members.get("vector"), members.get("k", _PAGE), members.get("weight", 1.0)
    if not isinstance(values, list) or not all(isinstance(each, (int, float)) for each in cast("list[Any]", values)):
        raise bad("A vector query needs a vector.")
    if not isinstance(k, int) or not 1 <= k <= _MOST_NEIGHBOURS or not isinstance(weight, (int, float)) or weight <= 0:
        raise bad("k must be a number from 1 on, and a weight must be positive.")
    names = _listed(str(members.get("fields") or ""))
    for name in names:
        if name not in definition.fields or not definition.fields[name].vector:
            raise bad(f"The field '{name}' is not a vector field of the index.")
        if definition.fields[name].dimensions != len(cast("list[Any]", values)):
            raise bad(f"The vector has {len(cast('list[Any]', values))} dimensions, the field '{name}' another number.")
    if not names:
        raise bad("A vector query needs fields.")
    return Vector(cast("list[float]", values), names, k, float(weight))


def _semantic(body: Mapping[str, Any], definition: Definition) -> Semantic:
    name = body.get("semanticConfiguration") or definition.usual
    if name not in definition.semantic:
        raise bad(f"The semantic configuration '{name}' does not exist.")
    return definition.semantic[name]
