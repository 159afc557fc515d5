"""One operation of an OpenAPI document: the arguments a model may give, and how they become a request.

``call`` of an ``Operation`` has ``method``, ``path``, ``parameters`` (each ``argument``, ``name``, ``in``, ``style``,
``explode``, ``json``) and ``body`` (``None``, or ``whole``: the argument that is the body, or ``fields``: argument → field).
``servers`` and ``security`` of the document are not followed: where the system is and whose token it gets, says the
plugin's ``connection``.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from charter.catalog.document import Document, Pointer
from charter.catalog.mistake import Mistake, closest
from charter.catalog.schema import Schemas, Unusable

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_STYLES = {
    "path": {"simple"},
    "query": {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
    "header": {"simple"},
}
# OpenAPI says itself that header parameters of these names mean nothing.
_NEVER = {"accept", "content-type", "authorization"}


@dataclass(frozen=True, slots=True)
class Operation:
    """``result`` is the closed schema of the successful JSON answer, empty when the document says nothing of it."""

    place: Pointer
    description: str
    parameters: Mapping[str, Any]
    call: Mapping[str, Any]
    places: Mapping[str, Pointer]
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Content:
    """What a document says, wherever it lies."""

    digest: str
    value: Any = field(compare=False)


def validated(document: Document) -> list[Mistake]:
    """Return what breaks the OpenAPI specification in the document (3.0 or 3.1)."""
    version = str(document.mapping.get("openapi", ""))
    if not version.startswith(("3.0", "3.1")):
        place = ("openapi",) if version else ()
        return [document.mistake(place, "This is no OpenAPI 3.0 or 3.1 document.", "Begin with `openapi: 3.1.0`.")]
    content = _Content(hashlib.sha256(repr(document.value).encode()).hexdigest(), document.value)
    return [document.mistake(*breach) for breach in _breaches(content)]


@lru_cache(64)
def _breaches(content: _Content) -> tuple[tuple[Pointer, str, str], ...]:
    # Remembered, because it takes a tenth of a second and more, and most documents are as they were at the last reload.
    from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

    version = str(content.value["openapi"])
    validator: Any = OpenAPIV31SpecValidator if version.startswith("3.1") else OpenAPIV30SpecValidator
    try:
        errors: list[Any] = list(validator(content.value).iter_errors())
    except Exception as fault:  # noqa: BLE001 - the validator raises what its resolver raises
        return (((), f"The document cannot be followed: {fault}.", "Mend its `$ref`s."),)
    return tuple(
        (
            _place(error),
            f"This breaks the OpenAPI specification: {str(error.message)[:160]}.",
            "Mend it as the specification says.",
        )
        for error in errors
    )


def _place(error: Any) -> Pointer:
    place = tuple(getattr(error, "absolute_path", ()))
    # What no schema can say (an unknown path parameter) comes without a place, but names the operation.
    named = re.search(r"for '(\w+)' operation in '([^']+)'", str(error.message))
    return ("paths", named[2], named[1]) if named and not place else place


def find(document: Document, operation_id: str) -> tuple[str, str] | Mistake:
    """Return path and method of the operation, or the mistake that there is none."""
    known: list[str] = []
    for path, method, operation in _operations(document):
        if operation.get("operationId") == operation_id:
            return path, method
        known.append(str(operation.get("operationId", "")))
    return document.mistake(
        ("paths",), f"There is no operation `{operation_id}`.", closest(operation_id, filter(None, known))
    )


def _operations(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    paths: Mapping[str, Any] = document.mapping.get("paths") or {}
    for path, item in paths.items():
        for method in _METHODS:
            operation: Any = item.get(method)
            if operation is not None:
                yield path, method, operation


def operation(document: Document, path: str, method: str, *, hidden: Iterable[str] = ()) -> Operation:
    """Read one operation. Parameters and body fields named in ``hidden`` are the host's and no model sees them.

    Raises:
        Unusable: a part of it cannot be turned into arguments or a JSON request; the mistake says which.
    """
    place: Pointer = ("paths", path, method)
    node = document.value["paths"][path][method]
    reader = _Reader(document, {name.lower() for name in hidden})
    reader.take_parameters(document.value["paths"][path].get("parameters", []), ("paths", path, "parameters"))
    reader.take_parameters(node.get("parameters", []), (*place, "parameters"))
    reader.place_parameters()
    body = reader.body(node.get("requestBody"), (*place, "requestBody"))
    return Operation(
        place,
        str(node.get("description") or node.get("summary") or ""),
        reader.schema(),
        {"method": method.upper(), "path": path, "parameters": reader.sent, "body": body},
        reader.places,
        reader.result(node.get("responses", {}), (*place, "responses")),
    )


class _Reader:
    def __init__(self, document: Document, hidden: set[str]) -> None:
        self._document = document
        self._hidden = hidden
        self._schemas = Schemas(document)
        self._parameters: dict[tuple[str, str], tuple[Mapping[str, Any], Pointer]] = {}
        self._required: list[str] = []
        self.properties: dict[str, Any] = {}
        self.places: dict[str, Pointer] = {}
        self.sent: list[dict[str, Any]] = []

    def _refuse(self, place: Pointer, message: str, remedy: str) -> Unusable:
        return Unusable(self._document.mistake(place, message, remedy))

    def take_parameters(self, nodes: Any, place: Pointer) -> None:
        for n, node in enumerate(nodes or []):
            parameter, there = self._schemas.target(node, (*place, n))
            self._parameters[str(parameter.get("in")), str(parameter.get("name"))] = (parameter, there)

    def place_parameters(self) -> None:
        for (where, name), (parameter, place) in self._parameters.items():
            if name.lower() in self._hidden or (where == "header" and name.lower() in _NEVER):
                continue
            if where not in _STYLES:
                raise self._refuse(
                    place, f"The parameter `{name}` travels as {where}.", "Move it to path, query or header."
                )
            schema, as_json = self._parameter_schema(parameter, place)
            style = str(parameter.get("style", "form" if where == "query" else "simple"))
            if style not in _STYLES[where]:
                raise self._refuse(
                    (*place, "style"),
                    f"The style `{style}` is not supported in {where}.",
                    closest(style, _STYLES[where]),
                )
            argument = self._take(name, where, schema, place, required=bool(parameter.get("required")))
            explode = bool(parameter.get("explode", style in {"form", "deepObject"}))
            self.sent.append(
                {"argument": argument, "name": name, "in": where, "style": style, "explode": explode, "json": as_json}
            )

    def _parameter_schema(self, parameter: Mapping[str, Any], place: Pointer) -> tuple[dict[str, Any], bool]:
        content: Mapping[str, Any] = parameter.get("content") or {}
        as_json = bool(content)
        if as_json and "application/json" not in content:
            raise self._refuse(
                (*place, "content"), "Only JSON content can be sent here.", "Write `content: {application/json: …}`."
            )
        node: Any = content["application/json"].get("schema", {}) if as_json else parameter.get("schema", {})
        schema = self._schemas.closed(node, (*place, "schema"))
        if "description" in parameter:
            schema["description"] = str(parameter["description"]).strip()
        return schema, as_json

    def _take(self, name: str, where: str, schema: dict[str, Any], place: Pointer, *, required: bool) -> str:
        # The same name in path and body means two values; each keeps its own argument.
        argument = name if name not in self.properties else f"{where}_{name}"
        self.properties[argument] = schema
        self.places[argument] = place
        if required:
            self._required.append(argument)
        return argument

    def body(self, node: Any, place: Pointer) -> dict[str, Any] | None:
        if not node:
            return None
        request, place = self._schemas.target(node, place)
        content: Mapping[str, Any] = request.get("content", {})
        media = next((name for name in content if _is_json(name)), None)
        if media is None:
            listed = ", ".join(content) or "nothing"
            raise self._refuse(
                (*place, "content"),
                f"The body is {listed}, not JSON.",
                "Offer `application/json`, or leave this operation out.",
            )
        place = (*place, "content", media, "schema")
        schema = self._schemas.closed(content[media].get("schema", {}), place)
        # The specification's default is false, which authors forget: a body with required fields is wanted.
        required = bool(request.get("required", bool(schema.get("required"))))
        if not _flat(schema):
            argument = self._take("body", "body", schema, place, required=required)
            return {"media_type": media, "whole": argument}
        return {"media_type": media, "fields": self._fields(schema, place, required=required), "required": required}

    def _fields(self, schema: dict[str, Any], place: Pointer, *, required: bool) -> dict[str, str]:
        wanted: list[str] = schema.get("required", []) if required else []
        return {
            self._take(name, "body", inner, (*place, "properties", name), required=name in wanted): name
            for name, inner in schema["properties"].items()
            if name.lower() not in self._hidden
        }

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": "object",
            "properties": self.properties,
            "required": self._required,
            "additionalProperties": False,
        }
        if self._schemas.definitions:
            found["$defs"] = self._schemas.definitions
        return found

    def result(self, responses: Any, place: Pointer) -> dict[str, Any]:
        for status in ("200", "201", "202", "2XX"):
            if status in responses:
                response, there = self._schemas.target(responses[status], (*place, status))
                for media, content in response.get("content", {}).items():
                    if _is_json(media):
                        return Schemas(self._document).closed(
                            content.get("schema", {}), (*there, "content", media, "schema")
                        )
        return {}


def _is_json(media: str) -> bool:
    name = media.partition(";")[0].strip().lower()
    return name == "application/json" or name.endswith("+json")


def _flat(schema: Mapping[str, Any]) -> bool:
    plain = schema.get("type") == "object" and bool(schema.get("properties"))
    return (
        plain and schema.get("additionalProperties") is False and not {"oneOf", "anyOf", "allOf", "not"} & schema.keys()
    )
