"""The parts of one running channel."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from charter.twins.bot_connector.chats import Chats
from charter.twins.bot_connector.faults import Faults
from charter.twins.bot_connector.keys import Keys
from charter.twins.bot_connector.messages import Messages
from charter.twins.bot_connector.pacing import Pace
from charter.twins.bot_connector.people import People
from charter.twins.bot_connector.registration import Bot, Limits
from charter.twins.bot_connector.streams import Streams
from charter.twins.bot_connector.tokens import Tokens
from charter.twins.caller import Verify

REGION = "/amer"


@dataclass(slots=True)
class Consent:
    """Whom the connection may not act for (``refused``), and whose client may not even ask for it (``unasked``)."""

    refused: set[str] = field(default_factory=set[str])
    unasked: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class Channel:
    """``issuer`` is what the channel's tokens name as theirs, ``entra`` the base address of the Entra twin. ``open`` is how
    many clients a person has open, two where nothing is said. ``ledger`` holds the last calls and posts, newest last.
    """

    base_url: str
    entra: str
    issuer: str
    bot: Bot
    keys: Keys
    chats: Chats
    people: People
    tokens: Tokens
    verify: Verify
    messages: Messages
    limits: Limits = field(default_factory=Limits)
    streams: Streams = field(default_factory=Streams)
    pace: Pace = field(default_factory=Pace)
    faults: Faults = field(default_factory=Faults)
    consent: Consent = field(default_factory=Consent)
    open: dict[str, int] = field(default_factory=dict[str, int])
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=20_000))
    http: aiohttp.ClientSession = field(init=False)
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def service_url(self) -> str:
        return f"{self.base_url}{REGION}/"

    def record(self, kind: str, **told: Any) -> dict[str, Any]:
        """Write down what happened; the entry may be completed later."""
        entry = {"at": time.time(), "kind": kind, **told}
        self.ledger.append(entry)
        return entry

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for, as clients do."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


CHANNEL: web.AppKey[Channel] = web.AppKey("channel", Channel)
