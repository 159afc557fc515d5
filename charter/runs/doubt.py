"""Find out whether an effect happened that was intended and has no outcome.

It may have been interrupted anywhere: before it was sent, under way, or after it was done. Its function's path decides.
``key``: the same call with the same key, until the target answers. ``lookup``: the target is asked; what it does not
know yet it may still be carrying out, so *absent* counts only when the settling time since the intent is over.
``person``: somebody is asked. Every doubt is counted in the ledger and audited with its path.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from charter.catalog.spec import FunctionSpec
from charter.errors import BudgetExhausted, Unavailable
from charter.plugin import FunctionFailed
from charter.runs import effects, journal
from charter.runs.act import Act, recorded
from charter.runs.effects import Path
from charter.runs.work import Work
from charter.settings import Runs
from charter.store.database import Database

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_NOT_FOUND = 404

Invoke = Callable[[Work, FunctionSpec, dict[str, Any], dict[str, str]], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """The look-up's function and what it returned: the effect happened."""

    function: FunctionSpec
    result: Any


class Doubt:
    """Takes the paths."""

    def __init__(self, database: Database, settings: Runs) -> None:
        self._database = database
        self._settle = timedelta(seconds=settings.settle_seconds)

    async def note(self, work: Work, act: Act) -> Path:
        """Count the doubt, record it, and return the path to take.

        Raises:
            Fenced: another process works on this run by now.
        """
        taken = effects.path(act.function)
        async with self._database.session(work.ctx) as db:
            await journal.last(db, work.claim.run_id, work.claim.epoch)
            intended = await effects.doubt(db, work.claim.run_id, act.step_id, taken)
            await recorded(db, work, act, "effect.in_doubt", {"path": taken})
        work.settles = (
            max(intended + self._settle, journal.now()) if taken == "lookup" else journal.now() + self._settle
        )
        return taken

    async def look_up(self, work: Work, act: Act, invoke: Invoke) -> Found | None:
        """Ask the target for the effect by its key; ``None``: it did not happen, and will not any more.

        Raises:
            Unavailable: the target cannot be asked now; the run is tried again later.
        """
        function = work.edition.catalog.function(f"{act.function.plugin}.{act.function.lookup}")
        key = effects.idempotency_key(work.claim.run_id, act.step_id)
        asked = {_key_argument(function): key}
        pause = _FIRST_PAUSE
        while True:
            try:
                return Found(function, await work.grip.while_held(invoke(work, function, asked, {})))
            except FunctionFailed as fault:
                absent = fault.status == _NOT_FOUND
                if absent and journal.now() >= work.settles:
                    return None
                if not absent and journal.now() >= work.settles + self._settle:
                    raise Unavailable(f"{function.full_name} cannot say whether the effect happened.") from fault
            pause = await self.pause(work, pause)

    async def pause(self, work: Work, seconds: float) -> float:
        """Wait within the run's minutes; return how long to wait the next time.

        Raises:
            BudgetExhausted: the run's minutes are over.
        """
        if journal.now() >= work.deadline:
            raise BudgetExhausted(f"The run used all its {work.agent.budget.minutes} minutes.")
        await work.grip.while_held(asyncio.sleep(seconds))
        return min(seconds * 2, _LONGEST_PAUSE)


def _key_argument(function: FunctionSpec) -> str:
    """Return the one argument of a look-up (the check of the catalog sees to it)."""
    return str(function.parameters["required"][0])
