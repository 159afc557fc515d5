"""Who may read a file, from the permissions that SharePoint has for it. Pure.

Only what surely names somebody counts: a person or a group of the directory, or everybody of the organisation. All else
(links for anybody, groups of a site, unknown forms) grants nothing here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

_READING = frozenset({"read", "write", "owner", "sp.full control"})
_ID = re.compile(r"[\w.-]{1,128}")


def readers(permissions: Iterable[Mapping[str, Any]], now: datetime) -> tuple[str, ...]:
    """Return the readers that these permissions name, sorted; none is nobody."""
    return tuple(sorted({word for each in permissions if _counts(each, now) for word in _words(each)}))


def _counts(permission: Mapping[str, Any], now: datetime) -> bool:
    roles: Any = permission.get("roles")
    if not isinstance(roles, list) or not _READING & {str(role) for role in cast("list[Any]", roles)}:
        return False
    until: Any = permission.get("expirationDateTime")
    return not until or _lasts(str(until), now)


def _lasts(until: str, now: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return False
    # The first year is how Graph says that it never ends.
    return moment.year == 1 or moment.replace(tzinfo=moment.tzinfo or UTC) > now


def _words(permission: Mapping[str, Any]) -> Iterator[str]:
    link: Any = permission.get("link")
    if link is None:
        yield from _named(permission.get("grantedToV2"))
    elif isinstance(link, dict):
        scope: Any = cast("dict[str, Any]", link).get("scope")
        if scope == "organization" and not permission.get("hasPassword"):
            yield "tenant"
        elif scope == "users":
            several: Any = permission.get("grantedToIdentitiesV2")
            for each in cast("list[Any]", several) if isinstance(several, list) else []:
                yield from _named(each)


def _named(identities: object) -> Iterator[str]:
    """Yield who an identity set names. What SharePoint alone knows (``siteUser``, ``siteGroup``) has numbers for ids."""
    if not isinstance(identities, dict):
        return
    for kind in ("user", "group"):
        named: Any = cast("dict[str, Any]", identities).get(kind)
        identity: Any = cast("dict[str, Any]", named).get("id") if isinstance(named, dict) else None
        if isinstance(identity, str) and _ID.fullmatch(identity):
            yield f"{kind}:{identity}"
