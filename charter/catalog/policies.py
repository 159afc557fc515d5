"""Reading ``policy.cedar``: does it parse, has each rule an id of its own, and does it speak only of what is there?

Whether a call is allowed is decided elsewhere; here a slip of the pen is found before it decides anything: a rule that
names a function that does not exist, or an annotation that nobody reads (``@aks("manager")`` would drop the question).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cedarpy
import orjson

from charter.catalog.mistake import Mistake, closest

ANNOTATIONS = frozenset({"id", "ask", "reason"})
ASK = re.compile(r"manager|requester|(?:role|user):[\w.-]+")

_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|;', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy of a file: ``line`` where it begins, ``tree`` its Cedar JSON form."""

    file: Path
    line: int
    tree: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.tree.get("annotations", {}).get("id", ""))

    @property
    def permits(self) -> bool:
        return self.tree["effect"] == "permit"

    @property
    def actions(self) -> frozenset[str]:
        """The functions that the head of the rule names; empty: any."""
        head: Mapping[str, Any] = self.tree["action"]
        entities: list[Any] = head.get("entities", []) + ([head["entity"]] if "entity" in head else [])
        return frozenset(str(entity["id"]) for entity in entities)

    def mistake(self, message: str, remedy: str) -> Mistake:
        return Mistake(self.file, self.line, message, remedy)

    def attributes(self) -> Iterator[tuple[str, ...]]:
        """Yield every attribute path that the conditions read, such as ``("context", "arguments", "total", "minor")``."""
        yield from _paths(self.tree["conditions"])

    def guards(self) -> frozenset[tuple[str, ...]]:
        """Return the attribute paths whose presence the conditions test with ``has``."""
        return frozenset(_guards(self.tree["conditions"]))


def rules(file: Path, mistakes: list[Mistake]) -> list[Rule]:
    """Read the rules of one file; a missing file has none. What does not parse goes to ``mistakes``."""
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        mistakes.append(Mistake(file, 1, "The policy cannot be read.", "Save it as readable UTF-8 text."))
        return []
    found: list[Rule] = []
    for line, piece in _pieces(text):
        try:
            trees: dict[str, Any] = orjson.loads(cedarpy.policies_to_json_str(piece))
        except ValueError as fault:
            mistakes.append(
                Mistake(file, line, f"This is not Cedar: {fault}.", "Mend the rule that begins here; it ends with `;`.")
            )
            continue
        found.extend(Rule(file, line, tree) for tree in trees["staticPolicies"].values())
    return found


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    # The parser tells no line; so every rule is read alone.
    start = 0
    for token in _TOKEN.finditer(text):
        if token[0] == ";":
            yield _located(text, start, token.end())
            start = token.end()
    if _bare(text[start:]):
        yield _located(text, start, len(text))


def _bare(piece: str) -> str:
    return re.sub(r"//[^\n]*", "", piece).strip()


def _located(text: str, start: int, end: int) -> tuple[int, str]:
    skipped = re.match(r"(?:\s|//[^\n]*)*", text[start:end])
    begin = start + (skipped.end() if skipped else 0)
    return text.count("\n", 0, begin) + 1, text[begin:end]


def slips(found: Sequence[Rule]) -> Iterator[Mistake]:
    """Yield what is wrong with the annotations of rules: no id, an unknown one, or nobody to ask."""
    for rule in found:
        annotations: Mapping[str, Any] = rule.tree.get("annotations", {})
        if not rule.id:
            yield rule.mistake("The rule has no id, so no decision could name it.", 'Write `@id("…")` before it.')
        for name in sorted(annotations.keys() - ANNOTATIONS):
            yield rule.mistake(
                f"Nobody reads the annotation `@{name}`.", closest(name, ANNOTATIONS).replace("`", "`@", 1)
            )
        ask = annotations.get("ask")
        if ask is not None and not ASK.fullmatch(str(ask)):
            yield rule.mistake(
                f'`@ask("{ask}")` names nobody.', 'Write `@ask("manager")`, `"requester"`, `"role:…"` or `"user:…"`.'
            )
        if ask is not None and not rule.permits:
            yield rule.mistake("A `forbid` asks nobody.", "Remove `@ask`, or write a `permit`.")


def repeated(found: Sequence[Rule]) -> Iterator[Mistake]:
    """Yield rules whose id another rule of the house has already."""
    first: dict[str, Rule] = {}
    for rule in found:
        other = first.setdefault(rule.id, rule)
        if rule.id and other is not rule:
            where = f"{other.file.parent.name}/{other.file.name}:{other.line}"
            yield rule.mistake(
                f'The id "{rule.id}" belongs to the rule at {where}.', "Give this rule an id of its own."
            )


def named(rule: Rule) -> Iterator[str]:
    """Yield every function that the rule names, in its head or its conditions."""
    yield from rule.actions
    yield from _entities(rule.tree["conditions"])


def _entities(node: Any) -> Iterator[str]:
    match node:
        case {"__entity": {"type": "Action", "id": str(name)}}:
            yield name
        case dict():
            for inner in cast("dict[str, Any]", node).values():
                yield from _entities(inner)
        case list():
            for inner in cast("list[Any]", node):
                yield from _entities(inner)
        case _:
            return


def _path(node: Any) -> tuple[str, ...]:
    match node:
        case {"Var": str(name)}:
            return (name,)
        case {".": {"left": left, "attr": str(name)}}:
            inner = _path(left)
            return (*inner, name) if inner else ()
        case _:
            return ()


def _paths(node: Any) -> Iterator[tuple[str, ...]]:
    if path := _path(node):
        yield path
    elif isinstance(node, dict | list):
        inner = cast("dict[str, Any]", node).values() if isinstance(node, dict) else cast("list[Any]", node)
        for part in inner:
            yield from _paths(part)


def _guards(node: Any) -> Iterator[tuple[str, ...]]:
    match node:
        case {"has": {"left": left, "attr": str(name)}}:
            yield (*_path(left), name)
        case dict():
            for inner in cast("dict[str, Any]", node).values():
                yield from _guards(inner)
        case list():
            for inner in cast("list[Any]", node):
                yield from _guards(inner)
        case _:
            return


def required(rule: Rule) -> frozenset[tuple[tuple[str, ...], Any]]:
    """Return the (attribute path, value) pairs that every ``when`` of the rule demands in all cases."""
    found: set[tuple[tuple[str, ...], Any]] = set()
    for condition in rule.tree["conditions"]:
        if condition["kind"] == "when":
            found.update(_demanded(condition["body"]))
    return frozenset(found)


def _demanded(node: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    match node:
        case {"&&": {"left": left, "right": right}}:
            yield from _demanded(left)
            yield from _demanded(right)
        case {"==": {"left": left, "right": {"Value": str(value)}}}:
            yield _path(left), value
        case _:
            return
