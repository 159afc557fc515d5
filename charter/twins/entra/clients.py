"""Registered applications and their secrets."""

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from charter.twins.entra.people import People
from charter.twins.entra.refusals import Refused

HOST = "charter-host"
SIGN_IN = "charter-cli"
"""A public client: what people sign in with."""


@dataclass(frozen=True, slots=True)
class Client:
    """``audiences`` are what tokens for this application name; empty for one that is no API."""

    id: str
    secret: str | None
    audiences: frozenset[str] = frozenset()
    tenant: str | None = None


class Clients:
    """The host and the sign-in client in every tenant, each workload in its own."""

    def __init__(self, folder: Path, people: People, host_secret: str | None) -> None:
        host = Client(HOST, host_secret or secret_of(folder, HOST), frozenset({HOST, "api://charter"}))
        self._known = {HOST: host, SIGN_IN: Client(SIGN_IN, None)}
        for account in people.accounts.values():
            if account.workload:
                self._known[account.id] = Client(account.id, secret_of(folder, account.id), tenant=account.tenant)

    def authenticated(self, tenant: str, client_id: str, secret: str) -> Client:
        """Return the client.

        Raises:
            Refused: unknown in this tenant; a secret missing, wrong, or given by a client that has none.
        """
        client = self._known.get(client_id)
        if client is None or client.tenant not in (None, tenant):
            raise Refused(700016, client_id)
        if client.secret is None and secret:
            raise Refused(700025)
        if client.secret is not None and not secret:
            raise Refused(7000218)
        if client.secret is not None and not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise Refused(7000215, client_id)
        return client


def secret_of(folder: Path, client_id: str) -> str:
    """Return the client's secret, made on first use and kept in ``folder``, readable by its owner only."""
    path = folder / "secrets" / client_id
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("utf-8").strip()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text("utf-8")
