"""How long a warm start takes: from the command to 200 on /readyz, with the scripted model.

usage: python -m bench.start [--json]
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from bench.processes import HOUSE, charter_host

TARGET_SECONDS = 8.0


async def measure() -> dict[str, float]:
    models = {"standard": {"kind": "scripted", "model": "scripted", "script": str(HOUSE / "tests/data/script.yaml")}}
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as folder:
        for _ in range(3):
            host = await charter_host(Path(folder), "", CHARTER_MODELS=json.dumps(models), CHARTER_EMBEDDED_MODEL="off")
            seconds.append(host.started_seconds)
            await host.stop()
    return {"first_s": round(seconds[0], 2), "warm_s": round(max(seconds[1:]), 2), "target_s": TARGET_SECONDS}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", action="store_true")
    row = asyncio.run(measure())
    chosen = options.parse_args()
    print(
        json.dumps(row)
        if chosen.json
        else f"first start {row['first_s']} s, warm start {row['warm_s']} s (target {TARGET_SECONDS} s)"
    )
    return 0 if row["warm_s"] <= TARGET_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
