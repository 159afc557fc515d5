"""From a document to arguments, from arguments to a request, from an answer to a result."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from charter.catalog import openapi as documents
from charter.catalog.document import parse
from charter.catalog.spec import FunctionSpec
from charter.kernel import openapi
from charter.plugin import FunctionFailed
from tests.kernel.echo import Echo

HEAD = "openapi: {version}\ninfo: {{title: T, version: '1'}}\npaths:\n"


def function(paths: str, components: str = "", *, version: str = "3.1.0", hidden: tuple[str, ...] = ()) -> FunctionSpec:
    """Return the function of the document's only operation, ``do``."""
    document = parse(Path("openapi.yaml"), HEAD.format(version=version) + paths + components)
    assert documents.validated(document) == []
    found = documents.find(document, "do")
    assert isinstance(found, tuple), found
    operation = documents.operation(document, *found, hidden=hidden)
    jsonschema.Draft202012Validator.check_schema(operation.parameters)
    return FunctionSpec("p", "do", "", "write", operation.parameters, operation=operation.call, result=operation.result)


def parameters(*lines: str, path: str = "/things") -> FunctionSpec:
    listed = "".join(f"        - {line}\n" for line in lines)
    return function(
        f"  {path}:\n    get:\n      operationId: do\n      parameters:\n{listed}"
        "      responses: {'200': {description: Done.}}\n"
    )


def body(schema: str, components: str = "", **more: Any) -> FunctionSpec:
    return function(
        "  /things:\n    post:\n      operationId: do\n      requestBody:\n        required: true\n        content:\n"
        f"          application/json:\n            schema: {schema}\n      responses: {{'201': {{description: Done.}}}}\n",
        components,
        **more,
    )


async def sent(echo: Echo, spec: FunctionSpec, arguments: dict[str, Any], **headers: str) -> dict[str, Any]:
    jsonschema.validate(arguments, spec.parameters)
    await openapi.call(echo.connection(), spec, arguments, headers)
    return echo.seen[-1]


@pytest.mark.promise("kernel.openapi")
@pytest.mark.parametrize(
    ("parameter", "value", "query"),
    [
        ("{name: q, in: query, schema: {type: boolean}}", True, [("q", "true")]),
        ("{name: q, in: query, schema: {type: integer}}", 7, [("q", "7")]),
        ("{name: q, in: query, schema: {type: string}}", "a&b=ü #", [("q", "a&b=ü #")]),
        (
            "{name: q, in: query, schema: {type: array, items: {type: string}}}",
            ["a", "b c"],
            [("q", "a"), ("q", "b c")],
        ),
        (
            "{name: q, in: query, explode: false, schema: {type: array, items: {type: string}}}",
            ["a", "b,c"],
            [("q", "a,b,c")],
        ),
        (
            "{name: q, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: string}}}",
            ["a", "b"],
            [("q", "a|b")],
        ),
        (
            "{name: q, in: query, style: deepObject, schema: {type: object, properties: {a: {type: boolean}}}}",
            {"a": False},
            [("q[a]", "false")],
        ),
        (
            "{name: q, in: query, content: {application/json: {schema: {type: object}}}}",
            {"a": [1]},
            [("q", '{"a":[1]}')],
        ),
    ],
)
async def test_query_parameters_travel_as_the_document_says(
    echo: Echo, parameter: str, value: Any, query: list[tuple[str, str]]
) -> None:
    assert (await sent(echo, parameters(parameter), {"q": value}))["query"] == query
    assert (await sent(echo, parameters(parameter), {}))["query"] == []


@pytest.mark.promise("kernel.openapi")
@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("PO-1", "/things/PO-1"),
        ("a/b?c#d", "/things/a%2Fb%3Fc%23d"),
        ("{id}", "/things/%7Bid%7D"),
        ("ü", "/things/%C3%BC"),
    ],
)
async def test_a_path_parameter_stays_one_segment(echo: Echo, value: str, raw: str) -> None:
    spec = parameters("{name: id, in: path, required: true, schema: {type: string}}", path="/things/{id}")
    assert (await sent(echo, spec, {"id": value}))["raw"] == raw


@pytest.mark.parametrize("value", ["..", ".", ""])
async def test_a_path_parameter_cannot_climb(echo: Echo, value: str) -> None:
    spec = parameters("{name: id, in: path, required: true, schema: {type: string}}", path="/things/{id}")
    with pytest.raises(FunctionFailed):
        await openapi.call(echo.connection(), spec, {"id": value}, {})
    assert echo.seen == []


async def test_parameters_of_the_path_are_shared_and_those_of_the_operation_win(echo: Echo) -> None:
    spec = function(
        "  /things/{id}:\n    parameters:\n"
        "      - {name: id, in: path, required: true, schema: {type: integer}}\n"
        "      - {name: X-Region, in: header, schema: {type: string}}\n"
        "      - $ref: '#/components/parameters/Limit'\n"
        "    get:\n      operationId: do\n      parameters:\n"
        "        - {name: limit, in: query, schema: {type: integer, maximum: 5}, description: At most so many.}\n"
        "        - {name: Authorization, in: header, schema: {type: string}}\n"
        "      responses: {'200': {description: Done.}}\n",
        "components: {parameters: {Limit: {name: limit, in: query, schema: {type: integer}}}}\n",
    )
    assert spec.parameters["properties"].keys() == {"id", "X-Region", "limit"}
    assert spec.parameters["properties"]["limit"] == {
        "type": "integer",
        "maximum": 5,
        "description": "At most so many.",
    }
    seen = await sent(echo, spec, {"id": 4, "X-Region": "EU", "limit": 2})
    assert (seen["raw"], seen["headers"]["X-Region"]) == ("/things/4?limit=2", "EU")


@pytest.mark.promise("kernel.schema")
async def test_a_body_is_flattened_resolved_and_closed(echo: Echo) -> None:
    components = """
components:
  schemas:
    Order:
      allOf:
        - $ref: '#/components/schemas/Base'
        - type: object
          required: [total]
          properties: {total: {$ref: '#/components/schemas/Money'}}
    Base:
      type: object
      required: [item, id]
      properties: {item: {type: string}, id: {type: string, readOnly: true}}
    Money: {type: object, required: [minor], properties: {minor: {type: integer}, currency: {enum: [EUR]}}}
"""
    spec = body("{$ref: '#/components/schemas/Order'}", components)
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "total": {
                "type": "object",
                "required": ["minor"],
                "properties": {"minor": {"type": "integer"}, "currency": {"enum": ["EUR"]}},
                "additionalProperties": False,
            },
        },
        "required": ["item", "total"],
        "additionalProperties": False,
    }
    given = {"item": "desk", "total": {"minor": 5}}
    assert (await sent(echo, spec, given))["json"] == given
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**given, "total": {"minor": 5, "tip": 1}}, spec.parameters)


@pytest.mark.promise("kernel.schema")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("{type: array, items: {type: string}}", ["a", "b"]),
        ("{type: object, additionalProperties: {type: integer}}", {"a": 1}),
        (
            "{oneOf: [{type: object, properties: {a: {type: string}}}, {type: object, properties: {b: {type: string}}}]}",
            {"b": "x"},
        ),
    ],
)
async def test_a_body_that_is_no_plain_object_is_one_argument(echo: Echo, schema: str, value: Any) -> None:
    spec = body(schema)
    assert list(spec.parameters["properties"]) == ["body"]
    assert spec.parameters["required"] == ["body"]
    assert (await sent(echo, spec, {"body": value}))["json"] == value


@pytest.mark.promise("kernel.schema")
@pytest.mark.parametrize(
    ("version", "schema"),
    [("3.0.3", "{type: string, nullable: true, enum: [a]}"), ("3.1.0", "{type: [string, 'null'], enum: [a, null]}")],
)
async def test_what_may_be_null_may_be_null_in_both_versions(echo: Echo, version: str, schema: str) -> None:
    spec = body(f"{{type: object, properties: {{note: {schema}}}}}", version=version)
    assert spec.parameters["properties"]["note"] == {"type": ["string", "null"], "enum": ["a", None]}
    assert (await sent(echo, spec, {"note": None}))["json"] == {"note": None}


async def test_exclusive_limits_of_the_older_version_are_kept() -> None:
    spec = body("{type: object, properties: {n: {type: integer, minimum: 0, exclusiveMinimum: true}}}", version="3.0.3")
    assert spec.parameters["properties"]["n"] == {"type": "integer", "exclusiveMinimum": 0}


@pytest.mark.promise("kernel.schema")
async def test_a_schema_that_contains_itself_stays_usable(echo: Echo) -> None:
    components = """
components:
  schemas:
    Part: {type: object, required: [name], properties: {name: {type: string}, parts: {type: array, items: {$ref: '#/components/schemas/Part'}}}}
"""
    spec = body("{type: object, properties: {part: {$ref: '#/components/schemas/Part'}}}", components)
    given = {"part": {"name": "a", "parts": [{"name": "b", "parts": []}]}}
    assert (await sent(echo, spec, given))["json"] == given
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"part": {"name": "a", "parts": [{"nome": "b"}]}}, spec.parameters)


async def test_the_same_name_in_path_and_body_is_two_arguments(echo: Echo) -> None:
    spec = function(
        "  /things/{id}:\n    put:\n      operationId: do\n"
        "      parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n"
        "      requestBody:\n        required: true\n        content:\n          application/vnd.thing+json:\n"
        "            schema: {type: object, required: [id], properties: {id: {type: string}}}\n"
        "      responses: {'200': {description: Done.}}\n"
    )
    assert spec.parameters["required"] == ["id", "body_id"]
    seen = await sent(echo, spec, {"id": "a", "body_id": "b"})
    assert (seen["raw"], seen["json"]) == ("/things/a", {"id": "b"})


@pytest.mark.promise("kernel.openapi")
async def test_the_hosts_key_travels_and_no_model_sees_its_field(echo: Echo) -> None:
    schema = (
        "{type: object, required: [item, request_id], properties: {item: {type: string}, request_id: {type: string}}}"
    )
    spec = replace(body(schema, hidden=("request_id",)), idempotency_field="request_id")
    assert spec.parameters["properties"].keys() == {"item"}
    assert spec.parameters["required"] == ["item"]
    await openapi.call(echo.connection(), spec, {"item": "desk", "request_id": "run_1.stp_1"}, {})
    assert echo.seen[-1]["json"] == {"item": "desk", "request_id": "run_1.stp_1"}
    assert (await sent(echo, body(schema), {"item": "x", "request_id": "y"}, **{"Idempotency-Key": "k"}))["headers"][
        "Idempotency-Key"
    ] == "k"


@pytest.mark.promise("kernel.answers")
@pytest.mark.parametrize(
    ("status", "told", "sentence"),
    [
        (409, {"detail": "The invoice is paid already."}, "The invoice is paid already."),
        (422, {"message": "No such item."}, "No such item."),
        (404, {"detail": "x" * 301}, "The business system does not know this."),
        (403, None, "The business system does not allow this to the person who asked."),
        (418, {"detail": {"nested": 1}}, "The business system answered with status 418."),
        (429, [1], "The business system is busy; try again later."),
    ],
)
async def test_a_refusal_becomes_one_public_sentence(echo: Echo, status: int, told: Any, sentence: str) -> None:
    echo.answer = {"status": status, "body": told}
    with pytest.raises(FunctionFailed) as failed:
        await openapi.call(echo.connection(), body("{type: array}"), {"body": []}, {})
    assert (failed.value.public, failed.value.status, failed.value.happened) == (sentence, status, False)


@pytest.mark.promise("kernel.answers")
@pytest.mark.parametrize(
    ("as_", "whose"), [("caller", "person's token"), ("host", "host's token"), ("secret", "host's key")]
)
async def test_whose_token_is_not_accepted_is_said(echo: Echo, as_: str, whose: str) -> None:
    echo.answer = {"status": 401, "body": None}
    with pytest.raises(FunctionFailed) as failed:
        await openapi.call(echo.connection(auth=as_), body("{type: array}"), {"body": []}, {}, as_=as_)
    assert failed.value.public == f"The business system does not accept this {whose}."


@pytest.mark.promise("kernel.answers")
@pytest.mark.parametrize(("status", "happened"), [(500, None), (503, None), (400, False)])
async def test_a_fault_of_the_system_says_nothing_of_the_effect(echo: Echo, status: int, happened: bool | None) -> None:
    echo.answer = {"status": status, "body": {}}
    with pytest.raises(FunctionFailed) as failed:
        await openapi.call(echo.connection(), body("{type: array}"), {"body": []}, {})
    assert failed.value.happened is happened


async def test_an_empty_answer_is_an_empty_result(echo: Echo) -> None:
    echo.answer = {"status": 204, "raw": b""}
    assert await openapi.call(echo.connection(), body("{type: array}"), {"body": []}, {}) == {}
