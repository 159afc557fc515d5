"""cedarpy behind one door, because it can fail open: a ``forbid`` that errors is skipped and the call allowed.

So every finding carries the errors, and nobody may read its outcome without them. Rule sets are parsed once (1.8 ms);
a decision then takes about 50 µs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import cedarpy
import orjson

from charter.errors import StartRefused

_library: Any = cedarpy  # its own types are partly unknown

ANNOTATIONS = frozenset({"id", "ask", "reason"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy: its ``@id``, whom its ``@ask`` names, and the words of its ``@reason``."""

    id: str
    permits: bool
    ask: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a set says of one request. ``rules`` are those that determined it; with ``errors`` nothing of it holds."""

    outcome: Literal["permit", "forbid", "silent"]
    rules: tuple[Rule, ...]
    errors: tuple[str, ...]


class Entities:
    """One principal and what it belongs to, parsed once."""

    def __init__(self, uid: tuple[str, str], attributes: Mapping[str, Any], parents: Sequence[tuple[str, str]]) -> None:
        self.uid = uid
        entity = {"uid": _uid(uid), "attrs": dict(attributes), "parents": [_uid(parent) for parent in parents]}
        self.parsed = _library.Entities.from_json_str(orjson.dumps([entity]).decode())


class RuleSet:
    """Policies that are read together."""

    def __init__(self, *texts: str) -> None:
        text = "\n".join(texts)
        self._parsed = cedarpy.PolicySet.from_str(text)
        trees: dict[str, Any] = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
        self._rules = {key: _rule(tree) for key, tree in trees.items()}

    def judge(self, entities: Entities, action: str, resource: tuple[str, str], context: Mapping[str, Any]) -> Finding:
        """Evaluate one request."""
        request = {
            "principal": _uid(entities.uid),
            "action": _uid(("Action", action)),
            "resource": _uid(resource),
            "context": orjson.dumps(context).decode(),
        }
        result = _library.is_authorized(request, self._parsed, entities.parsed)
        errors = tuple(result.diagnostics.errors)
        rules = tuple(self._rules[key] for key in result.diagnostics.reasons)
        if result.decision is cedarpy.Decision.Allow:
            return Finding("permit", rules, errors)
        return Finding("forbid" if rules else "silent", rules, errors)

    def could_permit(self, entities: Entities, action: str, resource: tuple[str, str]) -> bool:
        """Tell whether any context could lead to a permit; yes where that cannot be told.

        Never a decision: a preview by partial evaluation, with the context unknown.
        """
        request = {
            "principal": _literal(entities.uid),
            "action": _literal(("Action", action)),
            "resource": _literal(resource),
        }
        result = _library.is_authorized_partial(request, self._parsed, entities.parsed)
        return result.decision is not cedarpy.Decision.Deny and not result.diagnostics.errors


def rules_of(origin: str, text: str) -> list[Rule]:
    """Read the rules of one policy text, for those who load it.

    Raises:
        StartRefused: it is not Cedar, or a rule has no id, an annotation that nobody reads, or a question that would
            never be asked. ``origin`` says where the text stands.
    """
    try:
        parsed: dict[str, Any] = orjson.loads(cedarpy.policies_to_json_str(text))
    except ValueError as fault:
        raise StartRefused(f"The policy of {origin} is not Cedar: {fault}.") from fault
    if parsed["templates"] or parsed["templateLinks"]:
        raise StartRefused(f"The policy of {origin} has a template; write out its rules.")
    trees = cast("dict[str, dict[str, Any]]", parsed["staticPolicies"])
    for tree in trees.values():
        if slip := _slip(tree):
            raise StartRefused(f"The policy of {origin} {slip}")
    return [_rule(tree) for tree in trees.values()]


def _slip(tree: Mapping[str, Any]) -> str | None:
    annotations: Mapping[str, Any] = tree.get("annotations", {})
    name = annotations.get("id")
    if not name:
        return 'has a rule without @id("…"), which no decision could name.'
    if unknown := sorted(annotations.keys() - ANNOTATIONS):
        return f"has the annotation @{unknown[0]} on {name}, which nobody reads; there are @id, @ask and @reason."
    if "ask" in annotations and tree["effect"] != "permit":
        return f"has @ask on {name}, which is a forbid and asks nobody."
    return None


def _rule(tree: Mapping[str, Any]) -> Rule:
    annotations: Mapping[str, Any] = tree.get("annotations", {})
    # A bare @ask reads as null; it stays a question, of an unknown kind.
    ask = (annotations["ask"] or "") if "ask" in annotations else None
    return Rule(str(annotations.get("id")), tree["effect"] == "permit", ask, annotations.get("reason"))


def _uid(uid: tuple[str, str]) -> dict[str, str]:
    return {"type": uid[0], "id": uid[1]}


def _literal(uid: tuple[str, str]) -> str:
    # Partial evaluation takes text only, and only as Cedar itself would write it (``O\'Brien``): so Cedar writes it.
    tree: dict[str, Any] = {"effect": "permit", "principal": {"op": "==", "entity": _uid(uid)}, "conditions": []}
    tree |= {"action": {"op": "All"}, "resource": {"op": "All"}}
    document: dict[str, Any] = {"staticPolicies": {"p": tree}, "templates": {}, "templateLinks": []}
    written = cedarpy.policies_from_json_str(orjson.dumps(document).decode()).strip()
    return written.removeprefix("permit(principal == ").removesuffix(", action, resource);")
