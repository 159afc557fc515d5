"""A YAML file as plain values that remember their lines, so that a mistake can be shown where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml

from charter.catalog.mistake import Mistake

Pointer: TypeAlias = tuple[str | int, ...]

_DEPTH = 80
_NODES = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """``value`` holds mappings (keys are strings), lists and scalars; a date stays the text that was written."""

    path: Path
    value: Any
    lines: Mapping[Pointer, int]

    @property
    def mapping(self) -> Mapping[str, Any]:
        """The file's mapping; empty when it holds something else."""
        return cast("dict[str, Any]", self.value) if isinstance(self.value, dict) else {}  # pyright: ignore[reportUnknownMemberType]

    def line(self, pointer: Sequence[str | int]) -> int:
        """Return the line of that place, or of the nearest place around it."""
        place = tuple(pointer)
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def mistake(self, pointer: Sequence[str | int], message: str, remedy: str) -> Mistake:
        return Mistake(self.path, self.line(pointer), message, remedy)


# The one in C is ten times faster, where the library was built with it.
_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Fastest):
    """YAML 1.2's words: only ``true`` and ``false`` are booleans, and dates are text."""


_CoreLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
        or (tag.endswith("bool") and first in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Fault(Exception):
    def __init__(self, line: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.told = (line, message, remedy)


def read(path: Path, mistakes: list[Mistake]) -> Document | None:
    """Read one YAML (or JSON) file; on a mistake add it to ``mistakes`` and return ``None``."""
    try:
        return parse(path, path.read_text("utf-8"))
    except OSError as fault:
        mistakes.append(Mistake(path, 1, f"The file cannot be read: {fault.strerror}.", "Put a readable file there."))
    except UnicodeDecodeError:
        mistakes.append(Mistake(path, 1, "The file is not UTF-8.", "Save it as UTF-8."))
    except yaml.YAMLError as fault:
        mark: Any = getattr(fault, "problem_mark", None)
        what = getattr(fault, "problem", None) or "it cannot be parsed"
        mistakes.append(
            Mistake(
                path, mark.line + 1 if mark else 1, f"This is not YAML: {what}.", "Mend the indentation or quotes here."
            )
        )
    except _Fault as fault:
        mistakes.append(Mistake(path, *fault.told))
    return None


@lru_cache(256)
def parse(path: Path, text: str) -> Document:
    """Read YAML text that stands in the file ``path``; the same text in the same place is read once, and never written to.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    loader = _CoreLoader(text)
    try:
        node: Any = loader.get_single_node()
        walk = _Walk(loader)
        return Document(path, walk.value(node, ()) if node is not None else None, walk.lines)
    finally:
        loader.dispose()


class _Walk:
    def __init__(self, loader: _CoreLoader) -> None:
        self._loader = loader
        self._seen = 0
        self.lines: dict[Pointer, int] = {}

    def value(self, node: Any, place: Pointer) -> Any:
        self._seen += 1
        line = node.start_mark.line + 1
        if len(place) > _DEPTH or self._seen > _NODES:
            raise _Fault(line, "The file refers to itself or is far too large.", "Write it out without that alias.")
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, n)) for n, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Pointer) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in found:
                raise _Fault(line, f"The key `{name}` stands here a second time.", "Keep one of the two.")
            self.lines[(*place, name)] = line
            found[name] = self.value(value, (*place, name))
        return found

    def _scalar(self, node: Any) -> Any:
        construct: Any = getattr(self._loader, "construct_object")  # noqa: B009 - the library has no types for it
        return construct(node, deep=True)
