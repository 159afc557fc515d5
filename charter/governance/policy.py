"""May this principal, through this agent, make this call? Decided by Cedar, and never by the absence of a rule.

The *base*, the policies of the function's plugin and of the agent, must permit; a plugin's policies speak of its own
functions only, so that a broad permit in one plugin opens no other. The *house* (``house.cedar``) is read with them:
a forbid there refuses, a permit there permits nothing and only adds its question. An error anywhere refuses. All are
evaluated at once, because that costs half of asking twice, and the rules' ids tell them apart.

The questions (``@ask``) of **all** determining permits count, and the strictest wins:

1. ``deny``: also for a question that this host does not know;
2. *another person*: ``manager``, ``role:x``, ``user:x``; several are joined, and one of those named decides. The
   house's questions count here only where the base asks nobody else, because a joined list lets more people
   decide: text planted to raise the house's question would otherwise choose an easier judge;
3. *confirmation*: ``requester``, the person who asked;
4. ``allow``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any

import orjson

from charter.catalog.spec import AgentSpec, Catalog, FunctionSpec
from charter.context import Context, Principal
from charter.errors import StartRefused
from charter.governance.cedar import Entities, Finding, Rule, RuleSet, rules_of
from charter.governance.decision import Level, Outcome
from charter.governance.labels import Label
from charter.governance.typed import Untypable, record

REMEMBERED = 1024
"""Principals whose entities and visible functions are kept parsed."""

_ASK = re.compile(r"manager|requester|(?:role|user):[\w.-]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies say.

    ``asks`` are the questions to be put (``manager``, ``role:buyer``, ``user:bob``, ``requester``), ``policies`` the
    ids of the rules that decided, ``public`` the sentence for model and person.
    """

    outcome: Outcome
    policies: tuple[str, ...]
    reason: str
    asks: tuple[str, ...] = ()
    public: str = ""


class Policies:
    """All policies of this host, parsed once. ``versions`` has, by agent, the digest of all that decides on its calls."""

    def __init__(self, catalog: Catalog, *, house: str | None = None) -> None:
        """Parse everything; ``house`` replaces the shipped rules of the house.

        Raises:
            StartRefused: a text is not Cedar, a rule has no id or another's, or an annotation that nobody reads.
        """
        house = _shipped() if house is None else house
        texts = {"the house": house}
        texts |= {f"plugin {name}": plugin.policy for name, plugin in sorted(catalog.plugins.items())}
        texts |= {f"agent {name}": agent.policy for name, agent in sorted(catalog.agents.items())}
        _read(texts)
        self._house = frozenset(rule.id for rule in rules_of("the house", house))
        self._base = _sets(catalog)
        self._all = _sets(catalog, house)
        self.versions = {agent.name: _version(agent, texts) for agent in catalog.agents.values()}
        self._entities = lru_cache(REMEMBERED)(_entities)
        self._visible = lru_cache(REMEMBERED)(self._could_permit)

    def decide(
        self,
        ctx: Context,
        agent: AgentSpec,
        function: FunctionSpec,
        arguments: Mapping[str, Any],
        *,
        label: Label,
        level: Level,
    ) -> Verdict:
        """Judge one call. ``level`` says which model proposes it (``yours`` is one of the installation's own)."""
        try:
            typed = record(arguments, function.parameters)
        except Untypable as fault:
            return Verdict("deny", (), str(fault), public=str(fault))
        context = {"arguments": typed, "labels": label.as_json(), "level": level, **_facts(ctx, agent, function)}
        who, resource = self._entities(ctx.tenant, ctx.principal), ("Agent", agent.name)
        finding = self._all[agent.name, function.plugin].judge(who, function.full_name, resource, context)
        base = tuple(rule for rule in finding.rules if rule.id not in self._house)
        house = tuple(rule for rule in finding.rules if rule.id in self._house)
        return (
            _objection(finding, function)
            or _unpermitted(finding, base, ctx, function)
            or _obliged(base, house, function)
        )

    def visible(self, ctx: Context, agent: AgentSpec) -> frozenset[str]:
        """Return those functions of the agent that some arguments could get permitted for this principal.

        A model is offered no others. Found by partial evaluation with an unknown context, which is generous where a
        condition cannot be decided before the call; the decision stays with ``decide``.
        """
        return self._visible(ctx.tenant, ctx.principal, agent.name, agent.functions)

    def _could_permit(
        self, tenant: str, principal: Principal, agent: str, functions: tuple[str, ...]
    ) -> frozenset[str]:
        who, resource = self._entities(tenant, principal), ("Agent", agent)
        return frozenset(
            name for name in functions if self._base[agent, name.partition(".")[0]].could_permit(who, name, resource)
        )


def _shipped() -> str:
    return resources.files("charter.governance").joinpath("house.cedar").read_text("utf-8")


def _read(texts: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for origin, text in texts.items():
        for rule in rules_of(origin, text):
            if rule.id in owners:
                raise StartRefused(f"Two rules are called {rule.id}: one of {owners[rule.id]}, one of {origin}.")
            owners[rule.id] = origin


def _version(agent: AgentSpec, texts: Mapping[str, str]) -> str:
    # Others' policies are none of its own: to change them must not undo what people approved for this agent.
    origins = ["the house", f"agent {agent.name}", *(f"plugin {name}" for name in agent.plugins)]
    bound = {origin: texts[origin] for origin in origins}
    return "sha256:" + sha256(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _sets(catalog: Catalog, *house: str) -> dict[tuple[str, str], RuleSet]:
    return {
        (agent.name, plugin): RuleSet(_plugin_policy(catalog, agent, plugin), agent.policy, *house)
        for agent in catalog.agents.values()
        for plugin in agent.plugins
    }


def _plugin_policy(catalog: Catalog, agent: AgentSpec, plugin: str) -> str:
    if plugin not in catalog.plugins:
        raise StartRefused(f"The agent {agent.name} uses the plugin {plugin}, which does not exist.")
    return catalog.plugins[plugin].policy


def _entities(tenant: str, principal: Principal) -> Entities:
    kind = "Workload" if principal.type == "workload" else "User"
    parents = [("Role", role) for role in sorted(principal.roles)] + [
        ("Group", group) for group in sorted(principal.groups)
    ]
    facts = {"tenant": tenant, "name": principal.name, "external": bool(principal.external)}
    return Entities((kind, principal.id), facts, parents)


def _facts(ctx: Context, agent: AgentSpec, function: FunctionSpec) -> dict[str, Any]:
    return {
        "agent": agent.name,
        "channel": ctx.channel,
        "effect": function.effect,
        "requester_is_workload": ctx.principal.type == "workload",
    }


def _objection(finding: Finding, function: FunctionSpec) -> Verdict | None:
    policies = tuple(sorted(rule.id for rule in finding.rules))
    if finding.errors:
        public = f"Not permitted: a policy for {function.full_name} could not be evaluated for this call."
        return Verdict("deny", policies, f"{public} {'; '.join(finding.errors)}"[:1000], public=public)
    if finding.outcome == "forbid":
        why = " ".join(rule.reason or f"The policy {rule.id} forbids it." for rule in finding.rules)
        return Verdict("deny", policies, why, public=f"Not permitted: {why}")
    return None


def _unpermitted(finding: Finding, base: tuple[Rule, ...], ctx: Context, function: FunctionSpec) -> Verdict | None:
    if finding.outcome == "permit" and base:
        return None
    reason = f"No policy permits {ctx.principal.id} to call {function.full_name} with these arguments."
    return Verdict("deny", (), reason, public=f"Not permitted: {reason}")


def _obliged(base: tuple[Rule, ...], house: tuple[Rule, ...], function: FunctionSpec) -> Verdict:
    policies = tuple(sorted(rule.id for rule in (*base, *house)))
    asking = [rule for rule in (*base, *house) if rule.ask is not None]
    if unknown := [rule for rule in asking if not _ASK.fullmatch(rule.ask or "")]:
        reason = f"The policy {unknown[0].id} asks {unknown[0].ask!r}, whom this host does not know."
        return Verdict("deny", policies, reason, public=f"Not permitted: {reason}")
    if not asking:
        return Verdict("allow", policies, f"Permitted by {', '.join(rule.id for rule in base)}.")
    others = [rule for rule in asking if rule.ask != "requester"]
    # Others' questions of the base first: see the module's order.
    deciding = [rule for rule in base if rule in others] or others or asking
    reason = " ".join(rule.reason or f"The policy {rule.id} asks for it." for rule in others or asking)
    return Verdict(
        "ask", policies, reason, tuple(sorted({str(rule.ask) for rule in deciding})), f"{function.full_name} waits."
    )
