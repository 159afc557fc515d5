"""A question that waits longer than every token lives: who still may goes on with fresh authority, who may not does nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.drills.ground import Ground, ground
from tests.drills.load import Size, mark
from tests.drills.result import Result

TOKEN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Case:
    """Who asked, who decides, what happens to the first meanwhile, and whether they still may act after it."""

    what: str
    name: str
    manager: str
    meanwhile: Callable[[Ground, str], Awaitable[None]]
    may: bool = False


async def _nothing(here: Ground, name: str) -> None:
    del here, name


async def _role_revoked(here: Ground, name: str) -> None:
    await twin(here, "PATCH", f"/people/{name}", {"roles": ["operator"]})


async def _disabled(here: Ground, name: str) -> None:
    await twin(here, "PATCH", f"/people/{name}", {"disabled": True})


async def _sessions_ended(here: Ground, name: str) -> None:
    await twin(here, "DELETE", f"/people/{name}/sessions")


CASES = (
    Case("nothing changed", "alice", "bob", _nothing, may=True),
    Case("role revoked", "carol", "bob", _role_revoked),
    Case("user disabled", "dora", "bob", _disabled),
    Case("exchange refused", "frank", "mona", _sessions_ended),
)


_TOLD = "select status, output, error, (select count(*) from effects e where e.run_id = r.id) as effects from runs r where id = $1"


async def authority(size: Size) -> Result:
    """Let each case wait for longer than its tokens live, then approve it and look at what reached the system."""
    del size
    result = Result()
    async with ground(1, runs={"lease_seconds": 3}) as here:
        await lasting(here, result, CASES, token_seconds=TOKEN_SECONDS, margin=5)
        await outage(here, result)
    return result


async def lasting(here: Ground, result: Result, cases: Sequence[Case], *, token_seconds: float, margin: float) -> None:
    await twin(here, "PATCH", "/lifetimes", {"access": token_seconds})
    runs = {case.what: await here.client.start(case.name, f"sign {mark('a')}") for case in cases}
    left = await here.ended(list(runs.values()), seconds=30, also=frozenset({"waiting:approval"}))
    assert not left, "they never waited"
    parked = time.monotonic()
    for case in cases:
        await case.meanwhile(here, case.name)
    await asyncio.sleep(token_seconds + margin)
    waited = time.monotonic() - parked
    here.client.forget()
    before = len(await calls(here))
    for case in cases:
        approval = await here.client.pending(case.manager, runs[case.what])
        assert (await here.client.decide(case.manager, approval, "approve")).status == 200
    left = await here.ended(list(runs.values()), seconds=30)
    result.faults += [f"{run} did not end" for run in left]
    made = (await calls(here))[before:]
    for case in cases:
        result.note(**{case.what: await _judged(here, result, case, runs[case.what], made)})
    result.note(waited=f"{waited:.0f} s on tokens of {token_seconds:g} s", calls=f"{len(made)} after the decisions")


async def restored(here: Ground) -> None:
    """Let everybody be as before."""
    await twin(here, "PATCH", "/lifetimes", {"access": 3600})
    await twin(here, "PATCH", "/people/carol", {"roles": ["employee", "operator"]})
    await twin(here, "PATCH", "/people/dora", {"disabled": False})
    here.client.forget()


async def _judged(here: Ground, result: Result, case: Case, run: str, made: Sequence[Mapping[str, Any]]) -> str:
    row = (await here.rows(_TOLD, run))[0]
    theirs = [call for call in made if call["caller"] == case.name]
    if case.may:
        if row["status"] != "completed" or len(theirs) != 1:
            result.faults.append(f"{case.what}: {row['status']} with {len(theirs)} calls as {case.name}")
        return f"{row['status']}, called as {', '.join(str(call['caller']) for call in theirs)}"
    told = (row["error"] or {}).get("detail") or (row["output"] or {}).get("text") or ""
    audited = await here.rows(
        "select action, detail from audit where run_id = $1 and at > (select decided_at from approvals where run_id = $1) "
        "and action not like 'approval.%' order by seq",
        run,
    )
    reasons = [f"{entry['action']}: {entry['detail'].get('reason') or entry['detail']}" for entry in audited]
    if theirs or row["effects"]:
        result.faults.append(f"{case.what}: {len(theirs)} calls were made as {case.name}, effects {row['effects']}")
    if not told:
        result.faults.append(f"{case.what}: the run tells no reason ({row['status']})")
    if not reasons:
        result.faults.append(f"{case.what}: no audit record says why nothing was done")
    return (
        f"{row['status']}, {len(theirs)} calls; told: {str(told)[:80]}; audited: {', '.join(reasons)[:90] or 'nothing'}"
    )


async def outage(here: Ground, result: Result) -> None:
    """An identity provider that fails is no refusal: the run waits for it, calls nothing, and goes on."""
    client = here.client
    run = await client.start("alice", f"sign {mark('a')}")
    await here.ended([run], seconds=30, also=frozenset({"waiting:approval"}))
    approval = await client.pending("bob", run)
    before = len(await here.ledger())
    await twin(here, "PUT", "/faults", {"token": "fail"})
    await client.decide("bob", approval, "approve")
    await asyncio.sleep(4)
    during = (await here.states([run]))[run]
    meanwhile = len(await here.ledger()) - before
    await twin(here, "PUT", "/faults", {})
    begun = time.monotonic()
    left = await here.ended([run], seconds=30)
    after = (await here.states([run]))[run]
    result.note(outage=f"{during} while it lasts, {after} {time.monotonic() - begun:.1f} s after it")
    if during in {"completed", "failed", "cancelled"} or meanwhile or left or after != "completed":
        result.faults.append(f"an outage of the identity provider: {during}, {meanwhile} calls, then {after}")


async def twin(here: Ground, method: str, path: str, body: Any = None) -> None:
    async with here.http.request(method, f"{here.twins.entra}/_twin{path}", json=body) as answer:
        assert answer.status < 300, await answer.text()


async def calls(here: Ground) -> list[dict[str, Any]]:
    """Return every call that the counting house has had, with its caller."""
    return (await here.sandbox("GET", "/_sandbox/calls"))["calls"]


DRILLS = {"authority": authority}
