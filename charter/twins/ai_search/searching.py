"""One query, from what is asked to what is told; what the asking person may not see is left out before anything else."""

from collections.abc import Mapping
from typing import Any

from charter.twins.ai_search.asked import Query, query
from charter.twins.ai_search.definitions import Definition
from charter.twins.ai_search.entering import Asking
from charter.twins.ai_search.ranking import Scores, nearest, ordered, ranked, reranked
from charter.twins.ai_search.shelf import Shelf, shown
from charter.twins.ai_search.words import matched

Document = Mapping[str, Any]


def search(shelf: Shelf, body: Mapping[str, Any], asking: Asking | None) -> dict[str, Any]:
    """Return the answer to a query.

    Raises:
        Refused: it is no query for this index.
    """
    # Late: the twins start faster without the grammar's library.
    from charter.twins.ai_search.filters import tested

    definition = shelf.definition
    asked = query(body, definition)
    test = tested(asked.filter, definition.fields) if asked.filter.strip() else None
    visible: Mapping[str, Document] = shelf.documents
    kept = visible if test is None else shelf.passing(asked.filter, test)
    if definition.permissions:
        visible = {key: each for key, each in visible.items() if may_see(definition, each, asking)}
        kept = {key: each for key, each in kept.items() if key in visible}
    scores = _scores(shelf, asked, visible if asked.after else kept)
    scores = {key: score for key, score in scores.items() if key in kept}
    keys = ordered(asked, scores, kept)
    again = reranked(asked, keys, kept) if asked.semantic else {}
    keys[: len(again)] = sorted(keys[: len(again)], key=lambda key: -again[key])
    page = keys[asked.skip : asked.skip + asked.page]
    answer: dict[str, Any] = {"@odata.count": len(keys)} if asked.count else {}
    answer["value"] = [_told(definition, asked, kept[key], scores[key], again.get(key)) for key in page]
    return answer | _following(asked, body, len(keys))


def may_see(definition: Definition, document: Document, asking: Asking | None) -> bool:
    """Tell whether the index's own permissions let the person see a document ("ACL access resolution rules"); nobody's
    query sees only what is for all.
    """
    if not definition.permissions:
        return True
    mine: dict[str, frozenset[str]] = {
        "userIds": frozenset({asking.user} if asking else ()), "groupIds": asking.groups if asking else frozenset(),
    }  # fmt: skip
    permitting = [each for each in definition.fields.values() if each.permission]
    return any(_permits(frozenset(document.get(each.name) or ()), mine[each.permission]) for each in permitting)


def _permits(values: frozenset[str], mine: frozenset[str]) -> bool:
    return "all" in values or not (mine - {"none"}).isdisjoint(values)


def _scores(shelf: Shelf, asked: Query, among: Mapping[str, Document]) -> Scores:
    near = [
        (vector.weight, nearest(vector, *shelf.vectors(field), among))
        for vector in asked.vectors
        for field in vector.fields
    ]
    if asked.text is None:
        return ranked(asked, None, near)
    found = matched(asked.text, shelf.postings, asked.fields, among.keys(), whole=asked.whole)
    return ranked(asked, {key: score for key, score in found.items() if key in among}, near)


def _told(
    definition: Definition, asked: Query, document: Document, score: float, again: float | None
) -> dict[str, Any]:
    scored: dict[str, Any] = {"@search.score": score}
    if again is not None:
        scored["@search.rerankerScore"] = again
    return scored | shown(definition, document, asked.select)


def _following(asked: Query, body: Mapping[str, Any], found: int) -> dict[str, Any]:
    """Return how to ask for the next page, where the query wants more than was told."""
    end = asked.skip + asked.page
    wanted = None if asked.top is None else asked.top - asked.page
    if end >= found or wanted == 0:
        return {}
    following = {**body, "skip": end, **({"top": wanted} if wanted is not None else {})}
    return {"@search.nextPageParameters": following, "@odata.nextLink": "docs/search.post.search"}
