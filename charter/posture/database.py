"""What production refuses of a database's address: each part that could lead elsewhere, hold a secret or be read openly."""

from urllib.parse import parse_qsl, unquote, urlsplit

from charter.posture import address

_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_HARMLESS = frozenset({"sslmode", "sslrootcert", "application_name", "target_session_attrs"})
"""All that may stand behind the ``?``: anything else could name another host, another role or a password."""


def fault(url: str, *, entra: bool, vaulted: bool = False) -> tuple[str, str] | None:
    """Return what is wrong with the address and what to do. ``vaulted``: it is kept in Key Vault, where it may hold its
    password.
    """
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "It is no address.", "Write it as postgresql://ROLE@HOST/DATABASE?sslmode=require."
    if found := _elsewhere(parts.netloc) or _behind(given):
        return found
    if vaulted:
        return None
    if parts.password:
        return "It holds a password.", "Set CHARTER_DATABASE__ENTRA=true and leave the password out."
    if not entra:
        return "The host has no way to prove who it is.", "Set CHARTER_DATABASE__ENTRA=true."
    return None


def role(url: str) -> str:
    """Return the role that connects by this address, empty where none is named."""
    try:
        return unquote(urlsplit(url).username or "")
    except ValueError:
        return ""


def _elsewhere(netloc: str) -> tuple[str, str] | None:
    if netloc.count("@") > 1:
        return "It can be read in two ways.", "Write @ only once, before the host."
    hosts = unquote(netloc.rpartition("@")[2]).split(",")
    if any(host.startswith("/") or address.local(f"//{host}") for host in hosts):
        return "The database is of this machine.", "Name a PostgreSQL server."
    return None


def _behind(given: list[tuple[str, str]]) -> tuple[str, str] | None:
    names = [name for name, _ in given]
    if odd := sorted(set(names) - _HARMLESS):
        allowed = ", ".join(sorted(_HARMLESS))
        return f"Behind its ? stands {odd[0][:40]}, which may lead elsewhere.", f"Leave there only {allowed}."
    if twice := [name for name in names if names.count(name) > 1]:
        return f"It says {twice[0]} twice.", "Say it once."
    if dict(given).get("sslmode") not in _ENCRYPTED:
        return "The connection may be unencrypted.", "Add ?sslmode=require."
    return None
