"""A call's id as one maker takes it: a thread may hold calls that another maker's model asked for.

The same id always becomes the same one, so that a call and its answer stay together, in this request and in the next.
"""

import re
from collections.abc import Callable
from hashlib import blake2b

CallId = Callable[[str], str]

_CLAUDE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MISTRAL = re.compile(r"[a-zA-Z0-9]{9}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def for_claude(call_id: str) -> str:
    """Return the id itself where Claude takes it, else one that stands for it."""
    return call_id if _CLAUDE.fullmatch(call_id) else f"toolu_{blake2b(call_id.encode(), digest_size=12).hexdigest()}"


def for_mistral(call_id: str) -> str:
    """Return the id itself where Mistral takes it (nine letters or digits), else one that stands for it."""
    if _MISTRAL.fullmatch(call_id):
        return call_id
    number, digits = int.from_bytes(blake2b(call_id.encode(), digest_size=8).digest()), ""
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
