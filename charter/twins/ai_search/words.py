"""The simple query syntax: words, ``"phrases"``, ``prefixes*``, ``+`` and ``|`` between them, ``-`` before one, parentheses.

Source: "Simple query syntax in Azure AI Search". What is out of place is taken for nothing, as there.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from charter.twins.ai_search.analysis import terms
from charter.twins.ai_search.postings import Postings

_TOKEN = re.compile(
    r'\s*(?:(?P<mark>[+|()-])|"(?P<phrase>(?:[^"\\]|\\.)*)"?|(?P<word>(?:[^\s+|()"\\]|\\.)(?:[^\s|()"\\+]|\\.)*))'
)
Found = dict[str, float]
"""Documents and how well they fit."""


@dataclass(slots=True)
class _Text:
    """A query as it is read. ``every`` are the documents among which ``-`` leaves what has not."""

    tokens: list[tuple[str, str]]
    postings: Postings
    fields: Sequence[str]
    every: Collection[str]
    whole: bool
    at: int = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")


def matched(text: str, postings: Postings, fields: Sequence[str], every: Collection[str], *, whole: bool) -> Found:
    """Return what a query finds; ``whole``: all of its words must be there (``searchMode`` all)."""
    if text.strip() in ("", "*"):
        return dict.fromkeys(every, 1.0)
    tokens = [(kind, found[kind]) for found in _TOKEN.finditer(text) if (kind := found.lastgroup or "")]
    return _joined(_Text(tokens, postings, fields, every, whole)) or {}


def _joined(query: _Text) -> Found | None:
    """Read clauses up to a closing parenthesis; nothing where none of them says anything."""
    groups: list[list[Found]] = []
    follows = "" if not query.whole else "+"
    while (token := query.peek()) != ("", "") and token != ("mark", ")"):
        if token in (("mark", "+"), ("mark", "|")):
            follows = token[1]
            query.at += 1
            continue
        found = _clause(query)
        if found is not None:
            if groups and follows == "+":
                groups[-1].append(found)
            else:
                groups.append([found])
        follows = "+" if query.whole else ""
    return _either([_both(group) for group in groups]) if groups else None


def _clause(query: _Text) -> Found | None:
    kind, text = query.peek()
    query.at += 1
    if (kind, text) == ("mark", "("):
        found = _joined(query)
        query.at += 1
        return found
    if (kind, text) == ("mark", "-"):
        if query.peek() == ("", ""):
            return None
        without = _clause(query)
        return None if without is None else {key: 1.0 for key in query.every if key not in without}
    plain = re.sub(r"\\(.)", r"\1", text)
    return _phrase(query, plain) if kind == "phrase" else _word(query, text, plain)


def _phrase(query: _Text, text: str) -> Found | None:
    asked = {name: terms(text, query.postings.analyzer(name)) for name in query.fields}
    if not any(asked.values()):
        return None
    return _either([query.postings.phrase(name, spots) for name, spots in asked.items()])


def _word(query: _Text, raw: str, text: str) -> Found | None:
    if raw.endswith("*") and not raw.endswith("\\*"):
        return _either([query.postings.prefix(name, text[:-1].lower()) for name in query.fields])
    asked = {name: terms(text, query.postings.analyzer(name)) for name in query.fields}
    if not any(asked.values()):
        return None
    return _either([query.postings.term(name, term) for name, spots in asked.items() for _, term in spots])


def _either(found: Sequence[Found]) -> Found:
    joined: Found = {}
    for each in found:
        for key, score in each.items():
            joined[key] = joined.get(key, 0.0) + score
    return joined


def _both(found: Sequence[Found]) -> Found:
    keys = set(found[0]).intersection(*found[1:])
    return {key: sum(each[key] for each in found) for key in keys}
