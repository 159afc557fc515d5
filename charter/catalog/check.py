"""Every mistake in the folders of agents and plugins, found without starting anything."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from charter.catalog import policies
from charter.catalog.agents import read_agent
from charter.catalog.mistake import Mistake, closest
from charter.catalog.plugins import read_plugin
from charter.catalog.policies import Rule
from charter.catalog.spec import AgentSpec, Catalog, FunctionSpec, PluginSpec


def check(
    agent_folders: Sequence[Path], plugin_folders: Sequence[Path], *, whole: bool = True
) -> tuple[Catalog | None, list[Mistake]]:
    """Read all agents and plugins below the folders; return the catalog, or all mistakes in reading order.

    Not ``whole``: the folders hold one bundle only, whose rules may name functions of plugins that are not there.
    """
    mistakes: list[Mistake] = []
    plugins: dict[str, PluginSpec] = {}
    broken: set[str] = set()
    for folder in _members(plugin_folders, "plugin.yaml", mistakes):
        plugin = read_plugin(folder, mistakes)
        if plugin is None:
            broken.add(folder.name)
        elif plugin.name in plugins:
            mistakes.append(_twice(folder / "plugin.yaml", plugins[plugin.name].folder))
        else:
            plugins[plugin.name] = plugin
    agents = _agents(agent_folders, plugins, broken, mistakes)
    mistakes.extend(_policies(agents, plugins, broken, whole=whole))
    found = sorted(set(mistakes))
    return (None, found) if found else (Catalog(agents, plugins), [])


def _agents(
    folders: Sequence[Path], plugins: Mapping[str, PluginSpec], broken: set[str], mistakes: list[Mistake]
) -> dict[str, AgentSpec]:
    agents: dict[str, AgentSpec] = {}
    for folder in _members(folders, "agent.yaml", mistakes):
        told: list[Mistake] = []
        agent = read_agent(folder, plugins, told)
        # A plugin that cannot be read is missing too; saying so again would hide the true mistake.
        mistakes.extend(
            mistake for mistake in told if not any(f"no plugin `{name}`" in mistake.message for name in broken)
        )
        if agent is not None and agent.name in agents:
            mistakes.append(_twice(folder / "agent.yaml", agents[agent.name].folder))
        elif agent is not None:
            agents[agent.name] = agent
    return agents


def _members(folders: Sequence[Path], file: str, mistakes: list[Mistake]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            mistakes.append(
                Mistake(folder, 1, "This folder is not there.", "Create it, or mend the setting that names it.")
            )
            continue
        for member in sorted(folder.iterdir()):
            if (member / file).is_file():
                yield member
            elif stray := next((found for found in sorted(member.glob("*")) if _is_ours(found)), None):
                mistakes.append(
                    Mistake(stray, 1, f"There is no {file} beside this file.", f"Add {file}, or move the file.")
                )


def _is_ours(file: Path) -> bool:
    hidden = file.parent.name.startswith((".", "__"))
    return file.is_file() and not hidden and file.suffix in {".yaml", ".yml", ".cedar", ".py", ".md"}


def _twice(file: Path, first: Path) -> Mistake:
    return Mistake(file, 1, f"The name is taken by {first}.", "Rename one of the two folders, and `name:` with it.")


def _policies(
    agents: Mapping[str, AgentSpec], plugins: Mapping[str, PluginSpec], broken: set[str], *, whole: bool
) -> list[Mistake]:
    mistakes: list[Mistake] = []
    functions = {function.full_name: function for plugin in plugins.values() for function in plugin.functions.values()}
    house: list[Rule] = []

    def judged(plugin: str) -> bool:
        return plugin not in broken and (whole or plugin in plugins)

    for plugin in plugins.values():
        found = policies.rules(plugin.folder / "policy.cedar", mistakes)
        mistakes.extend(fault for rule in found for fault in _of_plugin(rule, plugin))
        house.extend(found)
    for agent in agents.values():
        found = policies.rules(agent.folder / "policy.cedar", mistakes)
        mistakes.extend(fault for rule in found for fault in _of_agent(rule, agent))
        house.extend(found)
    mistakes.extend(policies.slips(house))
    mistakes.extend(policies.repeated(house))
    for rule in house:
        unknown = {name for name in policies.named(rule) if name not in functions and judged(name.partition(".")[0])}
        mistakes.extend(
            rule.mistake(f'There is no function "{name}".', closest(name, functions)) for name in sorted(unknown)
        )
        mistakes.extend(_arguments(rule, functions))
    return mistakes


def _of_plugin(rule: Rule, plugin: PluginSpec) -> Iterator[Mistake]:
    if rule.permits and not rule.actions:
        yield rule.mistake(
            "The rule permits every function of the house.", f'Write `action == Action::"{plugin.name}.…"`.'
        )
    for name in sorted(rule.actions):
        if name.partition(".")[0] != plugin.name:
            yield rule.mistake(
                f'"{name}" is not a function of {plugin.name}.', "Move the rule beside the plugin it speaks of."
            )


def _of_agent(rule: Rule, agent: AgentSpec) -> Iterator[Mistake]:
    if (("context", "agent"), agent.name) not in policies.required(rule):
        yield rule.mistake(
            "A rule of an agent binds this agent only.", f'Add `when {{ context.agent == "{agent.name}" && … }}`.'
        )


def _arguments(rule: Rule, functions: Mapping[str, FunctionSpec]) -> Iterator[Mistake]:
    """Hold what the conditions read against what the functions take: an evaluation error would deny for ever."""
    read = {path[2] for path in rule.attributes() if path[:2] == ("context", "arguments") and len(path) > 2}
    guarded = {path[2] for path in rule.guards() if path[:2] == ("context", "arguments") and len(path) > 2}
    for function in (functions[name] for name in sorted(rule.actions) if name in functions):
        taken = function.parameters["properties"]
        for argument in sorted(read | guarded):
            if argument not in taken:
                yield rule.mistake(f"`{function.full_name}` takes no argument `{argument}`.", closest(argument, taken))
            elif argument not in guarded and argument not in function.parameters["required"]:
                remedy = f"Test `context.arguments has {argument} &&` before it."
                yield rule.mistake(f"`{argument}` of `{function.full_name}` may be absent.", remedy)
