"""What is counted of an order of passages, and how sure a mean is. Pure."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from math import log2

_RESAMPLED = 2000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with the interval in which it lies in 95 of 100 drawings (bootstrap, seeded: the same each time)."""

    value: float
    low: float
    high: float
    count: int

    def as_json(self) -> dict[str, float]:
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4), "n": self.count}

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.2f}-{self.high:.2f})" if self.count else "none"


def recall(order: Sequence[str], right: Set[str], *, at: int = 5) -> float:
    """Return 1 where an answering passage stands among the first ``at``, else 0."""
    return float(any(passage in right for passage in order[:at]))


def reciprocal(order: Sequence[str], right: Set[str]) -> float:
    """Return one divided by the place of the first answering passage, 0 where there is none."""
    return next((1 / place for place, passage in enumerate(order, start=1) if passage in right), 0.0)


def ndcg(order: Sequence[str], right: Set[str], *, at: int = 10) -> float:
    """Return the discounted gain of the answering passages among the first ``at``, against the best possible order."""
    gained = sum(1 / log2(place + 1) for place, passage in enumerate(order[:at], start=1) if passage in right)
    best = sum(1 / log2(place + 1) for place in range(1, min(len(right), at) + 1))
    return gained / best if best else 0.0


def mean(values: Sequence[float]) -> Mean:
    """Return the mean of one value per question."""
    import numpy as np  # late: every command of ours would wait for it

    if not values:
        return Mean(0.0, 0.0, 0.0, 0)
    drawn = np.random.default_rng(_SEED).choice(np.asarray(values), (_RESAMPLED, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Mean(float(np.mean(values)), float(low), float(high), len(values))
