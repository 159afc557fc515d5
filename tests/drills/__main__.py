"""Kill, freeze and starve real hosts: nothing may be lost, done twice, or stand still for ever.

usage: python -m tests.drills [NAME ...] [--long] [--scale FACTOR] [--json]

Ends with 1 when a drill failed or none ran.
"""

import argparse
import asyncio
import json
import sys
import time
import traceback
from collections.abc import Callable

from tests.drills import load
from tests.drills.result import Result, table


def main() -> int:
    drills = load.all_drills()
    options = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(drills)}; all when left out")
    options.add_argument("--long", action="store_true", help="the heavy version")
    options.add_argument("--scale", type=float, default=1, metavar="FACTOR", help="of the number of runs, such as 0.1")
    options.add_argument("--json", action="store_true", help="print {passed, failed, skipped} instead of tables")
    chosen = options.parse_args()
    if unknown := [name for name in chosen.names if name not in drills]:
        options.error(f"there is no drill {', '.join(unknown)}; there are {', '.join(drills)}")
    size = load.Size(3 * chosen.scale if chosen.long else chosen.scale, long=chosen.long)
    failed: dict[str, list[str]] = {}
    wanted = chosen.names or list(drills)

    def tell(name: str, result: Result, seconds: float) -> None:
        if result.faults:
            failed[name] = result.faults
        if not chosen.json:
            sys.stdout.write(table(name, result, seconds))
            sys.stdout.flush()

    asyncio.run(_all({name: drills[name] for name in wanted}, size, tell))
    if chosen.json:
        told = {"passed": len(wanted) - len(failed), "failed": len(failed), "skipped": 0, "faults": failed}
        sys.stdout.write(json.dumps(told) + "\n")
    return 0 if wanted and not failed else 1


async def _all(drills: dict[str, load.Drill], size: load.Size, tell: Callable[[str, Result, float], None]) -> None:
    """Drive one drill after another; those that do little but wait go on beside them."""

    async def one(name: str) -> tuple[str, Result, float]:
        begun = time.monotonic()
        return name, await _driven(drills[name], size), time.monotonic() - begun

    beside = [asyncio.create_task(one(name)) for name in drills if name in load.BESIDE]
    for name in drills:
        if name not in load.BESIDE:
            tell(*await one(name))
    for task in beside:
        tell(*await task)


async def _driven(drill: load.Drill, size: load.Size) -> Result:
    try:
        return await drill(size)
    except Exception as fault:  # noqa: BLE001 - told as the fault of this drill
        traceback.print_exc()
        return Result(faults=[f"the drill broke: {type(fault).__name__}: {fault}"])


if __name__ == "__main__":
    sys.exit(main())
