"""``$filter``: parsed with a grammar, held against the fields of the index, and turned into a test of one document.

Sources: "OData expression syntax reference", "OData comparison operators", "OData collection operators" and
"Troubleshooting OData collection filters" of the service's documentation.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, Transformer, v_args  # pyright: ignore[reportUnknownVariableType]
from lark.exceptions import LarkError, VisitError

from charter.twins.ai_search.fields import Field, moment
from charter.twins.ai_search.refusals import Refused, bad, beyond

Document = Mapping[str, Any]
Test = Callable[[Document, Mapping[str, Any]], bool]
"""Takes a document and the values of the range variables."""

_MOST_CLAUSES = 3_000
_DEEPEST = 100
_TURNED = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge", "eq": "eq", "ne": "ne"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "lt": operator.lt, "ge": operator.ge, "le": operator.le,
}  # fmt: skip
_LITERALS = {
    "Edm.String": "string", "Edm.Boolean": "boolean", "Edm.DateTimeOffset": "moment",
    "Edm.Int32": "number", "Edm.Int64": "number", "Edm.Double": "number",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Literal:
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a filter: ``verb`` is what it does, ``path`` what it looks at, ``inner`` its parts."""

    verb: str
    path: tuple[str, ...] = ()
    inner: tuple["Node", ...] = ()
    word: str = ""
    literal: Literal | None = None
    values: frozenset[str] = frozenset()


def tested(text: str, fields: Mapping[str, Field]) -> Callable[[Document], bool]:
    """Return the test that a filter stands for.

    Raises:
        Refused: it is no filter, or not one for these fields.
    """
    try:
        node = cast("Node", _reader().parse(text))  # pyright: ignore[reportUnknownMemberType]
        clauses, depth = _size(node)
        if clauses > _MOST_CLAUSES or depth > _DEEPEST:
            raise bad("Invalid expression: the filter has too many clauses, or is nested too deeply.")
        test = _test(node, _Scope(fields, {}))
    except VisitError as fault:
        raise fault.orig_exc if isinstance(fault.orig_exc, Refused) else bad("Invalid expression.") from fault
    except LarkError as fault:
        raise bad(f"Invalid expression: Syntax error in '{text[:200]}'. (Parameter 'filter')") from fault
    except RecursionError as fault:
        raise bad("Invalid expression: the filter is nested too deeply.") from fault
    return lambda document: test(document, {})


@v_args(inline=True)
class _Nodes(Transformer[Token, Any]):
    """Builds nodes while the text is read, so that no depth of the text becomes a depth of calls."""

    def start(self, node: Node) -> Node:
        return node

    def disjunction(self, *inner: Node) -> Node:
        return Node("or", inner=inner)

    def conjunction(self, *inner: Node) -> Node:
        return Node("and", inner=inner)

    def negation(self, inner: Node) -> Node:
        return Node("not", inner=(inner,))

    def compared(self, path: tuple[str, ...], word: Token, literal: Any) -> Node:
        return Node("compare", path, word=str(word), literal=_literal(literal))

    def compared_with(self, literal: Any, word: Token, path: tuple[str, ...]) -> Node:
        return Node("compare", path, word=_TURNED[str(word)], literal=_literal(literal))

    def any(self, path: tuple[str, ...], _: Token, variable: Token | None = None, inner: Node | None = None) -> Node:
        return Node("any", path, inner=(inner,) if inner else (), word=str(variable or ""))

    def all(self, path: tuple[str, ...], _: Token, variable: Token, inner: Node) -> Node:
        return Node("all", path, inner=(inner,), word=str(variable))

    def one_of(self, _: Token, path: tuple[str, ...], values: Literal, delimiters: Literal | None = None) -> Node:
        marks = delimiters.value if delimiters else " ,"
        if not marks:
            raise bad("Invalid expression: search.in needs a delimiter.")
        parts = re.split(f"[{re.escape(marks)}]", values.value)
        return Node("in", path, values=frozenset(part for part in parts if part))

    def matching(self, call: Token) -> Node:
        raise beyond(f"the function {str(call).partition('(')[0]}")

    def bare(self, path: tuple[str, ...]) -> Node:
        return Node("bare", path)

    def path(self, name: Token) -> tuple[str, ...]:
        return tuple(str(name).split("/"))

    def string(self, token: Token) -> Literal:
        return Literal("string", str(token)[1:-1].replace("''", "'"))

    def moment(self, token: Token) -> Literal:
        if (found := moment(str(token))) is None:
            raise bad(f"Invalid expression: '{token}' is no moment.")
        return Literal("moment", found)

    def number(self, token: Token) -> Literal:
        text = str(token)
        whole = text.lstrip("+-").isdigit()
        return Literal("number", int(text) if whole else float(text.replace("INF", "inf").replace("NaN", "nan")))

    def null(self) -> Literal:
        return Literal("null", None)

    def true(self) -> Node:
        return Node("true")

    def false(self) -> Node:
        return Node("false")


def _literal(given: Any) -> Literal:
    return Literal("boolean", given.verb == "true") if isinstance(given, Node) else given


@cache
def _reader() -> Lark:
    grammar = Path(__file__).with_name("filter.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", transformer=_Nodes(), maybe_placeholders=False)


def _size(node: Node) -> tuple[int, int]:
    """Return how many nodes there are, and how deep they lie."""
    inner = [_size(each) for each in node.inner]
    return 1 + sum(count for count, _ in inner), 1 + max((depth for _, depth in inner), default=0)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names that a part of a filter may use: fields, and the variables of the collections around it."""

    fields: Mapping[str, Field]
    variables: Mapping[str, Field]

    def value(self, path: Sequence[str]) -> tuple[Field, bool]:
        """Return the field behind a name and whether it stands for one value of it."""
        name = "/".join(path)
        if name in self.variables:
            return self.variables[name], True
        found = self.fields.get(name)
        if found is None:
            raise bad(f"Invalid expression: Could not find a property named '{name}' on type 'search.document'.")
        if not found.filterable:
            raise bad(
                f"Invalid expression: '{name}' is not a filterable field. Only filterable fields can be used in filter "
                "expressions."
            )
        return found, not found.many


def _test(node: Node, scope: _Scope) -> Test:
    match node.verb:
        case "true" | "false":
            return lambda document, values: node.verb == "true"
        case "and" | "or":
            inner = [_test(each, scope) for each in node.inner]
            joined = all if node.verb == "and" else any
            return lambda document, values: joined(each(document, values) for each in inner)
        case "not":
            test = _test(node.inner[0], scope)
            return lambda document, values: not test(document, values)
        case "any" | "all":
            return _lambda(node, scope)
        case _:
            return _simple(node, scope)


def _simple(node: Node, scope: _Scope) -> Test:
    """Return the test of one value: a comparison, a list, or a boolean alone."""
    field, single = scope.value(node.path)
    if not single:
        raise bad(f"Invalid expression: the collection '{'/'.join(node.path)}' can be used with any or all only.")
    name, variable = field.name, "/".join(node.path) in scope.variables
    where = "/".join(node.path)
    check = _check(node, field)

    def test(document: Document, values: Mapping[str, Any]) -> bool:
        return check(values[where] if variable else document.get(name))

    return test


def _check(node: Node, field: Field) -> Callable[[Any], bool]:
    if node.verb == "in":
        if field.kind != "Edm.String":
            raise bad("Invalid expression: search.in takes a string.")
        return lambda value: value in node.values
    if node.verb == "bare":
        if field.kind != "Edm.Boolean":
            raise bad(f"Invalid expression: '{field.name}' is not a boolean.")
        return lambda value: value is True
    assert node.literal is not None
    return _comparison(node.word, node.literal, field)


def _comparison(word: str, literal: Literal, field: Field) -> Callable[[Any], bool]:
    if literal.kind not in ("null", _LITERALS[field.kind]):
        raise bad(
            f"Invalid expression: A binary operator with incompatible types was detected. Found operand types "
            f"'{field.kind}' and '{literal.kind}' for operator '{word}'."
        )
    if field.kind == "Edm.Boolean" and word not in ("eq", "ne"):
        raise bad("Invalid expression: booleans can be compared with eq and ne only.")
    wanted, read = literal.value, moment if field.kind == "Edm.DateTimeOffset" else _same
    if word in ("eq", "ne"):
        return lambda value: ((read(value) if value is not None else None) == wanted) is (word == "eq")
    compare = _COMPARE[word]
    return lambda value: value is not None and wanted is not None and compare(read(value), wanted)


def _same(value: Any) -> Any:
    return value


def _lambda(node: Node, scope: _Scope) -> Test:
    field, single = scope.value(node.path)
    if single:
        raise bad(f"Invalid expression: any and all may only be used on a collection, not on '{field.name}'.")
    if not node.inner:
        return lambda document, values: bool(document.get(field.name))
    if node.word in scope.fields or node.word in scope.variables:
        raise bad(f"Invalid expression: The range variable '{node.word}' has been declared already.")
    [body] = node.inner
    _bound(body, node, field)
    test = _test(body, _Scope(scope.fields, {**scope.variables, node.word: field}))
    joined = any if node.verb == "any" else all

    def found(document: Document, values: Mapping[str, Any]) -> bool:
        return joined(test(document, {**values, node.word: each}) for each in document.get(field.name) or ())

    return found


def _bound(body: Node, around: Node, field: Field) -> None:
    """Refuse what the service's index cannot answer: within a lambda over strings only equalities, joined one way."""
    if body.verb in ("any", "all") or (body.path and body.path != (around.word,)):
        raise bad("Invalid expression: a lambda over a collection of simple values may use its own variable only.")
    inner_ok = {"any": ("or",), "all": ("and",)}[around.verb]
    if field.kind == "Edm.String":
        if body.verb == "in" and around.verb == "any":
            return
        if body.verb == "compare" and body.word == ("eq" if around.verb == "any" else "ne"):
            return
        if body.verb == "not" and around.verb == "all" and body.inner[0].verb == "in":
            return
        if body.verb not in inner_ok:
            raise bad(
                "Invalid expression: Invalid lambda expression. Found a test for equality or inequality where the "
                "opposite was expected in a lambda expression that iterates over a field of type Collection(Edm.String)."
            )
    for inner in body.inner:
        _bound(inner, around, field)
