"""Which of several deployments is asked next. Pure: chance is given in."""

from collections.abc import Collection, Mapping, Sequence
from random import Random

from charter.models.deployments import Deployed


def allowed(deployments: Sequence[Deployed], regions: Collection[str] | None) -> tuple[Deployed, ...]:
    """Return those that may see the data of a tenant whose residency is ``regions``; ``None``: anywhere will do."""
    return tuple(each for each in deployments if each.serves(regions))


def choose(ready: Sequence[Deployed], asked: Mapping[str, int], chance: Random) -> Deployed:
    """Return the one to ask: one that was not asked yet in this turn before one that was, of those the lowest priority,
    and among equals by weight. Weight 0 comes behind all others, whatever its priority.
    """
    if len(ready) == 1:
        return ready[0]
    ranks = [(asked.get(each.name, 0), each.weight == 0, each.priority) for each in ready]
    first = min(ranks)
    equals = [each for each, rank in zip(ready, ranks, strict=True) if rank == first]
    weights = [each.weight for each in equals] if equals[0].weight else None
    return chance.choices(equals, weights)[0]
