"""Who may read a document: the words in front matter, and the same words as a principal has them."""

import re

from charter.context import Context

_PERSONAL = re.compile(r"user:[^\s:]+|group:\S+")
_READER = re.compile(r"tenant|(?:user|group|role|workload):\S+")


def readers_of(value: object) -> tuple[str, ...]:
    """Return the readers that a document declares, sorted.

    Each is ``tenant`` (everybody of the tenant), ``user:<id>``, ``group:<id>``, ``role:<name>`` or ``workload:<id>``.

    Raises:
        ValueError: there are none, or one has another form; then nobody may read the document.
    """
    if value is None or value == []:
        raise ValueError("it names no readers, so nobody may read it; write for example readers: [tenant]")
    if not isinstance(value, list):
        raise ValueError("readers must be a list, for example [tenant] or [role:hr]")
    entries: list[object] = value  # pyright: ignore[reportUnknownVariableType]
    for entry in entries:
        if not isinstance(entry, str) or not _READER.fullmatch(entry):
            raise ValueError(f"the reader {str(entry)[:80]!r} is not tenant, user:…, group:…, role:… or workload:…")
    return tuple(sorted({str(entry) for entry in entries}))


def narrowed(own: tuple[str, ...], permitted: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return who may read a document that names ``own`` readers, where its source permits ``permitted`` (``None``: it has
    no permissions).

    Whether two different words mean the same people, nobody knows here: then neither may. Where everybody of the
    organisation is permitted, people and groups may be named; a role may be a customer's, who is none of them.
    """
    if permitted is None:
        return own
    if "tenant" in own:
        return permitted
    if "tenant" in permitted:
        return tuple(word for word in own if _PERSONAL.fullmatch(word))
    return tuple(sorted({*own} & {*permitted}))


def acl_of(ctx: Context) -> list[str]:
    """Return every word of a document's readers that lets this principal in; the tenant itself is held by the store."""
    who = ctx.principal
    name = "workload" if who.type == "workload" else "user"
    groups = sorted(f"group:{group}" for group in who.groups)
    roles = sorted(f"role:{role}" for role in who.roles)
    # A customer is a guest of the tenant, not one of it.
    tenant = [] if who.external else ["tenant"]
    return [*tenant, f"{name}:{who.id}", *groups, *roles]
