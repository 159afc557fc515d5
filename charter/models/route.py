"""A tier's deployments, and which of them answers a turn."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from pydantic import SecretStr

from charter import settings
from charter.errors import Forbidden, ModelUnavailable, StartRefused
from charter.models.breaker import Breaker
from charter.models.chat import Attempt, Reply, Usage
from charter.models.choosing import ANYTHING, Wanted, allowed, choose
from charter.models.deployments import Deployed, Embedded, open_deployment
from charter.models.recording import Clean
from charter.secrets.store import Live

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

ASKS = 3
"""How often one deployment is asked in one turn."""
PAUSE_SECONDS = 0.5
"""What passes before a deployment that failed is asked again in the same turn; twice as much the next time."""
PATIENCE_SECONDS = 60.0
"""Nobody waits longer than this, in one turn, for deployments that are busy."""
_LOOK_SECONDS = 1.0
"""Whoever waits looks at least so often: another turn may have found out that a deployment is well."""


@dataclass(slots=True)
class Try:
    """One deployment is asked; whoever asks notes what that used, be there an answer or not."""

    deployed: Deployed
    usage: Usage = field(default_factory=Usage)


class Unanswered(ModelUnavailable):
    """No deployment answered the turn; ``attempts`` are those that were asked."""

    def __init__(self, fault: ModelUnavailable, attempts: Sequence[Attempt], *, retry_after: float | None) -> None:
        super().__init__(fault.detail, why=fault.why, action=fault.action, retry_after=retry_after)
        self.attempts = tuple(attempts)


Ask = Callable[[Try], Awaitable[Reply]]
"""Asks one deployment. Raises ``ModelUnavailable``."""


class Route:
    """The deployments of one tier in the order of the settings; there is at least one. One for the whole process: what one
    turn learns of a deployment's health, all know.
    """

    def __init__(
        self,
        tier: str,
        deployments: Sequence[Deployed],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Random | None = None,
    ) -> None:
        self.tier = tier
        self.deployments = tuple(deployments)
        self.clock = clock
        self.sleep = sleep
        self.chance = chance or Random()  # noqa: S311 - it shares out load, and guards nothing
        self.breakers = {each.name: Breaker() for each in deployments}

    def likely(self, regions: Collection[str] | None = None) -> Deployed | None:
        """Return a deployment that would be asked first now; ``None`` where the tenant's residency allows none."""
        there, now = allowed(self.deployments, regions), self.clock()
        ready = [each for each in there if self.breakers[each.name].lets_through(now)]
        return choose(ready or there, {}, self.chance) if there else None

    def cost(self, reply: Reply, day: date) -> Decimal:
        """Return what this turn cost, in the house's currency: the answer, and the attempts before it."""
        return self.named(reply.deployment).cost(reply.usage, day) + self.spent(reply.attempts, day)

    def spent(self, attempts: Sequence[Attempt], day: date) -> Decimal:
        """Return what attempts cost that gave no answer, as far as it is known."""
        return sum((self.named(each.deployment).cost(each.usage, day) for each in attempts), Decimal(0))

    def named(self, name: str) -> Deployed:
        """Return the deployment of this name."""
        return next(each for each in self.deployments if each.name == name)

    def check(self, wanted: Wanted, regions: Collection[str] | None = None) -> None:
        """Hold what is wanted against what the deployments can do, before any is asked.

        Raises:
            ModelCannot: none of those that the tenant's residency allows can.
        """
        wanted.able(allowed(self.deployments, regions))

    async def ask(
        self,
        attempt: Ask,
        wanted: Wanted = ANYTHING,
        *,
        regions: Collection[str] | None = None,
        seconds: float = PATIENCE_SECONDS,
    ) -> Reply:
        """Ask one deployment after the other until one answers; wait where all are only busy for a while, within
        ``seconds``. The reply tells which attempts came before it.

        Raises:
            Forbidden: the tenant's residency allows none of them.
            ModelCannot: none of those that it allows can do what is wanted.
            Unanswered: none answered, or one said that none will.
        """
        there = allowed(self.deployments, regions)
        if not there:
            raise Forbidden(f"No model of the tier {self.tier} computes where your organisation's data may go.")
        turn = _Turn(self, wanted.able(there), self.clock() + min(seconds, PATIENCE_SECONDS))
        while True:
            trial = Try(await turn.next())
            if reply := await turn.take(trial, attempt):
                return replace(reply, attempts=tuple(turn.attempts)) if turn.attempts else reply

    async def close(self) -> None:
        """Close the clients."""
        for each in self.deployments:
            await each.close()


class _Turn:
    """One turn on its way through the deployments that may answer it."""

    __slots__ = ("_again", "_asked", "_fault", "_route", "_there", "_until", "attempts")

    def __init__(self, route: Route, there: Sequence[Deployed], until: float) -> None:
        self._route = route
        self._there = there
        self._until = until
        self._asked: dict[str, int] = {}
        self._again: dict[str, float] = {}
        self._fault: ModelUnavailable | None = None
        self.attempts: list[Attempt] = []

    async def next(self) -> Deployed:
        """Return whom to ask, as soon as somebody may be asked.

        Raises:
            Unanswered: that would take too long.
        """
        while True:
            now = self._route.clock()
            left = [each for each in self._there if self._asked.get(each.name, 0) < ASKS]
            if ready := [
                each for each in left if self._pause(each, now) <= 0 and self._breaker(each).lets_through(now)
            ]:
                return choose(ready, self._asked, self._route.chance)
            soonest = min((self._pause(each, now) for each in left if not self._breaker(each).open), default=None)
            if soonest is not None and now + soonest <= self._until:
                await self._route.sleep(min(soonest, _LOOK_SECONDS))
                continue
            # Nobody is well, and a try is better than none: whoever is not known to be busy gets one.
            if last := [each for each in left if each.name not in self._asked and not self._breaker(each).busy(now)]:
                return choose(last, self._asked, self._route.chance)
            raise self._unanswered(now)

    async def take(self, trial: Try, attempt: Ask) -> Reply | None:
        """Ask; return nothing where another deployment is to be asked.

        Raises:
            Unanswered: this one told that no other would answer.
        """
        name, breaker = trial.deployed.name, self._breaker(trial.deployed)
        self._asked[name] = self._asked.get(name, 0) + 1
        probe = breaker.ask(self._route.clock())
        try:
            reply = await attempt(trial)
        except ModelUnavailable as fault:
            now = self._route.clock()
            breaker.ill(fault, now, probe=probe)
            self._again[name] = now + PAUSE_SECONDS * 2 ** (self._asked[name] - 1)
            self._fault = fault
            self.attempts.append(Attempt(name, fault.why, fault.detail, datetime.now(UTC), trial.usage))
            if not fault.elsewhere:
                raise Unanswered(fault, self.attempts, retry_after=None) from fault
            return None
        except BaseException:
            breaker.abandoned(probe=probe)
            raise
        breaker.well()
        return reply

    def _breaker(self, deployed: Deployed) -> Breaker:
        return self._route.breakers[deployed.name]

    def _pause(self, deployed: Deployed, now: float) -> float:
        """Return how long this one is to be left alone: as it asked, or since it failed in this very turn."""
        return max(self._breaker(deployed).busy(now), self._again.get(deployed.name, now) - now)

    def _unanswered(self, now: float) -> Unanswered:
        soonest = min(self._breaker(each).wait(now) for each in self._there)
        last, tier = self._fault, self._route.tier
        if last is None:
            fault = ModelUnavailable(f"The models of the tier {tier} are busy.", why="busy")
            return Unanswered(fault, (), retry_after=soonest or None)
        if len(self._there) > 1:
            sentence = f"None of the {len(self._there)} models of the tier {tier} answered. Of the last: {last.detail}"
            last = ModelUnavailable(sentence, why=last.why)
        return Unanswered(last, self.attempts, retry_after=soonest or None)


def open_route(
    tier: str,
    deployments: Sequence[settings.Deployment],
    embedded: Embedded | None,
    *,
    costs: settings.Costs | None = None,
    key_of: Callable[[SecretStr], Live | None] = lambda _: None,
    identity: "AsyncTokenCredential | None" = None,
    clean: Clean = str,
) -> Route:
    """Build the clients of one tier; parameters as of ``open_deployment``.

    Raises:
        StartRefused: a deployment lacks what its kind needs, or two have one name.
    """
    opened = [
        open_deployment(tier, each, embedded, costs=costs, key=key_of(each.api_key), identity=identity, clean=clean)
        for each in deployments
    ]
    names = [each.name for each in opened]
    if twice := {name for name in names if names.count(name) > 1}:
        raise StartRefused(
            f"The tier {tier} has two deployments named {min(twice)}.", action="Give each a field 'name' of its own."
        )
    return Route(tier, opened)
