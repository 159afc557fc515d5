"""Which services are answered: whatever an activity says, nothing of ours goes to an address that nobody allowed."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

# As the channel writes them; what is written otherwise might be read otherwise by whoever sends there.
_FORM = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Addresses:
    """The beginnings of addresses that are allowed, each up to the end of a part; ``loopback``: this machine's, too."""

    def __init__(self, beginnings: Iterable[str], *, loopback: bool = False) -> None:
        self._beginnings = tuple(f"{each.rstrip('/')}/" for each in beginnings if each.strip("/ "))
        self._loopback = loopback

    def allowed(self, url: str) -> bool:
        if not _well_formed(url):
            return False
        return f"{url.rstrip('/')}/".startswith(self._beginnings) or (self._loopback and on_this_machine(url))


def on_this_machine(url: str) -> bool:
    """Whether this is a loopback address."""
    return _well_formed(url) and urlsplit(url).hostname in _LOOPBACK


def _well_formed(url: str) -> bool:
    return bool(_FORM.fullmatch(url)) and not {".", ".."} & set(url.split("/"))
