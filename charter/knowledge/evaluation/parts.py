"""The orders that are compared: each part of the search alone, what could join them, and what was chosen."""

from collections.abc import Callable, Mapping, Sequence

from charter.knowledge.index import Candidate, Question
from charter.knowledge.ranking import Fit, order

Order = Callable[[Question, Sequence[Candidate]], list[Candidate]]

_RANKS = 60
"""As reciprocal rank fusion is commonly set up."""

_HALF = 0.5


def dense(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Order by the nearness of vectors alone."""
    return sorted(found, key=lambda each: (-each.similarity, each.passage_id))


def full_text(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Order as the store's full text does, alone."""
    return sorted((each for each in found if each.place), key=lambda each: (each.place or 0, each.passage_id))


def reciprocal_ranks(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Join both orders by reciprocal ranks, with equal weight."""
    return _by_places(question, found, lambda place: 1 / (_RANKS + place))


def equal_scores(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Join nearness, drawn out to 0 and 1, with the place in full text, with equal weight."""
    low = min((each.similarity for each in found), default=0.0)
    wide = max((each.similarity for each in found), default=0.0) - low or 1.0
    worth = {
        each.passage_id: _HALF * (each.similarity - low) / wide + (_HALF / each.place if each.place else 0.0)
        for each in found
    }
    return sorted(found, key=lambda each: (-worth[each.passage_id], each.passage_id))


def chosen(question: Question, found: Sequence[Candidate]) -> list[Candidate]:
    """Order as the host does."""
    return [each for each, _ in order(question, found, Fit())]


def _by_places(question: Question, found: Sequence[Candidate], worth: Callable[[int], float]) -> list[Candidate]:
    total: dict[str, float] = {}
    for part in (dense, full_text):
        for place, each in enumerate(part(question, found), start=1):
            total[each.passage_id] = total.get(each.passage_id, 0.0) + worth(place)
    return sorted(found, key=lambda each: (-total[each.passage_id], each.passage_id))


SINGLE: Mapping[str, Order] = {"dense": dense, "full text": full_text}
JOINED: Mapping[str, Order] = {"reciprocal ranks": reciprocal_ranks, "equal scores": equal_scores}
CHOSEN = "chosen"
PARTS: Mapping[str, Order] = {**SINGLE, **JOINED, CHOSEN: chosen}
