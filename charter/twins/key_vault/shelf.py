"""What lies in the vault: versions of secrets, in one SQLite file that its owner alone can read."""

import os
import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from charter.twins.key_vault.refusals import not_deleted, not_found, recoverable

_SCHEMA = """
create table if not exists versions (
    number integer primary key autoincrement, name text not null, version text not null unique, value text not null,
    enabled integer not null, nbf integer, exp integer, created integer not null, updated integer not null,
    content_type text, tags text
);
create index if not exists versions_name on versions (name, number);
create table if not exists deleted (name text primary key, moment integer not null);
"""
_COLUMNS = "name, version, value, enabled, nbf, exp, created, updated, content_type, tags"


@dataclass(frozen=True, slots=True)
class Version:
    """One version; times in whole seconds since 1970."""

    name: str
    version: str
    value: str = field(repr=False)
    enabled: bool
    nbf: int | None
    exp: int | None
    created: int
    updated: int
    content_type: str | None
    tags: dict[str, str] | None


class Shelf:
    """Names are one whatever their case, as in the service."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "secrets.sqlite"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        path.chmod(0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def add(self, name: str, value: str, facts: dict[str, Any]) -> Version:
        """Keep a new version, which is the newest from now on.

        Raises:
            Refused: the name belongs to a deleted secret that can still be recovered.
        """
        if self.deleted_at(name) is not None:
            raise recoverable(name)
        now = int(time.time())
        tags = orjson.dumps(facts["tags"]).decode() if facts.get("tags") else None
        row = (
            name, secrets.token_hex(16), value, int(facts.get("enabled", True)), facts.get("nbf"), facts.get("exp"),
            now, now, facts.get("contentType"), tags,
        )  # fmt: skip
        self._db.execute(f"insert into versions ({_COLUMNS}) values (?,?,?,?,?,?,?,?,?,?)", row)  # noqa: S608
        return self.find(name, "")

    def find(self, name: str, version: str) -> Version:
        """Return that version, the newest where none is named.

        Raises:
            Refused: there is none, or the secret is deleted.
        """
        found = [] if self.deleted_at(name) is not None else self._rows(name)
        chosen = next((each for each in reversed(found) if version in ("", each.version)), None)
        if chosen is None:
            raise not_found(f"{name}/{version}" if version else name)
        return chosen

    def change(self, name: str, version: str, facts: dict[str, Any]) -> Version:
        """Change what is told of a version, never its value. Raises as ``find``."""
        chosen = self.find(name, version)
        columns = {"enabled": "enabled", "nbf": "nbf", "exp": "exp", "contentType": "content_type", "tags": "tags"}
        for fact, column in columns.items():
            if fact in facts:
                value = orjson.dumps(facts[fact]).decode() if fact == "tags" else facts[fact]
                self._db.execute(f"update versions set {column} = ? where version = ?", (value, chosen.version))  # noqa: S608
        self._db.execute("update versions set updated = ? where version = ?", (int(time.time()), chosen.version))
        return self.find(name, chosen.version)

    def versions(self, name: str) -> Sequence[Version]:
        """Return all versions of one secret. Raises as ``find``."""
        self.find(name, "")
        return self._rows(name)

    def newest(self, *, deleted: bool) -> Sequence[Version]:
        """Return the newest version of each secret, by name."""
        gone = {row[0] for row in self._db.execute("select lower(name) from deleted")}
        newest = {each.name.lower(): each for each in self._rows(None)}
        return [each for name, each in sorted(newest.items()) if (name in gone) is deleted]

    def delete(self, name: str) -> Version:
        """Put a secret where it can be recovered from. Raises as ``find``."""
        chosen = self.find(name, "")
        self._db.execute("insert into deleted (name, moment) values (?, ?)", (name.lower(), int(time.time())))
        return chosen

    def deleted(self, name: str) -> Version:
        """Return the newest version of a deleted secret.

        Raises:
            Refused: it is not deleted.
        """
        if self.deleted_at(name) is None:
            raise not_deleted(name)
        return self._rows(name)[-1]

    def deleted_at(self, name: str) -> int | None:
        row = self._db.execute("select moment from deleted where name = ?", (name.lower(),)).fetchone()
        return None if row is None else int(row[0])

    def recover(self, name: str) -> Version:
        """Take a deleted secret back. Raises as ``deleted``."""
        chosen = self.deleted(name)
        self._db.execute("delete from deleted where name = ?", (name.lower(),))
        return chosen

    def purge(self, name: str) -> None:
        """Forget a deleted secret for ever. Raises as ``deleted``."""
        self.deleted(name)
        self._db.execute("delete from versions where lower(name) = ?", (name.lower(),))
        self._db.execute("delete from deleted where name = ?", (name.lower(),))

    def _rows(self, name: str | None) -> list[Version]:
        asked = "" if name is None else " where lower(name) = ?"
        rows = self._db.execute(
            f"select {_COLUMNS} from versions{asked} order by number",  # noqa: S608
            () if name is None else (name.lower(),),
        )
        return [_version(row) for row in rows]


def _version(row: Sequence[Any]) -> Version:
    name, version, value, enabled, nbf, exp, created, updated, content_type, tags = row
    told = orjson.loads(tags) if tags else None
    return Version(name, version, value, bool(enabled), nbf, exp, created, updated, content_type, told)
