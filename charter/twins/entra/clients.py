"""Registered applications and their secrets."""

import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from charter.twins.entra.people import Account
from charter.twins.entra.refusals import Refused

HOST = "charter-host"
SIGN_IN = "charter-cli"
"""A public client: what people sign in with."""


@dataclass(frozen=True, slots=True)
class Client:
    """``audiences`` are what tokens for this application name; empty for one that is no API.

    ``proof`` is how it proved to be itself: "1" by its secret, "2" by an assertion, "0" not at all.
    """

    id: str
    secret: str | None
    audiences: frozenset[str] = frozenset()
    tenant: str | None = None
    proof: str = "0"


class Clients:
    """The host and the sign-in client in every tenant, each workload in its own."""

    def __init__(self, folder: Path, accounts: Iterable[Account], host_secret: str | None) -> None:
        self._folder = folder
        host = Client(HOST, host_secret or secret_of(folder, HOST), frozenset({HOST, "api://charter"}))
        self._known = {HOST: host, SIGN_IN: Client(SIGN_IN, None)}
        self.register(accounts)

    def register(self, accounts: Iterable[Account]) -> None:
        """Let the workloads among the accounts come with secrets of their own."""
        for account in accounts:
            if account.workload and not account.managed:
                secret = secret_of(self._folder, account.id)
                self._known[account.id] = Client(account.id, secret, tenant=account.tenant)

    def asserted(self, tenant: str, client_id: str) -> Client:
        """Return a confidential client, whose assertion is still to be looked at.

        Raises:
            Refused: unknown in this tenant, or public.
        """
        client = self._found(tenant, client_id)
        if client.secret is None:
            raise Refused(700025)
        return replace(client, proof="2")

    def authenticated(self, tenant: str, client_id: str, secret: str) -> Client:
        """Return the client.

        Raises:
            Refused: unknown in this tenant; a secret missing, wrong, or given by a client that has none.
        """
        client = self._found(tenant, client_id)
        if client.secret is None and secret:
            raise Refused(700025)
        if client.secret is not None and not secret:
            raise Refused(7000218)
        if client.secret is not None and not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise Refused(7000215, client_id)
        return client if client.secret is None else replace(client, proof="1")

    def _found(self, tenant: str, client_id: str) -> Client:
        client = self._known.get(client_id)
        if client is None or client.tenant not in (None, tenant):
            raise Refused(700016, client_id)
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
