"""A small installation for the gate's tests: a procurement and a desk plugin, one agent, and those who answer for others."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charter.catalog.spec import AgentSpec, Budget, Catalog, FunctionSpec, PluginSpec
from charter.context import Context, Principal
from charter.governance.gate import Call, Decision, Gate
from charter.governance.labels import TRUSTED, Label
from charter.governance.policy import Policies

MONEY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["minor", "currency"],
    "properties": {"minor": {"type": "integer"}, "currency": {"type": "string"}},
}

POLICY = """
@id("order-read") permit(principal in Role::"employee", action == Action::"procurement.get_order", resource);
@id("order-small") permit(principal in Role::"employee", action == Action::"procurement.create_order", resource)
  when { context.arguments.total.currency == "EUR" && context.arguments.total.minor <= 100000 };
@id("order-large") @ask("manager") @reason("Orders above 1,000 EUR need the manager.")
permit(principal in Role::"employee", action == Action::"procurement.create_order", resource)
  when { context.arguments.total.currency == "EUR" && context.arguments.total.minor > 100000
         && context.arguments.total.minor <= 5000000 };
@id("pay") @ask("role:buyer") permit(principal in Role::"employee", action == Action::"procurement.pay_invoice", resource);
"""


def parameters(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


FUNCTIONS = {
    "get_order": FunctionSpec(
        "procurement",
        "get_order",
        "Look an order up.",
        "read",
        parameters(("order_id",), order_id={"type": "string"}),
        returns={"order_id": "id", "status": "enum", "total": "money", "remark": "untrusted"},
    ),
    "create_order": FunctionSpec(
        "procurement",
        "create_order",
        "Order something.",
        "write",
        parameters(("item", "total"), item={"type": "string"}, total=MONEY, note={"type": ["string", "null"]}),
        returns={"order_id": "id"},
    ),
    "pay_invoice": FunctionSpec(
        "procurement",
        "pay_invoice",
        "Pay.",
        "irreversible",
        parameters(("invoice",), invoice={"type": "string"}),
    ),
}

SMALL = {"item": "desk lamp", "total": {"minor": 4_900, "currency": "EUR"}}
LARGE = {"item": "standing desk", "total": {"minor": 145_000, "currency": "EUR"}}
TAINTED = Label("untrusted", (), ("service_desk.get_ticket",))


@dataclass
class Staff:
    """A directory of who reports to whom; ``broken`` is what it raises instead of answering."""

    managers: Mapping[str, Principal]
    broken: Exception | None = None
    stuck: bool = False

    async def manager(self, ctx: Context) -> Principal | None:
        if self.stuck:
            await asyncio.Event().wait()
        if self.broken:
            raise self.broken
        return self.managers.get(ctx.principal.id)


BOB = Principal("bob", "user", "Bob")


def plugin(name: str, functions: Mapping[str, FunctionSpec], policy: str) -> PluginSpec:
    return PluginSpec(name, "openapi", Path(name), functions, policy)


def agent(*functions: str, name: str = "buyer", policy: str = "") -> AgentSpec:
    return AgentSpec(
        name=name,
        description="Orders equipment.",
        instructions="Order.",
        tier="standard",
        owner="procurement@contoso.example",
        acts_as="caller",
        functions=functions,
        knowledge=(),
        policy=policy,
        budget=Budget(),
        starters=(),
        folder=Path(name),
        bundle="sha256:b1",
    )


def catalog(
    policy: str = POLICY, *, agent_policy: str = "", functions: Mapping[str, FunctionSpec] = FUNCTIONS
) -> Catalog:
    names = tuple(function.full_name for function in functions.values())
    buyer = agent(*names, policy=agent_policy)
    return Catalog({"buyer": buyer}, {"procurement": plugin("procurement", functions, policy)})


@dataclass
class World:
    """One installation: its gate, and shorthands to ask it."""

    catalog: Catalog
    policies: Policies
    gate: Gate

    def call(self, name: str, arguments: Mapping[str, Any], step_id: str = "stp_1") -> Call:
        return Call(self.catalog.function(f"procurement.{name}"), arguments, step_id)

    async def ask(
        self, ctx: Context, name: str, arguments: Mapping[str, Any], label: Label = TRUSTED, **options: Any
    ) -> Decision:
        options.setdefault("level", "yours")
        return await self.gate.check(working(ctx), self.call(name, arguments), label, **options)


def working(ctx: Context, name: str = "buyer") -> Context:
    """The authority as the agent uses it."""
    return replace(ctx, agent=name)


def world(policy: str = POLICY, *, staff: Staff | None = None, house: str | None = None, **options: Any) -> World:
    found = catalog(policy, **options)
    policies = Policies(found, house=house)
    return World(found, policies, Gate(found, policies, staff or Staff({"alice": BOB}), patience=0.2))
