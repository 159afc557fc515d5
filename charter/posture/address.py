"""Whether an address is one that production may use: encrypted, and not of this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def local(url: str) -> bool:
    """Whether the address is of the machine itself, or no address at all."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if not host or host == "localhost" or host.endswith((".localhost", ".invalid")):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def fault(url: str) -> str:
    """Return what is wrong with an address in production, empty where nothing is."""
    if not url:
        return "is not set"
    if urlsplit(url).scheme != "https":
        return f"is not encrypted ({_shown(url)})"
    if local(url):
        return f"is of this machine, as development's are ({_shown(url)})"
    return ""


def _shown(url: str) -> str:
    """Return the address without what may be secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or "no host"
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
