"""The documents of one index: what was written, and what is searched, a moment later (REST reference, "Documents - Index")."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from charter.twins.ai_search import fields
from charter.twins.ai_search.definitions import Definition
from charter.twins.ai_search.postings import Postings
from charter.twins.ai_search.refusals import bad

Document = dict[str, Any]
_ACTIONS = frozenset({"upload", "merge", "mergeOrUpload", "delete"})
_MOST = 1_000


class Shelf:
    """``lag`` returns how many seconds a write waits until it can be found."""

    def __init__(self, definition: Definition, lag: Callable[[], float]) -> None:
        self.definition = definition
        self._lag = lag
        self._latest: dict[str, Document] = {}
        self._waiting: deque[tuple[float, str, Document | None]] = deque()
        self._found: dict[str, Document] = {}
        self._postings = Postings(definition.fields)
        self._stacked: dict[str, tuple[dict[str, int], Any]] = {}
        self._passing: dict[str, dict[str, Document]] = {}

    def redefine(self, definition: Definition) -> None:
        """Take further fields."""
        self._passing.clear()
        self.definition = definition
        self._postings = Postings(definition.fields)
        for key, document in self._found.items():
            self._postings.add(key, document)

    @property
    def documents(self) -> Mapping[str, Document]:
        """What can be found by now, by key, in the order of writing."""
        self._come()
        return self._found

    @property
    def postings(self) -> Postings:
        self._come()
        return self._postings

    def vectors(self, field: str) -> tuple[Mapping[str, int], Any]:
        """Return the vectors of a field as a matrix, and which row is whose; kept until something changes."""
        # Late: the twins start faster without it.
        import numpy

        self._come()
        if field not in self._stacked:
            having = [key for key, document in self._found.items() if document.get(field)]
            rows = numpy.array([self._found[key][field] for key in having], dtype=numpy.float32)
            self._stacked[field] = ({key: at for at, key in enumerate(having)}, rows)
        return self._stacked[field]

    def passing(self, text: str, test: Callable[[Document], bool]) -> Mapping[str, Document]:
        """Return the documents that the filter of this text lets pass; kept until something changes."""
        self._come()
        if text not in self._passing:
            self._passing[text] = {key: each for key, each in self._found.items() if test(each)}
        return self._passing[text]

    def take(self, body: Mapping[str, Any], fault_of: Callable[[str], int]) -> list[dict[str, Any]]:
        """Do the actions of a batch, each for itself; ``fault_of`` is the status that befalls a key, for tests.

        Raises:
            Refused: the batch is malformed; then nothing is done.
        """
        if unknown := sorted(body.keys() - {"value"}):
            raise bad(f"The property '{unknown[0]}' does not exist on the type of a batch.")
        given: Any = body.get("value")
        if not isinstance(given, list) or not given:
            raise bad("No indexing actions found in the request.")
        actions = cast("list[Any]", given)
        if len(actions) > _MOST:
            raise bad(f"The request contains {len(actions)} actions; the most is {_MOST}.")
        read = [self._read(action) for action in actions]
        return [self._do(action, document, fault_of) for action, document in read]

    def _read(self, given: Any) -> tuple[str, Document]:
        if not isinstance(given, dict):
            raise bad("An action must be a JSON object.")
        members = cast("dict[str, Any]", given)
        action = members.get("@search.action", "upload")
        if action not in _ACTIONS:
            raise bad(f"The action '{action}' is unknown.")
        document = {name: value for name, value in members.items() if name != "@search.action"}
        for name, value in document.items():
            if (known := self.definition.fields.get(name)) is None:
                raise bad(f"The property '{name}' does not exist on type 'search.documentFields'.")
            known.check(value)
        if not document.get(self.definition.key):
            raise bad("The document has no key.")
        return action, document

    def _do(self, action: str, document: Document, fault_of: Callable[[str], int]) -> dict[str, Any]:
        key = str(document[self.definition.key])
        if not fields.key(key):
            sentence = (
                f"Invalid document key: '{key}'. Keys can only contain letters, digits, underscore, dash or equal sign."
            )
            return _result(key, 400, sentence)
        if status := fault_of(key):
            return _result(key, status, "The service could not index this document now.")
        known = self._latest.get(key)
        if action == "merge" and known is None:
            return _result(key, 404, "Document not found.")
        long = [name for name, value in document.items() if self.definition.fields[name].too_long(value)]
        if long:
            return _result(key, 400, f"Field '{long[0]}' contains a term that is too large to process.")
        if action == "delete":
            self._latest.pop(key, None)
            self._waiting.append((time.monotonic() + self._lag(), key, None))
            return _result(key, 200)
        whole = self._empty() | (known or {} if action != "upload" else {}) | document
        self._latest[key] = whole
        self._waiting.append((time.monotonic() + self._lag(), key, whole))
        return _result(key, 200 if known else 201)

    def _empty(self) -> Document:
        return {each.name: [] if each.many and not each.vector else None for each in self.definition.fields.values()}

    def _come(self) -> None:
        """Let what has waited long enough be found; in the order of writing, whatever the lag is now."""
        now = time.monotonic()
        if self._waiting and self._waiting[0][0] <= now:
            self._stacked.clear()
            self._passing.clear()
        while self._waiting and self._waiting[0][0] <= now:
            _, key, document = self._waiting.popleft()
            if self._found.pop(key, None) is not None:
                self._postings.drop(key)
            if document is not None:
                self._found[key] = document
                self._postings.add(key, document)


def _result(key: str, status: int, message: str | None = None) -> dict[str, Any]:
    return {"key": key, "status": status < 300, "errorMessage": message, "statusCode": status}


def shown(definition: Definition, document: Mapping[str, Any], select: Sequence[str] | None) -> Document:
    """Return a document as it is told: what is retrievable, or of that what was selected.

    Raises:
        Refused: no such field, or one that is never told.
    """
    for name in select or ():
        if name not in definition.fields:
            raise bad(f"Could not find a property named '{name}' on type 'search.document'. (Parameter '$select')")
        if not definition.fields[name].retrievable:
            raise bad(f"The field '{name}' is not retrievable. (Parameter '$select')")
    names = select or [each.name for each in definition.fields.values() if each.retrievable]
    return {name: document.get(name) for name in names}
