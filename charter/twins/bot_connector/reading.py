"""Parts of JSON that somebody sent: what is not of the kind that it should be, counts as not there."""

from collections.abc import Mapping
from typing import Any, cast

Json = dict[str, Any]


def object_of(given: Mapping[str, Any], name: str) -> Json:
    found = given.get(name)
    return cast("Json", found) if isinstance(found, dict) else {}


def objects_of(given: Mapping[str, Any], name: str) -> list[Json]:
    found = given.get(name)
    listed = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("Json", each) for each in listed if isinstance(each, dict)]
