"""A row planted in the engine's tables runs no code: it is refused, and everything else goes on."""

import asyncio
import base64
import pickle
import time
from pathlib import Path
from typing import Any

from tests.drills.ground import Ground, ground
from tests.drills.load import Size, mark
from tests.drills.result import Result

_ROW = (
    "insert into dbos.workflow_status (workflow_uuid, status, name, created_at, updated_at, queue_name, priority, "
    "queue_partition_key, serialization, application_name, application_version, recovery_attempts, executor_id, "
    "delay_until_epoch_ms, inputs) values ($1, $2, 'segment', $3, $3, 'runs', 0, $4, 'py_pickle', 'charter', 'segments-1', 0, "
    "$5, $6, $7) returning workflow_uuid"
)
_INPUT = "insert into dbos.workflow_input (workflow_uuid, inputs, retention_timestamp) values ($1, $2, $3) returning 1"
PLACES = 3


class Payload:
    """Opens a file for writing as soon as somebody unpickles it."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._file, "w")


async def planted(size: Size) -> Result:
    """Plant pickles as every kind of row, more than the tenant has places; then let people go on."""
    result = Result()
    runs = {"tenant_concurrent": PLACES, "agent_concurrent": PLACES, "concurrent": 10, "lease_seconds": 3}
    async with ground(1, runs=runs) as here:
        waiting = await here.client.start("alice", f"sign {mark('z')}")
        await here.ended([waiting], seconds=30, also=frozenset({"waiting:approval"}))
        files = [
            await plant(here, n, status)
            for n, status in enumerate(["ENQUEUED"] * (PLACES + 1) + ["DELAYED", "PENDING"])
        ]
        ended = await refused(here, PLACES + 2)
        approval = await here.client.pending("bob", waiting)
        await here.client.decide("bob", approval, "approve")
        others = [await here.client.start("alice", f"book {mark('z')}") for _ in range(max(8, size.of(8)))]
        left = await here.ended([waiting, *others], seconds=30)
        # A host that starts anew looks after what it finds.
        here.kill(0)
        await here.until(lambda: not here.hosts[0].address, 10, "the host is gone")
        await here.until(lambda: here.hosts[0].address, 60, "the host is back")
        later = await here.client.start("alice", f"book {mark('z')}")
        left |= await here.ended([later], seconds=30)
        written = [file.name for file in files if file.exists()]
        rows = await here.rows(
            "select status, count(*) as n from dbos.workflow_status where serialization = 'py_pickle' group by 1"
        )
        states = {row["status"]: row["n"] for row in rows}
        result.note(planted=f"{len(files)} rows, {ended} refused", now=states, files=f"{len(written)} written")
        if written:
            result.faults.append(f"pickles ran: {written}")
        if ended < PLACES + 2:
            result.faults.append(f"only {ended} of the {PLACES + 2} planted rows in the queue were ended")
        result.faults += [f"{run} did not go on" for run in sorted(left)]
    return result


async def plant(here: Ground, number: int, status: str) -> Path:
    """Plant one row for tenant contoso; return the file that it would write."""
    file = here.folder / f"planted-{number}"
    payload = base64.b64encode(pickle.dumps(Payload(file))).decode()
    now, name = int(time.time() * 1000), f"run_planted{number}:1"
    executor = "local" if status == "PENDING" else None
    delay = now if status == "DELAYED" else None
    await here.rows(_ROW, name, status, now, "contoso", executor, delay, payload)
    await here.rows(_INPUT, name, payload, now)
    return file


async def refused(here: Ground, number: int) -> int:
    """Return how many planted rows the engine took and ended as failed, once there are so many or time is over."""
    found, limit = 0, time.monotonic() + 10
    while found < number and time.monotonic() < limit:
        rows = await here.rows(
            "select count(*) as n from dbos.workflow_status where serialization = 'py_pickle' and status = 'ERROR'"
        )
        found = rows[0]["n"]
        await asyncio.sleep(0.2)
    return found


DRILLS = {"pickle": planted}
