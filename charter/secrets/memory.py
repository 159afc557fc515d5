"""A store within the process: for hosts without a vault, and for tests of what stands on one."""

import secrets
import time
from dataclasses import dataclass, field

from charter.identity.expiring import Clock
from charter.secrets.store import Secret, disabled, missing, refuse_out_of_time


@dataclass(slots=True)
class _Version:
    secret: Secret
    enabled: bool = True
    not_before: float | None = None
    expires: float | None = None


@dataclass(slots=True)
class MemoryStore:
    """``SecretStore`` that forgets everything with the process."""

    clock: Clock = time.time
    reads: int = 0
    _versions: dict[str, list[_Version]] = field(default_factory=dict[str, list[_Version]])

    def set(
        self,
        name: str,
        value: str,
        *,
        enabled: bool = True,
        not_before: float | None = None,
        expires: float | None = None,
    ) -> Secret:
        """Keep a new version, which is the newest from now on; times in seconds since 1970."""
        secret = Secret(name, secrets.token_hex(16), value)
        self._versions.setdefault(name, []).append(_Version(secret, enabled, not_before, expires))
        return secret

    def drop(self, name: str) -> None:
        """Forget all versions."""
        self._versions.pop(name, None)

    async def read(self, name: str, version: str | None = None) -> Secret:
        self.reads += 1
        kept = self._versions.get(name, [])
        found = next((each for each in reversed(kept) if version in (None, each.secret.version)), None)
        if found is None:
            raise missing(name)
        if not found.enabled:
            raise disabled(name)
        refuse_out_of_time(name, found.not_before, found.expires, self.clock())
        return found.secret

    async def close(self) -> None:
        self._versions.clear()
