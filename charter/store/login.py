"""How a role of the database proves itself where its password is not in the address."""

from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit


class Login(Protocol):
    """A password that changes: what counts is the one of the moment when a connection is made."""

    async def __call__(self) -> str:
        """Return the password as it is now.

        Raises:
            Unavailable: it cannot be had.
        """
        ...

    def latest(self) -> str:
        """Return it at once, for who cannot wait; it still counts, once it was had for the first time."""
        ...


def with_password(url: str, password: str) -> str:
    """Return the address with this password, for a connection that is made at once."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))
