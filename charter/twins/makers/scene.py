"""What a maker's twin answers next, in words that no maker owns; each twin renders them in its maker's wire."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model wants called, with the JSON text of its arguments."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One answer. ``text`` is said in these pieces, ``calls`` come after it, all in one answer.

    ``refused``: the maker's own way of saying that the model will not; ``filtered``: its content filter steps in, before
    the answer (``"prompt"``) or within it (``"answer"``). ``status`` from 400 on is a fault instead of an answer, with
    ``retry_after`` seconds where given. ``cut_after``: the line breaks after so many pieces, of text or of a call's
    arguments; it ``ends_neatly`` where a proxy closes it as if all had been said.
    ``fails_after`` so many pieces the maker itself says that it failed. ``finish``: why the answer ends, in the maker's own
    word, where it is not the usual one. ``garbage``: the body is none that a
    client could read. ``seconds`` pass before anything is said.
    """

    text: Sequence[str] = ()
    calls: Sequence[Call] = ()
    refused: str = ""
    filtered: str = ""
    status: int = 200
    message: str = "The twin was told to say so."
    retry_after: float | None = None
    cut_after: int | None = None
    ends_neatly: bool = False
    fails_after: int | None = None
    finish: str = ""
    garbage: bool = False
    seconds: float = 0
    input_tokens: int = 11
    output_tokens: int = 7
    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(slots=True)
class Stage:
    """The scenes that a twin plays, one for each request; the last one again and again. It notes what it heard."""

    scenes: deque[Scene] = field(default_factory=deque[Scene])
    heard: list[Heard] = field(default_factory=list[Heard])

    def plays(self, *scenes: Scene) -> None:
        """Play these from now on."""
        self.scenes = deque(scenes)

    async def next(self, heard: Heard) -> Scene:
        """Note a request and return its scene, when its seconds have passed."""
        self.heard.append(heard)
        scene = self.scenes.popleft() if len(self.scenes) > 1 else self.scenes[0] if self.scenes else Scene(("Hello.",))
        await asyncio.sleep(scene.seconds)
        return scene
