"""What a sync has to do for one tenant: what lies in its sources, compared with what was read before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from charter.errors import CharterError
from charter.knowledge.archive import Archive
from charter.knowledge.index import Source
from charter.knowledge.ledger import Known, Ledger
from charter.knowledge.sources.source import DocumentSource, Fault, Item, Listing

_READING = "3"
"""Changes when the same bytes would be read or cut otherwise; then every document is read again."""


@dataclass(frozen=True, slots=True)
class Task:
    """A document that is new, or was changed. ``stored`` is its digest in the index, empty where it must be read in any
    case; ``known``: it is in the index, ``noted``: and in the ledger.
    """

    origin: DocumentSource
    item: Item
    version: str
    stored: str
    known: bool
    noted: bool


@dataclass(slots=True)
class Plan:
    """``incomplete`` has the sources that could not be looked through, each with the reason."""

    tasks: list[Task] = field(default_factory=list[Task])
    gone: list[Source] = field(default_factory=list[Source])
    unchanged: int = 0
    incomplete: dict[str, str] = field(default_factory=dict[str, str])
    faults: list[tuple[DocumentSource, Fault, str]] = field(default_factory=list[tuple[DocumentSource, Fault, str]])


@dataclass(frozen=True, slots=True)
class Before:
    """What was known of a tenant when the sync began: the index's own digests, and the ledger's rows."""

    stored: Mapping[Source, str]
    known: Mapping[Source, Known]


async def planned(archive: Archive, ledger: Ledger, tenant: str, sources: Sequence[DocumentSource]) -> Plan:
    """Look through the sources, and compare. What is known to people comes first: their rights may have been taken away.

    Raises:
        NotFound: no such tenant.
    """
    plan, listings = Plan(), dict[str, Listing]()
    before = Before(await archive.stored(tenant), await ledger.documents(tenant))
    for source in sources:
        await ledger.begin(source)
        try:
            listings[source.name] = await source.look()
        except OSError as fault:
            plan.incomplete[source.name] = f"it cannot be looked through ({fault.strerror})"
        except CharterError as fault:
            plan.incomplete[source.name] = fault.detail
    taken = _held(before, plan)
    for source in sources:
        if listing := listings.get(source.name):
            bad = await ledger.faulty(tenant, source.name)
            _compare(plan, before, source, listing, taken, bad)
    present = taken | {each for listing in listings.values() for each in listing.unread}
    plan.gone = list(_gone(plan, before, listings.keys(), present))
    plan.tasks.sort(key=lambda task: not task.known)
    return plan


def version_of(source: DocumentSource, item: Item) -> str:
    """Return what changes whenever the document must be looked at again."""
    return digested(item.version, item.url, *said(source, item))


def said(source: DocumentSource, item: Item) -> tuple[str, ...]:
    """Return what source and settings say of a document beside its bytes."""
    readers = "-" if item.readers is None else " ".join(item.readers)
    return readers, " ".join(source.terms.readers), source.terms.integrity


def digested(*parts: str | bytes) -> str:
    whole = (part.encode() if isinstance(part, str) else part for part in (_READING, *parts))
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in whole)).hexdigest()


def _held(before: Before, plan: Plan) -> set[Source]:
    """Return the documents of the sources that cannot be seen now: they stay, and nobody else's take their places."""
    return {source for source, known in before.known.items() if known.origin in plan.incomplete}


def _compare(
    plan: Plan,
    before: Before,
    origin: DocumentSource,
    listing: Listing,
    taken: set[Source],
    bad: Mapping[str, tuple[str, str]],
) -> None:
    plan.faults += [(origin, fault, "") for fault in listing.faults]
    for source, item in listing.items.items():
        if source in taken:
            fault = Fault(origin.tenant, item.place, "another source has the same document")
            plan.faults.append((origin, fault, ""))
            continue
        taken.add(source)
        version, stored, known = version_of(origin, item), before.stored.get(source), before.known.get(source)
        reason, as_bad = bad.get(item.place, ("", ""))
        if as_bad == version and stored is None:
            plan.faults.append((origin, Fault(origin.tenant, item.place, reason), version))
        elif stored and known == Known(origin.name, version, stored):
            plan.unchanged += 1
        else:
            plan.tasks.append(Task(origin, item, version, stored or "", stored is not None, known is not None))


def _gone(plan: Plan, before: Before, whole: Iterable[str], present: set[Source]) -> Iterable[Source]:
    """Yield what is in no source any more. Of what came from elsewhere, that is known only when all could be seen."""
    seen = set(whole)
    for source in before.stored.keys() | before.known.keys():
        if source in present:
            continue
        known = before.known.get(source)
        if (known is not None and known.origin in seen) or not plan.incomplete:
            yield source
