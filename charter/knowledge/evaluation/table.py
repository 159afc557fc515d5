"""The measures as people read them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from charter.knowledge.evaluation import scores
from charter.knowledge.evaluation.asking import Outcome
from charter.knowledge.evaluation.scores import Line


def shown(outcomes: Sequence[Outcome], part: str = "") -> str:
    """Return the tables as Markdown: the order of each part, by half, kind and language; then what people would get."""
    if not outcomes:
        return "No question was asked."
    return "\n".join((*_orders(scores.lines(outcomes, part)), "", *_served(outcomes), "", _verdict(outcomes)))


def _orders(lines: Sequence[Line]) -> Iterator[str]:
    yield "| questions | n | order | recall@5 | nDCG@10 | MRR |"
    yield "| --- | ---: | --- | ---: | ---: | ---: |"
    for line in lines:
        if line.recall.count:
            yield f"| {line.group} | {line.recall.count} | {line.part} | {line.recall} | {line.ndcg} | {line.mrr} |"


def _served(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield '| questions | answered | unanswerable: "not found" | cites what answers | opens at its place |'
    yield "| --- | ---: | ---: | ---: | ---: |"
    for half in scores.served(outcomes):
        yield f"| {half.group} | {half.answered} | {half.refused} | {half.cited} | {half.opens} |"


def _verdict(outcomes: Sequence[Outcome]) -> str:
    if scores.holds(outcomes):
        return "The chosen order is nowhere worse than the better of its parts."
    return "The chosen order is worse than the better of its parts."


def of_model(told: Mapping[str, Any]) -> str:
    """Return how faithful a model's answers were, or why none was judged."""
    if reason := told.get("reason"):
        return str(reason)
    lines = [f"| {name} | {share['n']} | {share['value']:.3f} |" for name, share in told["shares"].items()]
    return "\n".join(
        (f"{told['answers']} answers of the model", "", "| share | n | |", "| --- | ---: | ---: |", *lines)
    )
