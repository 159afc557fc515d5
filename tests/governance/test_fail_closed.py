"""Random policies and arguments, with seeds: whatever is drawn, a call goes through only where a permit stands alone."""

import random
from dataclasses import replace
from typing import Any

import cedarpy
import orjson
import pytest

from charter.context import Context
from charter.governance.gate import Call, Gate
from charter.governance.labels import TRUSTED
from charter.governance.policy import Policies
from tests.governance.world import FUNCTIONS, TAINTED, Staff, catalog, parameters, working

OPEN = {"act": replace(FUNCTIONS["create_order"], name="act", parameters=parameters((), a={}, b={}, c={}))}

CONDITIONS = [
    "context.arguments.a == 1",
    "context.arguments.a > 3",
    'context.arguments.a like "x*"',
    "context.arguments.b.minor <= 100",
    "context.arguments has c",
    "context.arguments has c && context.arguments.c > 0",
    "context.nowhere",
    "principal.name.nowhere == 1",
    'context.arguments.b.contains("x")',
    "context.arguments.a + 9223372036854775807 > 0",
    'decimal("1.00001").lessThan(decimal("2.0"))',
    "true",
    "false",
    'context.labels.integrity == "trusted"',
    "context.arguments.c == principal",
]
HEADS = [
    "principal, action, resource",
    'principal in Role::"employee", action, resource',
    'principal in Role::"hr", action, resource',
    'principal == User::"alice", action == Action::"procurement.act", resource',
    'principal, action == Action::"procurement.other", resource',
    "principal is Workload, action, resource",
]
ASKS = ["", "", "", "", '@ask("manager")', '@ask("role:buyer")', '@ask("requester")', '@ask("everybody")']
VALUES: list[Any] = [
    None, True, 0, 1, 5, -7, 2**31, 2**63 - 1, 2**63, 2**70, 1.5, 1.0, 1e-9, float("nan"), float("-inf"), "", "x", "xyz", "\x00",
    "\ud800", "principal", [], [1, "x"], ["x", None], {}, {"minor": 5}, {"minor": "5"}, {"__entity": {"type": "User", "id": "alice"}},
    {"__extn": {"fn": "decimal", "arg": "1.0"}}, {"__expr": "true"}, object(), {1: 2}, b"x", {"": {"": [[[[]]]]}}, (1, 2), {1, 2},
]  # fmt: skip
FAULTS = [
    None,
    None,
    None,
    RuntimeError("x"),
    KeyError("x"),
    TimeoutError(),
    RecursionError(),
    AttributeError("x"),
    MemoryError(),
]


def policy(draw: random.Random) -> str:
    rules = ['@id("plain") permit(principal, action, resource);'] if draw.random() < 0.5 else []
    for number in range(draw.randint(0, 3)):
        effect = draw.choice(["permit", "permit", "permit", "forbid"])
        ask = draw.choice(ASKS) if effect == "permit" else ""
        when = draw.choice(["when", "unless"])
        rules.append(f'@id("r{number}") {ask} {effect}({draw.choice(HEADS)}) {when} {{ {draw.choice(CONDITIONS)} }};')
    return "\n".join(rules)


def as_cedar(value: Any) -> Any:
    if isinstance(value, float):
        return {"__extn": {"fn": "decimal", "arg": str(value)}}
    return [item for item in value if item is not None] if isinstance(value, list) else value


def stands_alone(text: str, ctx: Context, arguments: dict[str, Any], label: Any) -> bool:
    """Ask Cedar itself, without the gate: allowed, no errors, and nobody is to be asked."""
    given = {name: as_cedar(value) for name, value in arguments.items() if value is not None}
    context = {"arguments": given, "labels": label.as_json(), "agent": "buyer", "channel": "api", "effect": "write"}
    entity = {
        "uid": {"type": "User", "id": "alice"},
        "attrs": {"name": "Alice", "tenant": "contoso"},
        "parents": [{"type": "Role", "id": role} for role in ctx.principal.roles],
    }
    request = {
        "principal": 'User::"alice"',
        "action": 'Action::"procurement.act"',
        "resource": 'Agent::"buyer"',
        "context": context,
    }
    result: Any = cedarpy.is_authorized(request, text, [entity])
    trees: Any = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    asked = any("ask" in trees[key]["annotations"] for key in result.diagnostics.reasons)
    return result.allowed and not result.diagnostics.errors and not asked and label.trusted


@pytest.mark.promise("governance.closed")
@pytest.mark.parametrize("seed", range(8))
async def test_whatever_is_drawn_only_a_permit_that_stands_alone_lets_a_call_through(
    seed: int, people: dict[str, Context]
) -> None:
    draw = random.Random(seed)
    outcomes: dict[str, int] = {}
    for _ in range(250):
        text = policy(draw)
        found = catalog(text, functions=OPEN)
        gate = Gate(found, Policies(found), Staff({}, broken=draw.choice(FAULTS)))
        arguments = {
            name: draw.choice(VALUES) for name in draw.sample(["a", "b", "c", "d"], draw.choice([0, 1, 1, 2, 3]))
        }
        label: Any = draw.choice([TRUSTED, TRUSTED, TAINTED, None, {"integrity": "trusted"}])
        ctx = working(people["alice"])
        decision = await gate.check(
            ctx, Call(found.function("procurement.act"), arguments, "stp"), label, level="yours"
        )
        outcomes[decision.outcome] = outcomes.get(decision.outcome, 0) + 1
        if decision.outcome == "allow":
            assert stands_alone(text, ctx, arguments, label), (text, arguments)
        if decision.outcome == "ask":
            assert decision.approvers
            assert decision.kind
        if decision.outcome == "deny":
            assert decision.public
    assert outcomes["allow"] > 5, "the draw is worth nothing if it never allows"
    assert outcomes["deny"] > 100
