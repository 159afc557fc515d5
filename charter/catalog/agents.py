"""One folder of ``agents/``: its charter read, held against the plugins there are, and made an ``AgentSpec``."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from charter.catalog import bundle, grammar, output, triggers
from charter.catalog.document import Document, read
from charter.catalog.evals import read_evals
from charter.catalog.mistake import Mistake, closest
from charter.catalog.spec import AgentSpec, Budget, FunctionSpec, PluginSpec

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def read_agent(folder: Path, plugins: Mapping[str, PluginSpec], mistakes: list[Mistake]) -> AgentSpec | None:
    """Read the folder; add every mistake to ``mistakes``, and return ``None`` when there is one."""
    document = read(folder / "agent.yaml", mistakes)
    if document is None:
        return None
    faults = grammar.conform(document, "agent") or list(_faults(folder, document, plugins))
    mistakes.extend(faults)
    if faults:
        return None
    value: Mapping[str, Any] = document.value
    charter: Mapping[str, Any] = value["charter"]
    functions = dict(_resolved(charter["functions"], plugins))
    read_evals(folder, functions, mistakes)
    instructions, policy = folder / value["instructions"], folder / "policy.cedar"
    used = sorted({function.plugin for function in functions.values()})
    unreadable: list[Mistake] = []
    files = bundle.files(folder, instructions, [plugins[name] for name in used], unreadable)
    mistakes.extend(unreadable)
    if unreadable:
        return None
    return AgentSpec(
        name=value["name"],
        description=value["description"],
        instructions=instructions.read_text("utf-8"),
        tier=value.get("model", {}).get("tier", "standard"),
        owner=charter["owner"],
        acts_as=charter["acts_as"],
        functions=tuple(functions),
        knowledge=tuple(charter.get("knowledge", ())),
        policy=policy.read_text("utf-8") if policy.is_file() else "",
        budget=_budget(charter.get("budget", {})),
        starters=tuple(charter.get("starters", ())),
        folder=folder,
        bundle=bundle.digest(files),
        files=files,
        output=output.schema_of(value),
        triggers=triggers.read_triggers(charter.get("triggers", ())),
        grounding=charter.get("grounding", "free"),
    )


def _faults(folder: Path, document: Document, plugins: Mapping[str, PluginSpec]) -> Iterator[Mistake]:
    value: Mapping[str, Any] = document.value
    if value["name"] != folder.name:
        yield document.mistake(
            ("name",), f"The name `{value['name']}` is not the folder's.", f"Write `name: {folder.name}`."
        )
    if value["charter"]["acts_as"] == "host":
        remedy = "Write `acts_as: caller`."
        yield document.mistake(("charter", "acts_as"), "This version lets no agent act as the host.", remedy)
    yield from _instructions(folder / value["instructions"], document)
    yield from _functions(document, plugins)
    yield from _knowledge(document, plugins)
    yield from output.faults(document)
    yield from _grounding(document)
    yield from triggers.faults(document)


def _grounding(document: Document) -> Iterator[Mistake]:
    charter: Mapping[str, Any] = document.value["charter"]
    if charter.get("grounding") != "strict":
        return
    if "output" in charter:
        remedy = "Take `output:` or `grounding: strict` out."
        yield document.mistake(("charter", "grounding"), "Only an answer in words can be held against sources.", remedy)
    if not charter.get("knowledge"):
        remedy = "Write `knowledge:` with the collections it writes from."
        yield document.mistake(("charter", "grounding"), "It has no documents, so it could say nothing.", remedy)


def _instructions(file: Path, document: Document) -> Iterator[Mistake]:
    try:
        if not _COMMENT.sub("", file.read_text("utf-8")).strip():
            yield Mistake(file, 1, "The instructions are empty.", "Write what the agent is for and how it answers.")
    except (OSError, UnicodeDecodeError):
        yield document.mistake(
            ("instructions",), f"`{file.name}` cannot be read.", f"Put {file.name} beside agent.yaml."
        )


def _functions(document: Document, plugins: Mapping[str, PluginSpec]) -> Iterator[Mistake]:
    for n, pattern in enumerate(document.value["charter"]["functions"]):
        plugin, _, name = pattern.partition(".")
        place = ("charter", "functions", n)
        if plugin not in plugins:
            yield document.mistake(place, f"There is no plugin `{plugin}`.", closest(plugin, plugins))
        elif name != "*" and name not in plugins[plugin].functions:
            known = [f"{plugin}.{function}" for function in plugins[plugin].functions]
            yield document.mistake(place, f"The plugin {plugin} has no function `{name}`.", closest(pattern, known))


def _knowledge(document: Document, plugins: Mapping[str, PluginSpec]) -> Iterator[Mistake]:
    charter: Mapping[str, Any] = document.value["charter"]
    searches = any(function.retrieval for _, function in _resolved(charter["functions"], plugins))
    if charter.get("knowledge") and not searches:
        yield document.mistake(
            ("charter", "knowledge"),
            "The agent has knowledge but nothing to search it with.",
            "Add `knowledge.search` to `functions`.",
        )
    if searches and not charter.get("knowledge"):
        yield document.mistake(
            ("charter", "functions"),
            "The agent searches, but no knowledge is named.",
            "Add `knowledge: [a-collection]`.",
        )


def _resolved(patterns: list[str], plugins: Mapping[str, PluginSpec]) -> Iterator[tuple[str, FunctionSpec]]:
    for pattern in patterns:
        plugin, _, name = pattern.partition(".")
        for function in plugins[plugin].functions.values() if plugin in plugins else ():
            if name in {"*", function.name}:
                yield function.full_name, function


def _budget(value: Mapping[str, Any]) -> Budget:
    run: Mapping[str, Any] = value.get("run", {})
    minor, currency = _money(run.get("cost"))
    day, _ = _money(value.get("user_day", {}).get("cost"))
    limits = {key: run[key] for key in ("model_turns", "minutes") if key in run}
    return Budget(cost_minor=minor, currency=currency, user_day_cost_minor=day, **limits)


def _money(text: str | None) -> tuple[int | None, str]:
    if text is None:
        return None, "EUR"
    amount, currency = text.split()
    return int(Decimal(amount) * 100), currency
