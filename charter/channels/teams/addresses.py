"""Which addresses this host speaks to, whatever an activity says: a token must never go to a foreign one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from charter.settings.teams import Teams

_ODD = re.compile(r"[\s\\\x00-\x1f\x7f]")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Address:
    scheme: str
    host: str
    port: int
    path: str

    def beneath(self, base: "_Address") -> bool:
        """Tell whether this is ``base`` or lies under it; a longer name of a host or a folder is another one."""
        if (self.scheme, self.host, self.port) != (base.scheme, base.host, base.port):
            return False
        return f"{self.path}/".startswith(f"{base.path}/")


class Addresses:
    """The addresses that settings name, and on this machine others where activities without a token are believed."""

    def __init__(self, settings: Teams) -> None:
        self._named = tuple(_known(each) for each in settings.service_urls)
        self._token_service = _known(settings.token_service)
        self._anonymous = settings.anonymous

    def answers(self, service_url: str) -> bool:
        """Whether the host answers to this address of a connector."""
        found = _read(service_url)
        if found is None:
            return False
        return _any(found, self._named) or (self._anonymous and found.host in _LOOPBACK)

    def trusted(self, url: str) -> bool:
        """Whether the host's token may go there: settings name it."""
        found = _read(url)
        return found is not None and _any(found, (*self._named, self._token_service))


def _any(found: _Address, bases: Sequence[_Address | None]) -> bool:
    return any(base is not None and found.beneath(base) for base in bases)


def _known(url: str) -> _Address | None:
    """Return what settings name; an address that cannot be read opens nothing."""
    return _read(url)


def _read(url: str) -> _Address | None:
    """Return the parts of an address; ``None``: it is none, or one that two readers may read differently."""
    if _ODD.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    if any(segment in {".", ".."} for segment in unquote(parts.path).split("/")):
        return None
    return _Address(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"))
