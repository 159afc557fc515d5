"""One folder of ``plugins/``: its facts read, held against its code or document, and made a ``PluginSpec``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from charter.catalog import grammar, openapi, python
from charter.catalog.document import Document, read
from charter.catalog.fields import contradictions
from charter.catalog.mistake import Mistake, closest
from charter.catalog.openapi import Operation
from charter.catalog.schema import Unusable
from charter.catalog.spec import ArgumentSpec, ConnectionSpec, FunctionSpec, PluginSpec

# The host's own key; sent where a function honours it or is found by it, and never the model's to choose.
_HOST_HEADERS = ("Idempotency-Key",)
_JINJA = ImmutableSandboxedEnvironment()


@dataclass(frozen=True, slots=True)
class _Signature:
    """What a function takes, from its document or code: a closed schema, and where a mistake about it is shown."""

    description: str
    parameters: Mapping[str, Any]
    call: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None


def read_plugin(folder: Path, mistakes: list[Mistake]) -> PluginSpec | None:
    """Read the folder; add every mistake to ``mistakes``, and return ``None`` when there is one."""
    document = read(folder / "plugin.yaml", mistakes)
    if document is None:
        return None
    faults = grammar.conform(document, "plugin")
    if not faults:
        faults = list(_kind(folder, document))
    spec = _Reader(folder, document, faults).plugin() if not faults else None
    mistakes.extend(faults)
    return None if faults else spec


def _kind(folder: Path, document: Document) -> Iterator[Mistake]:
    value = document.value
    if value["name"] != folder.name:
        yield document.mistake(
            ("name",), f"The name `{value['name']}` is not the folder's.", f"Write `name: {folder.name}`."
        )
    wanted = {"openapi": ("document", "connection"), "python": ("class",)}[value["kind"]]
    for key in wanted:
        if key not in value:
            yield document.mistake(("kind",), f"A plugin of kind {value['kind']} needs `{key}`.", f"Add `{key}:`.")
    yield from _auth(document, value.get("connection", {}).get("auth", {}), folder.name)


def _auth(document: Document, auth: Mapping[str, Any], name: str) -> Iterator[Mistake]:
    place = ("connection", "auth")
    if auth.get("as") in {"caller", "host"} and not auth.get("scope"):
        yield document.mistake(
            place, "A token is asked for, but not for what.", f'Add `scope: "api://{name}/.default"`.'
        )
    if auth.get("as") == "secret" and "secret" not in auth:
        remedy = f'Add `secret: "keyvault:{name.replace("_", "-")}-key"`.'
        yield document.mistake(place, "A secret is asked for, but not which.", remedy)
    for key in ("secret", "header", "prefix"):
        if key in auth and auth["as"] != "secret":
            yield document.mistake((*place, key), f"`{key}` says nothing here.", "Remove it, or write `as: secret`.")


class _Reader:
    def __init__(self, folder: Path, document: Document, mistakes: list[Mistake]) -> None:
        self._folder = folder
        self._document = document
        self._value: Mapping[str, Any] = document.value
        self._mistakes = mistakes
        self._operations: Document | None = None
        self._methods: Mapping[str, python.Method] = {}

    def plugin(self) -> PluginSpec | None:
        module = self._folder / "plugin.py" if self._value["kind"] == "python" else None
        if not self._sources(module):
            return None
        functions = {name: self._function(name, facts) for name, facts in self._value["functions"].items()}
        self._lookups(functions)
        sandbox, policy = self._folder / "sandbox.py", self._folder / "policy.cedar"
        return PluginSpec(
            name=self._value["name"],
            kind=self._value["kind"],
            folder=self._folder,
            functions={name: function for name, function in functions.items() if function is not None},
            policy=policy.read_text("utf-8") if policy.is_file() else "",
            connection=_connection(self._value.get("connection")),
            module=module,
            document=self._folder / self._value["document"] if self._operations is not None else None,
            class_name=self._value.get("class"),
            sandbox=sandbox if sandbox.is_file() else None,
        )

    def _sources(self, module: Path | None) -> bool:
        if module is not None:
            self._methods = python.methods(module, self._value["class"], self._mistakes)
        else:
            self._operations = read(self._folder / self._value["document"], self._mistakes)
            if self._operations is not None:
                self._mistakes.extend(openapi.validated(self._operations))
        return not self._mistakes

    def _mistake(self, place: tuple[str | int, ...], message: str, remedy: str) -> None:
        self._mistakes.append(self._document.mistake(("functions", *place), message, remedy))

    def _function(self, name: str, facts: Mapping[str, Any]) -> FunctionSpec | None:
        signature = self._operation(name, facts) if self._operations is not None else self._method(name, facts)
        if signature is None:
            return None
        self._arguments(name, facts, signature)
        self._receipt(name, facts)
        for field, message, remedy in contradictions(
            facts.get("returns", {}).get("fields", {}), signature.result or {}
        ):
            self._mistake((name, "returns", "fields", field), message, remedy)
        description = str(facts.get("description") or signature.description).strip()
        if not description:
            self._mistake((name,), f"Nothing tells a model what `{name}` does.", "Add `description:`.")
        idempotency = facts.get("idempotency", {})
        return FunctionSpec(
            plugin=self._value["name"],
            name=name,
            description=description,
            effect=facts["effect"],
            parameters=signature.parameters,
            examples=tuple(facts.get("examples", ())),
            arguments={argument: _argument(argument, hints) for argument, hints in facts.get("arguments", {}).items()},
            returns=dict(facts.get("returns", {}).get("fields", {})),
            retrieval=bool(facts.get("retrieval", False)),
            idempotency_header=idempotency.get("header"),
            idempotency_field=idempotency.get("field"),
            lookup=facts.get("lookup"),
            receipt=facts.get("receipt"),
            operation=signature.call,
            result=signature.result or {},
        )

    def _operation(self, name: str, facts: Mapping[str, Any]) -> _Signature | None:
        assert self._operations is not None
        operation_id = facts.get("operation", name)
        found = openapi.find(self._operations, operation_id)
        if isinstance(found, Mistake):
            place = (name, "operation") if "operation" in facts else (name,)
            self._mistake(place, found.message, found.remedy)
            return None
        hidden = [*_HOST_HEADERS, *facts.get("idempotency", {}).values()]
        try:
            read_operation: Operation = openapi.operation(self._operations, *found, hidden=hidden)
        except Unusable as fault:
            self._mistakes.append(fault.mistake)
            return None
        return _Signature(
            read_operation.description, read_operation.parameters, read_operation.call, read_operation.result
        )

    def _method(self, name: str, facts: Mapping[str, Any]) -> _Signature | None:
        method = self._methods.get(name)
        if method is None:
            self._mistake((name,), f"The class has no method `{name}`.", closest(name, self._methods))
            return None
        schemas = {
            argument: hints["schema"] for argument, hints in facts.get("arguments", {}).items() if "schema" in hints
        }
        properties = {argument: schemas.get(argument) or schema for argument, schema in method.properties.items()}
        if vague := [argument for argument, schema in properties.items() if schema is None]:
            told = f"The type of `{vague[0]}` says too little.", f"Add `schema:` to `{vague[0]}` in plugin.yaml."
            self._mistakes.append(Mistake(method.file, method.line, *told))
            return None
        parameters = {
            "type": "object",
            "properties": properties,
            "required": list(method.required),
            "additionalProperties": False,
        }
        return _Signature(method.description, parameters)

    def _arguments(self, name: str, facts: Mapping[str, Any], signature: _Signature) -> None:
        taken: Mapping[str, Any] = signature.parameters["properties"]
        declared: Mapping[str, Any] = facts.get("arguments", {})
        for argument in declared.keys() - taken.keys():
            self._mistake(
                (name, "arguments", argument), f"`{name}` takes no argument `{argument}`.", closest(argument, taken)
            )
        for argument in taken.keys() - declared.keys():
            self._mistake(
                (name,),
                f"The argument `{argument}` of `{name}` has no role.",
                f"Add `{argument}: {{role: …}}` to `arguments`.",
            )
        for argument, hints in declared.items():
            allowed = {str(value) for value in taken.get(argument, {}).get("enum", ())}
            for value in hints.get("synonyms", {}).keys() - allowed if allowed else ():
                self._mistake(
                    (name, "arguments", argument, "synonyms", value),
                    f"`{value}` is no value of `{argument}`.",
                    closest(value, allowed),
                )

    def _receipt(self, name: str, facts: Mapping[str, Any]) -> None:
        try:
            _JINJA.parse(facts.get("receipt", ""))
        except TemplateSyntaxError as fault:
            self._mistake((name, "receipt"), f"The receipt is no template: {fault.message}.", "Mend its `{{ … }}`.")

    def _lookups(self, functions: Mapping[str, FunctionSpec | None]) -> None:
        for name, facts in self._value["functions"].items():
            other = facts.get("lookup")
            if other is None:
                continue
            place = (name, "lookup")
            if other not in functions:
                self._mistake(place, f"There is no function `{other}`.", closest(other, functions))
                continue
            function = functions[other]
            if function is not None and function.effect != "read":
                self._mistake(place, f"`{other}` is no read.", "Name a function that only reads.")
            elif function is not None and len(function.parameters.get("required", ())) != 1:
                remedy = "Name a read function whose one required argument is the key."
                self._mistake(place, f"`{other}` cannot be asked by the key alone.", remedy)


def _argument(name: str, hints: Mapping[str, Any]) -> ArgumentSpec:
    synonyms: Mapping[str, list[str]] = hints.get("synonyms", {})
    return ArgumentSpec(
        name,
        hints["role"],
        hints.get("slot"),
        hints.get("pattern"),
        {value: tuple(words) for value, words in synonyms.items()},
        hints.get("ask"),
    )


def _connection(value: Mapping[str, Any] | None) -> ConnectionSpec | None:
    if value is None:
        return None
    auth: Mapping[str, Any] = value["auth"]
    header = auth.get("header", "Authorization")
    return ConnectionSpec(
        base_url=value["base_url"],
        as_=auth["as"],
        scope=auth.get("scope", ""),
        egress=tuple(value.get("egress", ())),
        secret=auth.get("secret", ""),
        header=header,
        # A header of the system's own carries the bare key, unless the file says otherwise.
        prefix=auth.get("prefix", "Bearer " if header.lower() == "authorization" else ""),
    )
