"""What is sent and answered: bodies read strictly, versions shown as bundles."""

import re
from typing import Any

from aiohttp import web

from charter.twins.key_vault.refusals import bad
from charter.twins.key_vault.shelf import Version

_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_LONGEST_VALUE = 25 * 1024
_RECOVERABLE_DAYS = 90
_MOST_TAGS = 15
_ATTRIBUTES: dict[str, type] = {"enabled": bool, "nbf": int, "exp": int}


def name_of(request: web.Request) -> str:
    """Return the secret's name.

    Raises:
        Refused: no name that a secret can have.
    """
    name = request.match_info["name"]
    if not _NAME.fullmatch(name):
        raise bad(f"The request URI contains an invalid name: {name}")
    return name


async def read(request: web.Request, *, with_value: bool) -> dict[str, Any]:
    """Return the members of a body, attributes among them.

    Raises:
        Refused: no JSON object, an unknown member, or one of another type.
    """
    try:
        body: Any = await request.json()
    except ValueError as fault:
        raise bad("The request body is not valid JSON.") from fault
    if not isinstance(body, dict):
        raise bad("The request body must be a JSON object.")
    given: dict[str, Any] = body  # pyright: ignore[reportUnknownVariableType]
    facts: dict[str, Any] = {}
    for member, value in given.items():
        facts |= _member(member, value, with_value=with_value)
    if with_value and "value" not in facts:
        raise bad("Property value is required.")
    if facts.get("nbf") is not None and facts.get("exp") is not None and facts["nbf"] >= facts["exp"]:
        raise bad("Property exp must be later than nbf.")
    return facts


def _member(member: str, value: Any, *, with_value: bool) -> dict[str, Any]:
    match member:
        case "value" if with_value and isinstance(value, str) and len(value.encode()) <= _LONGEST_VALUE:
            return {"value": value}
        case "contentType" if value is None or (isinstance(value, str) and len(value) <= 255):
            return {"contentType": value}
        case "tags" if value is None or _tags(value):
            return {"tags": value}
        case "attributes" if isinstance(value, dict):
            return _attributes(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            raise bad(f"Property {member[:40]} is unknown or has an invalid value.")


def _tags(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) > _MOST_TAGS:  # pyright: ignore[reportUnknownArgumentType]
        return False
    return all(isinstance(part, str) for pair in value.items() for part in pair)  # pyright: ignore[reportUnknownVariableType]


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    for name, inner in value.items():
        kind = _ATTRIBUTES.get(name)
        fits = kind is not None and isinstance(inner, kind) and isinstance(inner, bool) is (kind is bool)
        if not fits and not (inner is None and kind is int):
            raise bad(f"Property attributes.{name[:40]} is unknown or has an invalid value.")
    return value


def attributes(version: Version) -> dict[str, Any]:
    told: dict[str, Any] = {
        "enabled": version.enabled,
        "nbf": version.nbf,
        "exp": version.exp,
        "created": version.created,
        "updated": version.updated,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": _RECOVERABLE_DAYS,
    }
    return {name: value for name, value in told.items() if value is not None}


def told(version: Version, base: str, *, whole: bool = False, versioned: bool = True) -> dict[str, Any]:
    """Return a version as an item of a list, or ``whole`` as a bundle with its value."""
    path = f"{base}/secrets/{version.name}" + (f"/{version.version}" if versioned else "")
    shown: dict[str, Any] = {"id": path, "attributes": attributes(version)}
    if whole:
        shown["value"] = version.value
    if version.content_type is not None:
        shown["contentType"] = version.content_type
    if version.tags:
        shown["tags"] = version.tags
    return shown


def told_deleted(version: Version, base: str, moment: int, *, versioned: bool = True) -> dict[str, Any]:
    """Return what is told of a deleted secret; its value never is."""
    return {
        **told(version, base, versioned=versioned),
        "recoveryId": f"{base}/deletedsecrets/{version.name}",
        "deletedDate": moment,
        "scheduledPurgeDate": moment + _RECOVERABLE_DAYS * 86_400,
    }
