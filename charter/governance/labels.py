"""Labels: how far a piece of content may be trusted, who may read it, and what made it untrusted.

A result is trusted by the *type* of its fields (an id, a number, a date), which is checked against the value, because
text planted by a stranger arrives in fields too. What is not declared is untrusted.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any, Literal, cast

from charter.catalog.spec import FunctionSpec
from charter.plugin import Passage

Integrity = Literal["trusted", "untrusted"]

NOBODY = "nobody"
"""The reader that no one is: what two audiences without a common reader leave."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a piece of content.

    ``readers`` are entries like ``role:hr``, any of which may read; none means no restriction within the tenant.
    ``influenced_by`` names the functions and documents that made it untrusted.
    """

    integrity: Integrity = "trusted"
    readers: tuple[str, ...] = ()
    influenced_by: tuple[str, ...] = ()

    def joined(self, other: "Label") -> "Label":
        """Return the label of content made from both: untrusted if either is, readable by those who may read both."""
        trusted = self.integrity == "trusted" and other.integrity == "trusted"
        return Label(
            "trusted" if trusted else "untrusted",
            _common(self.readers, other.readers),
            tuple(sorted({*self.influenced_by, *other.influenced_by})),
        )

    @property
    def trusted(self) -> bool:
        return self.integrity == "trusted"

    def as_json(self) -> dict[str, Any]:
        return {"integrity": self.integrity, "readers": list(self.readers), "influenced_by": list(self.influenced_by)}

    @classmethod
    def from_json(cls, value: Any) -> "Label":
        """Read what ``as_json`` wrote; anything else, or less, is untrusted and readable by nobody."""
        match value:
            case {"integrity": "trusted" | "untrusted" as integrity, "readers": list(), "influenced_by": list()}:
                return cls(integrity, _texts(value["readers"]), _texts(value["influenced_by"]))
            case _:
                return cls("untrusted", (NOBODY,), ("unlabelled",))


TRUSTED = Label()


def untrusted(source: str) -> Label:
    """Return the label of text that ``source`` brought from outside, such as a business system's error."""
    return Label("untrusted", (), (source,))


def joined(labels: Iterable[Label]) -> Label:
    """Return the label of all of them together."""
    return reduce(Label.joined, labels, TRUSTED)


def label_of(function: FunctionSpec, result: Any) -> Label:
    """Label what a function returned. ``result`` is decoded JSON.

    A field counts by its name wherever in the result it stands, as ``returns`` declares it; the nearest declared name
    above an undeclared one counts for it. The values of a retrieval's ``passages`` carry their documents' labels.
    """
    if not function.retrieval:
        return TRUSTED if _trusted(result, None, function) else untrusted(function.full_name)
    match result:
        case {"passages": list() | tuple(), **rest}:
            around = TRUSTED if _trusted(rest, None, function) else untrusted(function.full_name)
            return joined([around, *(_of_passage(function, passage) for passage in result["passages"])])
        case _:
            return untrusted(function.full_name)


def _of_passage(function: FunctionSpec, passage: Any) -> Label:
    found: Any = asdict(passage) if isinstance(passage, Passage) else passage
    match found:
        case {
            "integrity": "trusted" | "untrusted" as integrity,
            "readers": list() | tuple(),
            "document_id": str(document),
        }:
            readers = _texts(found["readers"])
            sources = () if integrity == "trusted" else (f"document:{document}",)
            return Label(integrity, () if "tenant" in readers else readers, sources)
        case _:
            return untrusted(function.full_name)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(sorted({str(value) for value in values}))


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if not one or not other:
        return one or other
    # Without this entry, readers that exclude one another would join into "no restriction".
    return tuple(sorted({*one} & {*other})) or (NOBODY,)


# None of these has room for a sentence: no spaces, and short.
_NAME = re.compile(r"[A-Za-z_$@][\w$@.-]{0,63}", re.ASCII)
_ID = re.compile(r"[\w.:/@#+-]{1,64}", re.ASCII)
_WORD = re.compile(r"[\w.-]{1,40}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_money(value: Any) -> bool:
    match value:
        case {"minor": int(), "currency": str(currency), **rest}:
            return not rest and _CURRENCY.fullmatch(currency) is not None
        case _:
            return False


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "id": lambda value: _is_number(value) or _text(_ID, value),
    "enum": lambda value: _text(_WORD, value),
    "number": lambda value: _is_number(value) or _text(_NUMBER, value),
    "date": lambda value: _text(_DATE, value),
    "boolean": lambda value: isinstance(value, bool),
    "money": _is_money,
    "trusted": lambda value: True,
}


def _trusted(value: Any, declared: str | None, function: FunctionSpec) -> bool:
    """Is everything in ``value`` of a trusted type? ``declared`` is the type of the field it stands in."""
    if value is None or value == "":
        return True  # says nothing
    if isinstance(value, list | tuple):
        return all(_trusted(item, declared, function) for item in cast("Sequence[Any]", value))
    if isinstance(value, Mapping) and declared in (None, "trusted"):
        fields = cast("Mapping[str, Any]", value)
        return all(_trusted_field(name, inner, declared, function) for name, inner in fields.items())
    fits = _FITS.get(declared) if declared else None
    return fits is not None and fits(value)


def _trusted_field(name: str, value: Any, around: str | None, function: FunctionSpec) -> bool:
    # A name is text too: a mapping keyed by prose carries that prose.
    return _NAME.fullmatch(name) is not None and _trusted(value, function.returns.get(name, around), function)
