"""The parts of one running twin."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from charter.twins.ai_search.definitions import Definition
from charter.twins.ai_search.entering import Entrance
from charter.twins.ai_search.refusals import Refused, changed, no_alias, no_index, taken
from charter.twins.ai_search.shelf import Shelf


@dataclass(slots=True)
class Fault:
    """What befalls the next requests, after ``after`` more that pass."""

    status: int
    times: int
    after: int = 0
    retry_after: float | None = None

    def due(self) -> bool:
        """Count one request and tell whether it is befallen."""
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass(slots=True)
class Alias:
    """``before`` is what it stood for until ``since``: a change takes its time to come through."""

    index: str
    etag: str
    before: str = ""
    since: float = 0.0


@dataclass(slots=True)
class Service:
    """``ledger`` holds the last requests, newest last; ``faults`` what befalls them, by part, for tests."""

    entrance: Entrance
    shelves: dict[str, Shelf] = field(default_factory=dict[str, Shelf])
    etags: dict[str, str] = field(default_factory=dict[str, str])
    aliases: dict[str, Alias] = field(default_factory=dict[str, Alias])
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=20_000))
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    failing: dict[str, Fault] = field(default_factory=dict[str, Fault])
    document_lag: float = 0.0
    alias_lag: float = 0.0
    writes: int = 0
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def etag(self) -> str:
        self.writes += 1
        return f'"0x8DE{self.writes:013X}"'

    def shelf(self, name: str) -> Shelf:
        """Return the index of a name, or the one that an alias of this name stands for by now.

        Raises:
            Refused: there is none.
        """
        if (found := self.aliases.get(name)) is not None:
            name = found.before if found.before and time.monotonic() < found.since else found.index
        if (shelf := self.shelves.get(name)) is None:
            raise no_index(name)
        return shelf

    def put_index(self, definition: Definition, *, only_new: bool = False) -> bool:
        """Create or redefine an index; tell whether it is new.

        Raises:
            Refused: the name is taken, or the change cannot be made.
        """
        name = definition.name
        if name in self.aliases or (only_new and name in self.shelves):
            raise taken(name)
        self.etags[name] = self.etag()
        if (known := self.shelves.get(name)) is not None:
            known.redefine(definition)
            return False
        self.shelves[name] = Shelf(definition, lambda: self.document_lag)
        return True

    def drop_index(self, name: str) -> None:
        """Delete an index.

        Raises:
            Refused: there is none, or an alias stands for it.
        """
        if name not in self.shelves:
            raise no_index(name)
        if using := [alias for alias, each in self.aliases.items() if each.index == name]:
            raise Refused(
                400,
                "CannotDeleteIndexWithAlias",
                f"The index '{name}' cannot be deleted: delete or map elsewhere the aliases {', '.join(using)} first.",
            )
        del self.shelves[name], self.etags[name]

    def put_alias(self, name: str, index: str, *, only_new: bool = False) -> bool:
        """Create an alias or let it stand for another index; tell whether it is new.

        Raises:
            Refused: the name is taken, or there is no such index.
        """
        known = self.aliases.get(name)
        if name in self.shelves or (only_new and known is not None):
            raise taken(name)
        if index not in self.shelves:
            raise Refused(400, "InvalidAlias", f"The index '{index}' that the alias names does not exist.")
        since = time.monotonic() + self.alias_lag
        self.aliases[name] = Alias(index, self.etag(), known.index if known else "", since)
        return known is None

    def drop_alias(self, name: str) -> None:
        """Delete an alias.

        Raises:
            Refused: there is none.
        """
        if self.aliases.pop(name, None) is None:
            raise no_alias(name)

    def match(self, request: web.Request, name: str, present: str | None) -> None:
        """Hold what a request demands of the present state.

        Raises:
            Refused: it is another one.
        """
        wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
        if wanted is not None and (present is None or wanted not in ("*", present)):
            raise changed(name)
        if unwanted is not None and present is not None and unwanted in ("*", present):
            raise changed(name)

    def record(self, request: web.Request, status: int) -> None:
        self.ledger.append(
            {
                "at": time.time(),
                "method": request.method,
                "path": request.path,
                "version": request.query.get("api-version", ""),
                "caller": request.get(CALLER, ""),
                "asking": request.get(ASKED_FOR, ""),
                "asked": request.get(BODY, {}),
                "status": status,
            }
        )

    def thaw(self) -> None:
        """Let go of all requests that hang; later ones hang anew."""
        self.thawed.set()
        self.thawed = asyncio.Event()


SERVICE: web.AppKey[Service] = web.AppKey("search service", Service)
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)
ASKED_FOR: web.RequestKey[str] = web.RequestKey("asked for", str)
BODY: web.RequestKey[dict[str, Any]] = web.RequestKey("body", dict)
