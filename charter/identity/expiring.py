"""A bounded memory of things that stop being true: the least used leaves first, the expired is never given out."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Clock = Callable[[], float]


class Expiring(Generic[K, V]):
    """At most ``limit`` values, each until its moment (seconds since 1970).

    The wall clock, because a laptop's monotonic clock stands still while it sleeps and tokens do not.
    """

    def __init__(self, limit: int, clock: Clock = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, until: float) -> None:
        if until <= self._clock():
            return
        self._entries[key] = (value, until)
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget every entry whose key is unwanted. Walks over all entries: for rare events only."""
        for key in [key for key in self._entries if unwanted(key)]:
            del self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)
