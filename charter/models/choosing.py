"""Which of several deployments is asked next. Pure: chance is given in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from charter.errors import ModelCannot
from charter.models.deployments import Deployed


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a turn needs of whoever answers it: eyes for images, an answer of a JSON Schema."""

    images: bool = False
    form: bool = False

    def able(self, deployments: Sequence[Deployed]) -> tuple[Deployed, ...]:
        """Return those that can do it.

        Raises:
            ModelCannot: none can; there are some.
        """
        seeing = tuple(each for each in deployments if each.sees or not self.images)
        if deployments and not seeing:
            raise ModelCannot("The model of this agent cannot look at images.")
        able = tuple(each for each in seeing if each.forms or not self.form)
        if seeing and not able:
            raise ModelCannot("This agent answers in JSON of an agreed form, which the embedded model cannot do.")
        return able


ANYTHING = Wanted()


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
