"""What the outcomes come to: one line for each part, kind and language, and whether what was chosen holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from charter.knowledge.evaluation.asking import Outcome
from charter.knowledge.evaluation.metrics import Mean, mean, ndcg, recall, reciprocal
from charter.knowledge.evaluation.parts import CHOSEN, PARTS, SINGLE

HALVES = ("tuning", "held out")


@dataclass(frozen=True, slots=True)
class Line:
    """The order of one part over a group of answerable questions."""

    group: str
    part: str
    recall: Mean
    ndcg: Mean
    mrr: Mean

    def as_json(self) -> dict[str, Any]:
        means = {"recall@5": self.recall, "ndcg@10": self.ndcg, "mrr": self.mrr}
        return {"group": self.group, "part": self.part} | {name: each.as_json() for name, each in means.items()}


@dataclass(frozen=True, slots=True)
class Served:
    """What people would get. ``answered`` of the answerable questions; ``refused`` of the others; ``cited``: an answer
    by quotation cites a passage with the answering words, of those answered; ``opens``: every passage opens at exactly
    its place, and every quoted sentence stands there.
    """

    group: str
    answered: Mean
    refused: Mean
    cited: Mean
    opens: Mean

    def as_json(self) -> dict[str, Any]:
        return {"group": self.group} | {
            name: getattr(self, name).as_json() for name in ("answered", "refused", "cited", "opens")
        }


def line(group: str, part: str, outcomes: Sequence[Outcome]) -> Line:
    """Return what the order of ``part`` is worth over these questions; those without an answer are left out."""
    return Line(
        group,
        part,
        _over(outcomes, part, recall),
        _over(outcomes, part, ndcg),
        _over(outcomes, part, reciprocal),
    )


def _over(outcomes: Sequence[Outcome], part: str, measure: Callable[[Sequence[str], frozenset[str]], float]) -> Mean:
    return mean([measure(each.orders[part], each.right) for each in outcomes if each.asked.answerable])


def lines(outcomes: Sequence[Outcome], part: str = "") -> list[Line]:
    """Return a line for each half and part, and for what was chosen and its parts by kind and by language."""
    parts = [each for each in PARTS if part in ("", each)]
    shown = [each for each in (*SINGLE, CHOSEN) if each in parts]
    found = [line(half, each, _half(outcomes, half)) for half in HALVES for each in parts]
    for kind in dict.fromkeys(each.asked.kind for each in outcomes if each.asked.answerable):
        found += [line(kind, each, [o for o in outcomes if o.asked.kind == kind]) for each in shown]
    for language in dict.fromkeys(each.asked.language for each in outcomes if each.asked.answerable):
        found += [line(f"in {language}", each, [o for o in outcomes if o.asked.language == language]) for each in shown]
    return found


def served(outcomes: Sequence[Outcome]) -> list[Served]:
    """Return what people would get, for each half."""
    return [_served(half, _half(outcomes, half)) for half in HALVES]


def holds(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether what was chosen is nowhere worse than the better of its parts: in either half."""
    return all(
        line(half, CHOSEN, those).ndcg.value >= max(line(half, part, those).ndcg.value for part in SINGLE)
        for half in HALVES
        if (those := _half(outcomes, half))
    )


def _served(group: str, outcomes: Sequence[Outcome]) -> Served:
    answerable = [each for each in outcomes if each.asked.answerable]
    answered = [each for each in answerable if each.served]
    return Served(
        group=group,
        answered=mean([float(bool(each.served)) for each in answerable]),
        refused=mean([float(not each.served) for each in outcomes if not each.asked.answerable]),
        cited=mean([float(bool(each.right & {*each.cited})) for each in answered]),
        opens=mean([float(each.opens and each.verbatim) for each in outcomes if each.served]),
    )


def _half(outcomes: Sequence[Outcome], half: str) -> list[Outcome]:
    return [each for each in outcomes if each.asked.half == half]
