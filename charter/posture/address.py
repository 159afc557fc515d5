"""Whether an address is one that production may use: encrypted, of another machine, and without a secret in it."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_OWN_NAMES = frozenset({"localhost", "localhost6", "ip6-localhost", "ip6-loopback"})
_OWN_ENDINGS = (".localhost", ".localdomain", ".localdomain6", ".invalid")


def local(url: str) -> bool:
    """Whether the address is of the machine itself, or no address at all."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return True
    if not host or host in _OWN_NAMES or host.endswith(_OWN_ENDINGS):
        return True
    found = _number(host)
    return found is not None and (found.is_loopback or found.is_unspecified)


def beside(url: str) -> bool:
    """Whether it is the address of a server on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    named = bool(parts.hostname) and not (parts.hostname or "").rstrip(".").endswith(".invalid")
    return parts.scheme in ("http", "https") and "@" not in parts.netloc and named and local(url)


def _number(host: str) -> IPv4Address | IPv6Address | None:
    """Return the number that a connection to this host would go to, in whichever form it is written."""
    try:
        found = ip_address(host)
    except ValueError:
        pass
    else:
        return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    try:
        return IPv4Address(socket.inet_aton(host))  # 127.1, 2130706433 and 0x7f000001, as resolvers read them
    except (OSError, UnicodeError):
        return None


def fault(url: str) -> str:
    """Return what is wrong with an address in production, empty where nothing is."""
    if not url:
        return "is not set"
    try:
        parts, _ = urlsplit(url), urlsplit(url).port
    except ValueError:
        return "is no address"
    if "@" in parts.netloc:
        return f"holds a name or a password ({shown(url)})"
    if parts.scheme != "https":
        return f"is not encrypted ({shown(url)})"
    if local(url):
        return f"is of this machine, as development's are ({shown(url)})"
    return ""


def shown(url: str) -> str:
    """Return the address without what may be secret in it."""
    parts = urlsplit(url)
    host = parts.hostname or "no host"
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")
