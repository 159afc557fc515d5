"""What a Python plugin takes, read from its source and never by running it.

The signature of a method is what the model sees: plain types (``str``, ``int``, ``bool``, ``list[…]``, ``Literal[…]``,
``… | None``), each best as ``Annotated[type, "description"]``. Anything else is given as ``schema:`` in plugin.yaml.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charter.catalog.mistake import Mistake, closest

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


@dataclass(frozen=True, slots=True)
class Method:
    """``properties`` has a schema per argument, or ``None`` where the annotation says too little."""

    file: Path
    line: int
    description: str
    properties: Mapping[str, Mapping[str, Any] | None]
    required: tuple[str, ...]


def methods(file: Path, class_name: str, mistakes: list[Mistake]) -> dict[str, Method]:
    """Return the public methods of the class; what cannot be read goes to ``mistakes``."""
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        mistakes.append(Mistake(file, 1, "The module cannot be read.", "Put plugin.py beside plugin.yaml."))
        return {}
    except SyntaxError as fault:
        mistakes.append(Mistake(file, fault.lineno or 1, f"This is not Python: {fault.msg}.", "Mend the syntax."))
        return {}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        mistakes.append(Mistake(file, 1, f"There is no class `{class_name}`.", closest(class_name, classes)))
        return {}
    return {
        node.name: _method(file, node)
        for node in classes[class_name].body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }


def _method(file: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Method:
    arguments = [*node.args.posonlyargs, *node.args.args][1:] + node.args.kwonlyargs
    optional = {argument.arg for argument in node.args.args[len(node.args.args) - len(node.args.defaults) :]}
    optional |= {
        argument.arg
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    }
    return Method(
        file,
        node.lineno,
        " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split()),
        {argument.arg: _schema(argument.annotation) for argument in arguments},
        tuple(argument.arg for argument in arguments if argument.arg not in optional),
    )


def _schema(node: ast.expr | None) -> dict[str, Any] | None:
    match node:
        case ast.Name(id=name) if name in _TYPES:
            return {"type": _TYPES[name]}
        case ast.Subscript(
            value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, ast.Constant(value=str(text)), *_])
        ):
            found = _schema(inner)
            return None if found is None else {**found, "description": text}
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            found = _schema(inner)
            return None if found is None else {"type": "array", "items": found}
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return {"enum": [value.value for value in values if isinstance(value, ast.Constant)]}
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _schema(left)
        case _:
            return None
