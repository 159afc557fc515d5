"""Which of the found passages answer a question, and in which order. Pure; equal for every store.

Order: most exact terms first (ids, codes, quoted strings: letters decide), then nearness with a small part for the words
of the question. Nearness leads: with equal weight, full text made the order worse.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from charter.knowledge.index import Candidate, Question
from charter.knowledge.terms import is_english
from charter.knowledge.vocabulary import stems, within


@dataclass(frozen=True, slots=True)
class Fit:
    """What counts how much, in cosine similarity of this embedder. Measured on the tuning half of the evaluation set and on
    the sample library's chosen questions; what was measured stands in README.md.

    A question's share of words found in a passage (rare words count more) adds up to ``words`` to its similarity.
    A passage answers from ``enough`` on if it has at least ``some`` of the question's words, without any from ``sure`` on;
    from ``spoken`` on, if it has at least ``share`` of them. Where the question names what must be found letter by letter,
    and nothing has it, only ``sure`` counts. Documents are English: a question in another language comes out lower, has no
    words in common, and answers from ``foreign`` on. Behind the best one come only passages within ``margin`` of it.
    """

    words: float = 0.055
    enough: float = 0.835
    some: float = 0.05
    sure: float = 0.875
    spoken: float = 0.82
    share: float = 0.25
    foreign: float = 0.803
    margin: float = 0.06


@dataclass(frozen=True, slots=True)
class _Weighed:
    candidate: Candidate
    hits: int
    share: float
    nearness: float


def rank(question: Question, found: Sequence[Candidate], fit: Fit) -> list[tuple[Candidate, float]]:
    """Return the passages that answer, each with its score, best first; nothing where none of them does."""
    weighed = _weighed(question, found, fit)
    if not any(_answers(question, each, fit) for each in weighed):
        return []
    nearest = max(each.nearness for each in weighed)
    return _ordered([each for each in weighed if each.hits or each.nearness >= nearest - fit.margin])


def order(question: Question, found: Sequence[Candidate], fit: Fit) -> list[tuple[Candidate, float]]:
    """Return all that was found, each with its score, best first, whether it answers or not."""
    return _ordered(_weighed(question, found, fit))


def _ordered(weighed: Sequence[_Weighed]) -> list[tuple[Candidate, float]]:
    best = sorted(weighed, key=lambda each: (-each.hits - each.nearness, each.candidate.passage_id))
    return [(each.candidate, each.hits + each.nearness) for each in best]


def _answers(question: Question, each: _Weighed, fit: Fit) -> bool:
    similarity = each.candidate.similarity
    if each.hits or similarity >= fit.sure:
        return True
    if question.terms:
        return False
    if not is_english(question.text):
        return similarity >= fit.foreign
    enough = similarity >= fit.enough and each.share >= fit.some
    return enough or (similarity >= fit.spoken and each.share >= fit.share)


def _weighed(question: Question, found: Sequence[Candidate], fit: Fit) -> list[_Weighed]:
    words = [stems(f"{each.heading} {each.text}") for each in found]
    vocabularies = [frozenset(each) for each in words]
    weights = _weights(stems(question.text), vocabularies)
    terms = [stems(term) for term in question.terms]
    weighed: list[_Weighed] = []
    for candidate, spoken, vocabulary in zip(found, words, vocabularies, strict=True):
        hits = sum(within(term, spoken) for term in terms)
        share = _share(weights, vocabulary)
        weighed.append(_Weighed(candidate, hits, share, candidate.similarity + fit.words * share))
    return weighed


def _weights(asked: Sequence[str], vocabularies: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Return what each word of the question weighs among these passages: the rarer, the more."""
    having = Counter(word for vocabulary in vocabularies for word in {*asked} & vocabulary)
    return {word: log((len(vocabularies) + 1) / (having[word] + 0.5)) for word in asked}


def _share(weights: Mapping[str, float], vocabulary: frozenset[str]) -> float:
    whole = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in vocabulary) / whole if whole else 0.0
