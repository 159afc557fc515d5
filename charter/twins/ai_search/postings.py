"""Which terms stand where, and how well they fit: BM25 as Lucene counts it (k1 = 1.2, b = 0.75), summed over fields."""

from collections.abc import Collection, Iterable, Mapping
from math import log
from typing import Any, cast

from charter.twins.ai_search.analysis import terms
from charter.twins.ai_search.fields import Field

_K1, _B = 1.2, 0.75


class Postings:
    """An inverted index over the searchable strings of an index."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = {name: each for name, each in fields.items() if each.searchable and each.kind == "Edm.String"}
        self._spots: dict[str, dict[str, dict[str, list[int]]]] = {name: {} for name in self._fields}
        self._lengths: dict[str, dict[str, int]] = {name: {} for name in self._fields}
        self._terms: dict[str, dict[str, frozenset[str]]] = {name: {} for name in self._fields}
        self._total = dict.fromkeys(self._fields, 0)

    @property
    def fields(self) -> Collection[str]:
        return self._fields

    def analyzer(self, field: str) -> str:
        return self._fields[field].analyzer

    def add(self, key: str, document: Mapping[str, Any]) -> None:
        for name, each in self._fields.items():
            value: Any = document.get(name)
            if not value:
                continue  # as with Lucene, what lacks a field does not count for it
            texts = cast("list[str]", value if isinstance(value, list) else [value])
            spots = [
                (at * 1_000 + place, term)
                for at, text in enumerate(texts)
                for place, term in terms(text, each.analyzer)
            ]
            for place, term in spots:
                self._spots[name].setdefault(term, {}).setdefault(key, []).append(place)
            self._lengths[name][key] = len(spots)
            self._terms[name][key] = frozenset(term for _, term in spots)
            self._total[name] += len(spots)

    def drop(self, key: str) -> None:
        for name in self._fields:
            self._total[name] -= self._lengths[name].pop(key, 0)
            for term in self._terms[name].pop(key, frozenset()):
                del self._spots[name][term][key]
                if not self._spots[name][term]:
                    del self._spots[name][term]

    def term(self, field: str, term: str) -> dict[str, float]:
        """Return the documents with a term in a field, and what it weighs there."""
        return self._weighed(field, {key: len(spots) for key, spots in self._spots[field].get(term, {}).items()})

    def prefix(self, field: str, prefix: str) -> dict[str, float]:
        """Return the documents with a term that begins so; all weigh the same."""
        return {key: 1.0 for term, found in self._spots[field].items() if term.startswith(prefix) for key in found}

    def phrase(self, field: str, phrase: Iterable[tuple[int, str]]) -> dict[str, float]:
        """Return the documents with these terms at these distances."""
        wanted = list(phrase)
        if not wanted:
            return {}
        (first_at, first), rest = wanted[0], wanted[1:]
        found: dict[str, int] = {}
        for key, spots in self._spots[field].get(first, {}).items():
            others = [(at - first_at, frozenset(self._spots[field].get(term, {}).get(key, ()))) for at, term in rest]
            if times := sum(all(spot + gap in places for gap, places in others) for spot in spots):
                found[key] = times
        return self._weighed(field, found)

    def _weighed(self, field: str, counts: Mapping[str, int]) -> dict[str, float]:
        every = len(self._lengths[field])
        rarity = log(1 + (every - len(counts) + 0.5) / (len(counts) + 0.5))
        average = self._total[field] / every if every else 1.0

        def weight(key: str, count: int) -> float:
            length = self._lengths[field][key] / (average or 1.0)
            return rarity * count / (count + _K1 * (1 - _B + _B * length))

        return {key: weight(key, count) for key, count in counts.items()}
