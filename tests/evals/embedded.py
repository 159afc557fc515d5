"""Examine the embedded model's levels: ``python -m tests.evals.embedded [--level assistance|1.5b|both] [--json]``.

Exits non-zero when nothing was examined or a target was missed. The weights are fetched where they are not there yet.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from charter.models.embedded.model import EmbeddedModel
from charter.models.hints import hint_of
from tests.evals import exam
from tests.evals.exam import HERE, HOUSE, SHIPPED, Mark, Paper, Sitting

TARGETS = {"assistance": (0.80, 0.0), "0.5b": (0.80, 0.0), "1.5b": (0.93, 0.90)}
"""Least share of right functions and of right functions with right arguments, over all prompts."""


async def examine(level: str, paper: Paper, plugins: Sequence[Path], data_dir: Path) -> list[Mark]:
    """Put every prompt to the model on one level."""
    catalog = exam.catalog(*plugins)
    hints = [hint_of(f) for plugin in catalog.plugins.values() for f in plugin.functions.values()]
    model = EmbeddedModel("off" if level == "assistance" else level, data_dir, hints)
    await model.start()
    await model.answer({"messages": []})
    try:
        await model.settled()
        if level != "assistance" and model.level() != "embedded":
            raise SystemExit(f"The weights do not serve: {model.status()['detail']}")
        tools = exam.tools(catalog)
        return [await _one(model, prompt, paper, tools, hints) for prompt in paper.prompts]
    finally:
        await model.close()


async def _one(model: Any, prompt: Any, paper: Paper, tools: Any, hints: Any) -> Mark:
    started = time.process_time()
    sitting = Sitting(model.answer, paper, tools)
    said = await sitting.say(prompt["text"])
    asked = True
    if "asks" in prompt:
        asked = not sitting.calls and all(_question(prompt, name, hints) in said for name in prompt["asks"])
        if asked:
            said += " ~ " + await sitting.say(prompt["answer"])
    function, arguments = exam.judged(prompt, sitting.calls, paper.free)
    if "asks" in prompt:
        function, arguments = asked, asked and arguments
    did = f"{sitting.calls} {said!r}"
    seconds = time.process_time() - started
    return Mark(prompt["id"], prompt["category"], prompt["text"], function, arguments, did, seconds)


def _question(prompt: Any, argument: str, hints: Any) -> str:
    wire_name = prompt.get("of", prompt["calls"][0]["function"]).replace(".", "-")
    hint = next(hint for hint in hints if hint.wire_name == wire_name)
    return hint.arguments[argument].get("ask") or f"What is the {argument.replace('_', ' ')}?"


def summary(marks: Sequence[Mark]) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {}
    for category in [*dict.fromkeys(mark.category for mark in marks), "all"]:
        some = [mark for mark in marks if category in {mark.category, "all"}]
        table[category] = {
            "prompts": len(some),
            "function": sum(mark.function for mark in some),
            "arguments": sum(mark.arguments for mark in some),
            "cpu_seconds": round(sum(mark.seconds for mark in some) / len(some), 3),
        }
    return table


def passed(level: str, table: dict[str, dict[str, float]]) -> bool:
    whole = table["all"]
    function, arguments = TARGETS[level]
    return whole["function"] >= function * whole["prompts"] and whole["arguments"] >= arguments * whole["prompts"]


def _print(level: str, marks: Sequence[Mark], table: dict[str, dict[str, float]], verbose: bool) -> None:
    print(f"\n{level}: {'passed' if passed(level, table) else 'MISSED ITS TARGET'}")
    print(f"  {'category':20}{'prompts':>8}{'function':>10}{'+arguments':>12}{'CPU s each':>12}")
    for category, row in table.items():
        function, arguments = (f"{row[key] / row['prompts']:.0%}" for key in ("function", "arguments"))
        print(f"  {category:20}{row['prompts']:>8}{function:>10}{arguments:>12}{row['cpu_seconds']:>12}")
    for mark in marks if verbose else ():
        if not mark.arguments:
            print(f"  {mark.id} {'-' if mark.function else 'F'} {mark.text}\n      {mark.did[:400]}")


async def _main(options: argparse.Namespace) -> int:
    paper = exam.paper(options.paper)
    added = HERE / ("practice" if options.paper == "practice" else "plugin")
    levels = ["assistance", "1.5b"] if options.level == "both" else [options.level]
    told: dict[str, Any] = {}
    for level in levels:
        marks = await examine(level, paper, [options.plugins, added], options.data_dir)
        table = summary(marks)
        good = bool(marks) and passed(level, table)
        told[level] = {"passed": good, "categories": table}
        if not options.json:
            _print(level, marks, table, options.verbose)
    if options.json:
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    return 0 if told and all(row["passed"] for row in told.values()) else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=["assistance", "0.5b", "1.5b", "both"], default="both")
    parser.add_argument("--paper", choices=["prompts", "practice"], default="prompts")
    parser.add_argument("--plugins", type=Path, default=SHIPPED, help="the folder of shipped plugins")
    parser.add_argument("--data-dir", type=Path, default=HOUSE / ".charter")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="show every prompt that failed")
    sys.exit(asyncio.run(_main(parser.parse_args())))


if __name__ == "__main__":
    main()
