"""Definitions of indexes and aliases, read strictly (REST reference, "Indexes - Create", "Aliases - Create")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from charter.twins.ai_search.fields import Field, field
from charter.twins.ai_search.refusals import bad, beyond

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?!-)){0,126}(?<!-)")
_MEMBERS = frozenset(
    {"name", "description", "fields", "vectorSearch", "semantic", "similarity", "@odata.etag", "permissionFilterOption"}
)
_ELSEWHERE = frozenset(
    {
        "scoringProfiles", "defaultScoringProfile", "corsOptions", "suggesters", "analyzers", "tokenizers", "tokenFilters",
        "charFilters", "normalizers", "encryptionKey", "purviewEnabled",
    }
)  # fmt: skip
_BM25 = "#Microsoft.Azure.Search.BM25Similarity"


@dataclass(frozen=True, slots=True)
class Semantic:
    """A configuration of the semantic ranker: what it reads."""

    title: str
    content: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """An index as it was defined. ``told`` is what is shown of it; ``exhaustive`` are vectors without a graph."""

    name: str
    fields: Mapping[str, Field]
    semantic: Mapping[str, Semantic]
    usual: str
    permissions: bool
    told: Mapping[str, Any]

    @property
    def key(self) -> str:
        return next(each.name for each in self.fields.values() if each.key)


def definition(given: Any, *, permissions: bool) -> Definition:
    """Read an index's definition; ``permissions``: the api-version knows permission filters.

    Raises:
        Refused: an unknown member, or members that do not fit together.
    """
    body = _object(given, "index")
    if elsewhere := [name for name in sorted(body.keys() & _ELSEWHERE) if body[name]]:
        raise beyond(f"the member '{elsewhere[0]}' of an index")
    known = (_MEMBERS if permissions else _MEMBERS - {"permissionFilterOption"}) | _ELSEWHERE
    _known(body, known, "index")
    name = named(body.get("name"))
    fields = _fields(body, permissions=permissions)
    _vectors(_object(body.get("vectorSearch") or {}, "vectorSearch"), fields)
    configurations, usual = _semantic(_object(body.get("semantic") or {}, "semantic"), fields)
    if body.get("similarity") and body["similarity"].get("@odata.type") != _BM25:
        raise bad("The similarity is unknown.")
    option = body.get("permissionFilterOption")
    if option not in (None, "enabled", "disabled"):
        raise bad("permissionFilterOption must be enabled or disabled.")
    told = {key: value for key, value in body.items() if key != "@odata.etag"}
    return Definition(name, fields, configurations, usual, option == "enabled", told)


def named(name: Any) -> str:
    """Return the name of an index or alias.

    Raises:
        Refused: no name that one can have.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad(
            f"The name '{str(name)[:140]}' is invalid: names have lower case letters, digits and single dashes, do not "
            "begin or end with a dash, and are limited to 128 characters."
        )
    return name


def alias(given: Any) -> tuple[str, str]:
    """Read an alias: its name and the index that it stands for."""
    body = _object(given, "alias")
    _known(body, frozenset({"name", "indexes", "@odata.etag"}), "alias")
    indexes = body.get("indexes")
    if not isinstance(indexes, list) or len(indexes) != 1:  # pyright: ignore[reportUnknownArgumentType]
        raise bad("An alias must be mapped to exactly one index.")
    return named(body.get("name")), named(indexes[0])


def changeable(old: Definition, new: Definition) -> None:
    """Refuse a change that existing documents could not follow: fields can be added, and no more.

    Raises:
        Refused: a field is gone or is another one.
    """
    for name, field_ in old.fields.items():
        if new.fields.get(name) != field_:
            raise bad(f"Existing field '{name}' cannot be changed or deleted.", code="CannotChangeExistingField")


def _fields(body: Mapping[str, Any], *, permissions: bool) -> Mapping[str, Field]:
    given = body.get("fields")
    if not isinstance(given, list) or not given:
        raise bad("The index has no fields.")
    read = [field(_object(each, "field"), permissions=permissions) for each in cast("list[Any]", given)]
    fields = {each.name: each for each in read}
    if len({each.name.lower() for each in read}) != len(read):
        raise bad("Two fields have the same name.")
    if sum(each.key for each in read) != 1:
        raise bad("An index must have exactly one key field.")
    asked = [each.permission for each in read if each.permission]
    if len(set(asked)) != len(asked):
        raise bad("Only one field of each permission filter can be in an index.")
    return fields


def _vectors(given: Mapping[str, Any], fields: Mapping[str, Field]) -> None:
    _known(given, frozenset({"profiles", "algorithms", "vectorizers", "compressions"}), "vectorSearch")
    if given.get("vectorizers") or given.get("compressions"):
        raise beyond("vectorizers and compressions")
    algorithms: set[str] = set()
    for each in cast("list[dict[str, Any]]", given.get("algorithms") or []):
        kind = each.get("kind")
        if kind not in ("hnsw", "exhaustiveKnn"):
            raise bad(f"The vector algorithm '{kind}' is unknown.")
        parameters = f"{kind}Parameters"
        _known(each, frozenset({"name", "kind", parameters}), "algorithm")
        own = _object(each.get(parameters) or {}, parameters)
        _known(own, frozenset({"metric", *(("m", "efConstruction", "efSearch") if kind == "hnsw" else ())}), parameters)
        if own.get("metric", "cosine") != "cosine":
            raise beyond("another metric than cosine")
        algorithms.add(str(each.get("name")))
    profiles: set[str] = set()
    for each in cast("list[dict[str, Any]]", given.get("profiles") or []):
        _known(each, frozenset({"name", "algorithm"}), "profile")
        if each.get("algorithm") not in algorithms:
            raise bad(f"The profile '{each.get('name')}' names an unknown algorithm.")
        profiles.add(str(each.get("name")))
    for name, each in fields.items():
        if each.vector and each.profile not in profiles:
            raise bad(f"The vector field '{name}' names an unknown profile.")


def _semantic(given: Mapping[str, Any], fields: Mapping[str, Field]) -> tuple[Mapping[str, Semantic], str]:
    _known(given, frozenset({"defaultConfiguration", "configurations"}), "semantic")
    found: dict[str, Semantic] = {}
    for each in cast("list[dict[str, Any]]", given.get("configurations") or []):
        _known(each, frozenset({"name", "prioritizedFields", "rankingOrder"}), "configuration")
        parts = _object(each.get("prioritizedFields"), "prioritizedFields")
        _known(
            parts,
            frozenset({"titleField", "prioritizedContentFields", "prioritizedKeywordsFields"}),
            "prioritizedFields",
        )
        title = str(_object(parts.get("titleField") or {}, "titleField").get("fieldName", ""))
        read = cast("list[dict[str, Any]]", parts.get("prioritizedContentFields") or [])
        content = tuple(str(part["fieldName"]) for part in read)
        for name in filter(None, (title, *content)):
            if name not in fields or not fields[name].searchable or fields[name].kind != "Edm.String":
                raise bad(f"The semantic configuration names '{name}', which is no searchable string.")
        found[str(each.get("name"))] = Semantic(title, content)
    usual = given.get("defaultConfiguration") or ""
    if usual and usual not in found:
        raise bad("The default semantic configuration does not exist.")
    return found, usual


def _object(given: Any, what: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad(f"The {what} must be a JSON object.")
    return cast("dict[str, Any]", given)


def _known(given: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    if unknown := sorted(given.keys() - known):
        raise bad(f"The property '{unknown[0][:80]}' does not exist on the type of {what}.")
