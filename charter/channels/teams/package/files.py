"""The files beside the manifest: icons, and the texts of other languages."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import orjson

from charter.channels.teams.commands import told
from charter.channels.teams.package import png, shape
from charter.errors import FieldError

MANIFEST = "manifest.json"
_SIZES = {"color": 192, "outline": 32}
_NEEDED = ("name.short", "description.short", "description.full")
_KEY = re.compile(r"[a-z]+(?:\[[0-9]+\])?(?:\.[A-Za-z]+(?:\[[0-9]+\])?)*")
_TITLE = re.compile(r"bots\[0\]\.commandLists\[[0-9]\]\.commands\[[0-9]+\]\.title")

Json = Mapping[str, Any]


def faults(manifest: Json, files: Mapping[str, bytes]) -> Iterator[FieldError]:
    """Yield each fault of the files that a manifest of the right shape names; ``files`` is the package without it."""
    languages = {each["file"]: each["languageTag"] for each in manifest["localizationInfo"]["additionalLanguages"]}
    named = [*manifest["icons"].values(), *languages]
    for name in sorted({MANIFEST, *files} - {MANIFEST, *named}):
        yield FieldError(f"/{name}", "is named nowhere in the manifest")
    yield from _languages(manifest)
    for kind, name in manifest["icons"].items():
        yield from _icon(f"/{name}", kind, files.get(name))
    for name in languages:
        yield from _language(manifest, name, files.get(name))


def _icon(place: str, kind: str, content: bytes | None) -> Iterator[FieldError]:
    if content is None:
        yield FieldError(place, "is not in the package")
        return
    try:
        picture = png.read(content)
    except ValueError as fault:
        yield FieldError(place, str(fault))
        return
    size = _SIZES[kind]
    if (picture.width, picture.height) != (size, size):
        yield FieldError(place, f"must be {size} x {size}, and is {picture.width} x {picture.height}")
    seen = [point for point in picture.points if point[3]]
    if not seen:
        yield FieldError(place, "shows nothing")
    if kind == "outline" and len(seen) == len(picture.points):
        yield FieldError(place, "must be transparent around the sign")
    if kind == "outline" and any(point[:3] != (255, 255, 255) for point in seen):
        yield FieldError(place, "must be white: Teams colours it itself")


def _languages(manifest: Json) -> Iterator[FieldError]:
    info = manifest["localizationInfo"]
    tags = [info["defaultLanguageTag"], *(each["languageTag"] for each in info["additionalLanguages"])]
    for tag in sorted({tag for tag in tags if tags.count(tag) > 1}):
        yield FieldError("/localizationInfo/additionalLanguages", f"has {tag} twice, or it is the default language")


def _language(manifest: Json, name: str, content: bytes | None) -> Iterator[FieldError]:
    if content is None:
        yield FieldError(f"/{name}", "is not in the package")
        return
    texts = _object(content)
    if texts is None:
        yield FieldError(f"/{name}", "is no JSON object")
        return
    for key in _NEEDED:
        if key not in texts:
            yield FieldError(f"/{name}", f"must have {key}")
    for key in _translatable(manifest):
        if key not in texts:
            yield FieldError(f"/{name}", f"must have {key}: it would be shown in another language than the rest")
    for key, text in texts.items():
        if key != "$schema":
            yield from _translation(manifest, f"/{name}/{key}", key, text)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _translatable(manifest: Json) -> Iterator[str]:
    for index, listed in enumerate(manifest["bots"][0]["commandLists"]):
        for place, command in enumerate(listed["commands"]):
            if command.get("type") != "prompt":
                yield f"bots[0].commandLists[{index}].commands[{place}].title"
                yield f"bots[0].commandLists[{index}].commands[{place}].description"


def _translation(manifest: Json, where: str, key: str, text: object) -> Iterator[FieldError]:
    there = _at(manifest, key) if _KEY.fullmatch(key) else None
    limit = shape.longest(key) if there is not None else None
    if not isinstance(there, str) or limit is None:
        yield FieldError(where, "translates nothing of the manifest")
        return
    if not isinstance(text, str) or not text.strip() or text != text.strip():
        yield FieldError(where, "must be a text, with nothing blank around it")
        return
    if len(text) > limit:
        yield FieldError(where, f"must have at most {limit} characters, and has {len(text)}")
    if _TITLE.fullmatch(key) and (known := told(there)):
        meant = told(text)
        if meant is None or meant.rest or meant.command is not known.command:
            yield FieldError(where, f"is {text}, which the door does not take for {there}")


def _at(manifest: Json, key: str) -> object:
    found: object = manifest
    for part in key.replace("]", "").replace("[", ".").split("."):
        if isinstance(found, list):
            listed = cast("list[object]", found)
            found = listed[int(part)] if part.isdigit() and int(part) < len(listed) else None
        else:
            found = cast("Json", found).get(part) if isinstance(found, dict) else None
    return found
