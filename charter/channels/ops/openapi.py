"""``GET /openapi.json``: every door of this host in OpenAPI 3.1, made from the shapes that the doors themselves use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from charter.channels.described import EVENTS, TEXT, Operation, Parameter

_REF = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"
_IN_PATH = re.compile(r"\{(\w+)\}")
_ABOUT = (
    "A governed host for Semantic Kernel agents. Every door asks for a bearer token; a run acts for the person or "
    "workload of that token, within its agent's policy."
)


def routes(operations: Sequence[Operation]) -> list[web.RouteDef]:
    """Return the route that shows these operations; the document is made once."""
    text = orjson.dumps(document(operations))

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=text, content_type="application/json")

    return [web.get("/openapi.json", openapi)]


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document."""
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Charter",
            "version": version("charter-host"),
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Untitled(GenerateJsonSchema):
    """A field's name is title enough."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class _Schemas:
    """The JSON schemas of all shapes; a shape is the same schema wherever it is named."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        wanted: dict[tuple[type[BaseModel], Any], None] = {}
        for operation in operations:
            taken = [(operation.body, "validation")]
            given = [
                (shape, "serialization") for shape in (*(a.shape for a in operation.answers.values()), operation.faults)
            ]
            wanted |= dict.fromkeys((shape, mode) for shape, mode in (*taken, *given) if shape is not None)
        self._refs, made = models_json_schema(list(wanted), ref_template=_REF, schema_generator=_Untitled)
        self.definitions: Mapping[str, Any] = made.get("$defs", {})

    def of(self, shape: type[BaseModel], mode: Any) -> Mapping[str, Any]:
        return self._refs[shape, mode]


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        described["description"] = operation.description
    if parameters := [*_path_parameters(operation), *operation.parameters]:
        described["parameters"] = [_parameter(parameter) for parameter in parameters]
    if operation.body is not None:
        content = {"application/json": {"schema": schemas.of(operation.body, "validation")}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.public:
        described["security"] = []
    return described


def _path_parameters(operation: Operation) -> list[Parameter]:
    described = {parameter.name for parameter in operation.parameters if parameter.where == "path"}
    names = [name for name in _IN_PATH.findall(operation.path) if name not in described]
    return [Parameter(name, "path", f"The {name}'s id or name.", TEXT) for name in names]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    told = {"name": parameter.name, "in": parameter.where, "description": parameter.description}
    return {**told, "required": parameter.where == "path", "schema": dict(parameter.schema)}


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status, answer in operation.answers.items():
        shape = schemas.of(answer.shape, "serialization") if answer.shape else TEXT
        content = {media: {"schema": dict(TEXT) if media == EVENTS else shape} for media in answer.media}
        told[str(status)] = {"description": answer.description, "content": content}
        if answer.headers:
            told[str(status)]["headers"] = {
                name: {"description": text, "schema": dict(TEXT)} for name, text in answer.headers.items()
            }
    problem = {_PROBLEM: {"schema": schemas.of(operation.faults, "serialization")}}
    for status in _problems(operation):
        told.setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": problem})
    return told


def _problems(operation: Operation) -> list[int]:
    found = set(operation.problems)
    if not operation.public:
        found |= {401, 403, 500}
    if "{" in operation.path:
        found.add(404)
    if operation.body is not None:
        found |= {413, 415, 422}
    return sorted(found)
