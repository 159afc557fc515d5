"""By which names a laptop's host may be asked for."""

from collections.abc import Collection

from yarl import URL

from charter.channels.middleware import LOOPBACK
from charter.settings import Settings


def local_names(settings: Settings) -> Collection[str]:
    """Return this machine's own names and that of ``public_url``; none, which means any, outside the local profile."""
    if settings.profile != "local":
        return ()
    public = URL(settings.http.public_url).raw_host if settings.http.public_url else None
    return LOOPBACK | {public} if public else LOOPBACK
