"""The one filter by which the service leaves out what a principal may not read. Pure; to be reviewed as a whole.

It is OData. A value reaches it as a string literal only, in which a quote is doubled; where several values stand in one
literal (``search.in``), no value that holds the delimiter, or that the service might trim, is among them.
"""

from collections.abc import Iterable, Sequence

from charter.context import Context
from charter.knowledge.acl import acl_of

_MARK = "|"
_MOST_VALUES = 500
_LONGEST = 16_000


def readable(ctx: Context, collections: Sequence[str] | None = None) -> str | None:
    """Return the filter for what ``ctx`` may read, of its tenant and of these collections (``None``: of all); nothing
    where nothing can be read.
    """
    readers = one_of("r", acl_of(ctx))
    within = None if collections is None else one_of("collection", collections)
    if readers is None or (collections is not None and within is None):
        return None
    trimmed = f"tenant eq {literal(ctx.tenant)} and readers/any(r: {readers})"
    return f"{trimmed} and {within}" if within else trimmed


def one_of(variable: str, values: Iterable[str]) -> str | None:
    """Return the test whether a string is one of these; nothing where there are none."""
    sound = [value for value in dict.fromkeys(values) if value and _can_be_sent(value)]
    plain = [value for value in sound if _MARK not in value and value == value.strip()]
    odd = [value for value in sound if _MARK in value or value != value.strip()]
    tests = [f"search.in({variable}, {literal(_MARK.join(each))}, '{_MARK}')" for each in _chunks(plain)]
    tests += [f"{variable} eq {literal(value)}" for value in odd]
    if not tests:
        return None
    return f"({' or '.join(tests)})"


def literal(value: str) -> str:
    """Return a string as OData writes it."""
    return "'" + value.replace("'", "''") + "'"


def _can_be_sent(value: str) -> bool:
    # Half a pair of surrogates is in no stored value, and no request could carry it.
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _chunks(values: Sequence[str]) -> list[list[str]]:
    """Return the values in lists that are short enough for one literal."""
    chunks: list[list[str]] = []
    length = _LONGEST
    for value in values:
        length += len(value) + 1
        if length > _LONGEST or len(chunks[-1]) == _MOST_VALUES:
            chunks.append([])
            length = len(value) + 1
        chunks[-1].append(value)
    return chunks
