"""What the azure profile refuses of agents and plugins: nothing to run, sandboxes, open policies, plain addresses."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from charter.catalog import loader, policies
from charter.catalog.mistake import CatalogInvalid
from charter.catalog.policies import Rule
from charter.catalog.spec import AgentSpec, Catalog, FunctionSpec, PluginSpec
from charter.posture import address
from charter.posture.finding import Finding, ok, refused
from charter.settings import Settings


def read(settings: Settings) -> tuple[Catalog, list[Finding]]:
    """Return the catalog that settings name and what is found of it; an empty one where it has mistakes."""
    try:
        found = loader.load(settings)
    except CatalogInvalid as fault:
        told = [refused(f"{m.file.parent.name}/{m.file.name}", m.message, m.remedy) for m in fault.mistakes]
        return Catalog({}, {}), told
    return found, catalog(found)


def catalog(found: Catalog) -> list[Finding]:
    """Return what is found of a catalog whose plugins are at their addresses."""
    plugins = (finding for plugin in found.plugins.values() for finding in _plugin(plugin))
    return [*_counted(found), *plugins, *(_agent(agent, found) for agent in found.agents.values())]


def _counted(found: Catalog) -> Iterator[Finding]:
    if not found.agents:
        yield refused("agents", "There is no agent: nothing would be served.", "Name a folder in CHARTER_AGENTS_DIRS.")
    else:
        yield ok("agents", f"{len(found.agents)} agents with {len(found.plugins)} plugins are in order.")


def _plugin(plugin: PluginSpec) -> Iterator[Finding]:
    name = f"plugins.{plugin.name}"
    if plugin.connection is not None:
        setting = f"CHARTER_PLUGIN_URLS__{plugin.name.upper()}"
        if fault := address.fault(plugin.connection.base_url):
            yield refused(name, f"Its business system {fault}.", f"Set {setting} to an https:// address.")
        else:
            yield ok(name, f"Its business system is {address.shown(plugin.connection.base_url)}.")
    yield _policy(name, plugin.folder, plugin.functions.values())


def _agent(agent: AgentSpec, found: Catalog) -> Finding:
    return _policy(f"agents.{agent.name}", agent.folder, [found.function(name) for name in agent.functions])


def _policy(name: str, folder: Path, functions: Iterable[FunctionSpec]) -> Finding:
    rules = policies.rules(folder / "policy.cedar", [])
    effects = {function.full_name for function in functions if function.effect != "read"}
    if loose := [rule for rule in rules if _open(rule, effects)]:
        return refused(
            f"{name}.policy",
            f'The rule "{loose[0].id}" lets everybody change something, without a condition and without asking.',
            "Name a role in its head, add a condition, or let it ask.",
        )
    return ok(f"{name}.policy", f"Its {len(rules)} rules let nobody change anything unconditionally.")


def _open(rule: Rule, effects: Collection[str]) -> bool:
    """Whether everybody may cause an effect by this rule."""
    if not rule.permits or not _everybody(rule.tree["principal"]) or "ask" in rule.tree.get("annotations", {}):
        return False
    return _unconditional(rule) and bool(rule.actions & set(effects) if rule.actions else effects)


def _everybody(head: Mapping[str, Any]) -> bool:
    """Whether the head of a rule names nobody: all, or all that are people or workloads."""
    return head["op"] == "All" or (head["op"] == "is" and "in" not in head)


def _unconditional(rule: Rule) -> bool:
    """Whether no condition asks who it is, what with or what on; by which channel or agent it comes is none of these."""
    read = replace(rule, tree={**rule.tree, "conditions": _without_kinds(rule.tree["conditions"])}).attributes()
    return not any(path[0] in ("principal", "resource") or path[:2] == ("context", "arguments") for path in read)


def _without_kinds(node: Any) -> Any:
    """Return the tree without its questions after a kind (``principal is User``), which everybody is one of."""
    match node:
        case {"is": kind} if "in" not in kind:
            return None
        case dict():
            return {name: _without_kinds(inner) for name, inner in cast("dict[str, Any]", node).items()}
        case list():
            return [_without_kinds(inner) for inner in cast("list[Any]", node)]
        case _:
            return node
