"""The host's token for PostgreSQL with Entra authentication, which stands where a password would."""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from charter.errors import CharterError, Unavailable
from charter.identity.expiring import Clock

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

SCOPE = "https://ossrdbms-aad.database.windows.net/.default"
_MARGIN_SECONDS = 300
_RETRY_SECONDS = 5
_log = structlog.get_logger(__name__)


class DatabaseToken:
    """A token that is renewed well before it expires: the server looks at it when a connection is made, not later."""

    def __init__(self, credential: "AsyncTokenCredential", *, clock: Clock = time.time) -> None:
        self._credential = credential
        self._clock = clock
        self._token: AccessToken | None = None
        self._asking = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Get the first token and keep it renewed.

        Raises:
            Unavailable: the identity provider gives none.
        """
        await self()
        self._renewing = asyncio.create_task(self._renew())

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewing

    async def __call__(self) -> str:
        """Return a token that still counts for some minutes, or as long as there is a better one to be had.

        Raises:
            Unavailable: the identity provider gives none, and the last one is over.
        """
        async with self._asking:
            if self._left() < _MARGIN_SECONDS:
                await self._ask()
        return self.latest()

    def latest(self) -> str:
        if self._token is None or self._left() <= 0:
            raise Unavailable("The host has no token for the database.")
        return self._token.token

    async def _ask(self) -> None:
        from azure.core.exceptions import AzureError

        try:
            self._token = await self._credential.get_token(SCOPE)
        except (AzureError, CharterError, OSError, ValueError) as fault:
            _log.warning("the token for the database cannot be renewed", fault=type(fault).__name__)
            if self._left() <= 0:
                raise Unavailable("The identity provider gives the host no token for the database.") from fault

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(max(_RETRY_SECONDS, self._left() - _MARGIN_SECONDS))
            with suppress(Unavailable):
                await self()

    def _left(self) -> float:
        return self._token.expires_on - self._clock() if self._token is not None else 0.0
