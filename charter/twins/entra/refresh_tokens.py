"""Refresh tokens: opaque, kept as digests, rotated with each use, and watched for reuse."""

import hashlib
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from charter.twins.entra.refusals import Refused

_SCHEMA = """
create table if not exists refresh_tokens (
    digest text primary key, family text not null, parent text, client text not null, tenant text not null,
    account text not null, expires real not null, used integer not null default 0
);
create index if not exists refresh_tokens_family on refresh_tokens (family);
create index if not exists refresh_tokens_parent on refresh_tokens (parent);
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a refresh token stands for."""

    digest: str
    family: str
    account: str


class RefreshTokens:
    """The families of tokens, each begun by a sign-in or an exchange.

    A spent token may come again while none of its successors was used (its client may have died before keeping the
    answer); after that it is reuse, and the whole family ends (RFC 9700, 4.14.2).
    """

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "refresh_tokens.sqlite", isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)
        self._db.execute("delete from refresh_tokens where expires < ?", (time.time(),))

    def issue(self, client: str, tenant: str, account: str, lifetime: float, *, after: Grant | None = None) -> str:
        """Return a new token, the successor of ``after`` or the first of its family."""
        token = f"1.{secrets.token_urlsafe(48)}"
        family, parent = (after.family, after.digest) if after else (str(uuid4()), None)
        self._db.execute(
            "insert into refresh_tokens (digest, family, parent, client, tenant, account, expires) values (?,?,?,?,?,?,?)",
            (_digest(token), family, parent, client, tenant, account, time.time() + lifetime),
        )
        return token

    def check(self, token: str, client: str, tenant: str) -> Grant:
        """Return what the token stands for, if this client may redeem it now.

        Raises:
            Refused: unknown, another client's or tenant's, expired, or used again after its successor.
        """
        digest = _digest(token)
        row = self._db.execute(
            "select family, client, tenant, account, expires from refresh_tokens where digest = ?", (digest,)
        ).fetchone()
        if row is None or (row[1], row[2]) != (client, tenant):
            raise Refused(70000)
        if row[4] < time.time():
            raise Refused(700082)
        if self._db.execute("select 1 from refresh_tokens where parent = ? and used", (digest,)).fetchone():
            self._db.execute("delete from refresh_tokens where family = ?", (row[0],))
            raise Refused(50173)
        return Grant(digest, row[0], row[3])

    def spend(self, grant: Grant) -> None:
        """Mark the token used; what came before it in its family can no longer be a client's newest."""
        self._db.execute("update refresh_tokens set used = 1 where digest = ?", (grant.digest,))

    def revoke(self, account: str) -> None:
        """End every session of the account."""
        self._db.execute("delete from refresh_tokens where account = ?", (account,))

    def end(self, token: str) -> None:
        """End the family of a token."""
        family = "select family from refresh_tokens where digest = ?"
        self._db.execute(f"delete from refresh_tokens where family = ({family})", (_digest(token),))  # noqa: S608

    def close(self) -> None:
        self._db.close()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
