"""The parts of one running twin."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from charter.twins.entra.client_assertions import FederatedCredential
from charter.twins.entra.clients import HOST, Client, Clients
from charter.twins.entra.key_ring import KeyRing
from charter.twins.entra.people import Account, People
from charter.twins.entra.refresh_tokens import RefreshTokens
from charter.twins.entra.sign_ins import SignIns


@dataclass(slots=True)
class Lifetimes:
    """Seconds that issued tokens live. Not above zero: they are born expired."""

    access: float = 3_600
    refresh: float = 90 * 86_400
    code: float = 60


@dataclass(slots=True)
class Twin:
    """``credentials`` are the federated ones by application. ``ledger`` holds the last requests, newest last; ``faults``
    says which part fails or hangs, for tests.
    """

    folder: Path
    base_url: str
    people: People
    clients: Clients
    keys: KeyRing
    refresh_tokens: RefreshTokens
    lifetimes: Lifetimes
    credentials: dict[str, Sequence[FederatedCredential]] = field(
        default_factory=dict[str, Sequence[FederatedCredential]]
    )
    sign_ins: SignIns = field(default_factory=SignIns)
    ledger: deque[dict[str, Any]] = field(default_factory=lambda: deque[dict[str, Any]](maxlen=1_000))
    faults: dict[str, str] = field(default_factory=dict[str, str])
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def thaw(self) -> None:
        """Let go of all requests that hang; later ones hang anew."""
        self.thawed.set()
        self.thawed = asyncio.Event()

    def issuer(self, tenant: str) -> str:
        return f"{self.base_url}/{tenant}/v2.0"

    def account_of(self, client: Client, tenant: str) -> Account | None:
        """Return the service principal of a confidential client in a tenant."""
        return self.application(tenant, client.id)

    def application(self, tenant: str, identity: str) -> Account | None:
        """Return the service principal of that object or application id (here the same) in a tenant."""
        if identity == HOST:
            return Account(HOST, tenant, "Charter host", "host", workload=True, roles=("workload",))
        account = self.people.find(tenant, identity)
        return account if account is not None and account.workload else None

    def record(self, kind: str, **detail: Any) -> None:
        self.ledger.append({"at": time.time(), "kind": kind, **detail})


TWIN: web.AppKey[Twin] = web.AppKey("twin", Twin)
