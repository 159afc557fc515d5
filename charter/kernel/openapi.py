"""From checked arguments to one request of an OpenAPI operation, and from its answer to a result or a public sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, urlencode

import orjson

from charter.catalog.spec import FunctionSpec
from charter.plugin import Connection, FunctionFailed, Response

_SEPARATORS = {"spaceDelimited": "%20", "pipeDelimited": "|", "form": ",", "simple": ","}
_LONGEST_SENTENCE = 300
_REFUSED = {
    "caller": "The business system does not accept this person's token.",
    "host": "The business system does not accept this host's token.",
    "secret": "The business system does not accept this host's key.",
    "none": "The business system lets nobody in without a token.",
}
_SENTENCES = {
    403: "The business system does not allow this to the person who asked.",
    404: "The business system does not know this.",
    429: "The business system is busy; try again later.",
}


async def call(
    connection: Connection,
    function: FunctionSpec,
    arguments: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    as_: str = "caller",
) -> Any:
    """Send the operation and return its JSON result. ``as_`` says whose token the connection sends.

    Raises:
        FunctionFailed: an answer of 400 and above, with the system's own short sentence where it gives one.
    """
    assert function.operation is not None
    operation = function.operation
    path, sent = str(operation["path"]), dict(headers)
    query: list[str] = []
    for parameter in operation["parameters"]:
        if (value := arguments.get(parameter["argument"])) is None:
            continue
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", _segment(parameter, value))
        elif parameter["in"] == "header":
            sent[parameter["name"]] = ",".join(_texts(parameter, value))
        else:
            query += _query(parameter, value)
    address = path + ("?" + "&".join(query) if query else "")
    answer = await connection.request(
        operation["method"], address, body=_body(operation["body"], arguments, function), headers=sent
    )
    return _result(answer, operation["method"], as_)


def _body(body: Mapping[str, Any] | None, arguments: Mapping[str, Any], function: FunctionSpec) -> Any:
    if body is None:
        return None
    if "whole" in body:
        return arguments.get(body["whole"])
    fields = {name: arguments[argument] for argument, name in body["fields"].items() if argument in arguments}
    if function.idempotency_field and function.idempotency_field in arguments:
        fields[function.idempotency_field] = arguments[function.idempotency_field]
    return fields if fields or body.get("required") else None


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _texts(parameter: Mapping[str, Any], value: Any) -> list[str]:
    if parameter["json"]:
        return [orjson.dumps(value).decode()]
    if isinstance(value, list):
        return [_plain(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, dict):
        return [part for name, item in cast("Mapping[str, Any]", value).items() for part in (name, _plain(item))]
    return [_plain(value)]


def _segment(parameter: Mapping[str, Any], value: Any) -> str:
    text = ",".join(quote(part, safe="") for part in _texts(parameter, value))
    if text in {"", ".", ".."}:
        # A dot segment would climb out of the operation's path.
        raise FunctionFailed(f"{parameter['name']} cannot be {text!r}.")
    return text


def _query(parameter: Mapping[str, Any], value: Any) -> Iterator[str]:
    name = parameter["name"]
    if isinstance(value, dict) and not parameter["json"]:
        for key, item in cast("Mapping[str, Any]", value).items():
            yield urlencode(
                {f"{name}[{key}]" if parameter["style"] == "deepObject" else key: _plain(item)}, quote_via=quote
            )
        return
    texts = _texts(parameter, value)
    if parameter["explode"] or parameter["json"]:
        for text in texts:
            yield urlencode({name: text}, quote_via=quote)
        return
    yield f"{quote(name, safe='')}={_SEPARATORS[parameter['style']].join(quote(text, safe='') for text in texts)}"


def _result(answer: Response, method: str, as_: str) -> Any:
    if answer.status < 400:
        return {} if answer.body is None else answer.body
    # A server's fault says nothing of the effect; a refusal says that there was none.
    happened = None if answer.status >= 500 and method not in {"GET", "HEAD"} else False
    raise FunctionFailed(_sentence(answer, as_), happened=happened, status=answer.status)


def _sentence(answer: Response, as_: str) -> str:
    body: Any = answer.body
    told: Mapping[str, Any] = cast("Mapping[str, Any]", body) if isinstance(body, dict) else {}
    for key in ("detail", "message", "title"):
        text = told.get(key)
        if isinstance(text, str) and 0 < len(text) <= _LONGEST_SENTENCE:
            return text
    if answer.status == 401:
        return _REFUSED[as_]
    return _SENTENCES.get(answer.status, f"The business system answered with status {answer.status}.")
