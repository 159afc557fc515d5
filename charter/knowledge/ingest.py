"""Bring the index to what lies in the sources: read what is new or changed, forget what is gone, report what is bad."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from charter.errors import CharterError, Conflict, NotFound
from charter.knowledge.acl import narrowed
from charter.knowledge.archive import Archive
from charter.knowledge.fields import with_settings
from charter.knowledge.index import Document
from charter.knowledge.ledger import Known, Ledger
from charter.knowledge.pace import Heard, Pace
from charter.knowledge.plan import Plan, Task, digested, planned, said
from charter.knowledge.reading import File, document_of
from charter.knowledge.sources.source import DocumentSource, Fault, Fetched, Item

_log = structlog.get_logger(__name__)
_AHEAD = 4
"""How many documents are fetched while one is embedded."""


@dataclass(slots=True)
class Report:
    """What a sync did. ``faults`` are the files that are not searched and the sources that could not be looked through,
    each with its reason; ``incomplete`` tells of the second, and of tenants whose turn another process has.
    """

    unchanged: int = 0
    written: int = 0
    removed: int = 0
    passages: int = 0
    size: int = 0
    seconds: float = 0.0
    incomplete: bool = False
    faults: list[Fault] = field(default_factory=list[Fault])

    def as_json(self) -> dict[str, Any]:
        faults = [{"tenant": fault.tenant, "path": fault.path, "reason": fault.reason} for fault in self.faults]
        names = ("unchanged", "written", "removed", "passages", "incomplete")
        counts = {name: getattr(self, name) for name in names} | {"bytes": self.size}
        return {**counts, "seconds": round(self.seconds, 3), "faults": faults}


async def sync(
    archive: Archive,
    ledger: Ledger,
    sources: Iterable[DocumentSource],
    *,
    progress: Heard | None = None,
    wait: bool = False,
    settles: bool = True,
) -> Report:
    """Bring the index to the documents in ``sources``. Whose version has not changed costs nothing, whose content has not
    changed is fetched and never wakes the embedder.

    Each document is written by itself: a sync that is cut short, or killed, goes on where it stopped when it is called
    again. Documents of a source that are gone are forgotten, unless the source could not be looked through.
    A bad file is reported and skipped, and what was searched of it before is withdrawn, since nobody can say any more
    who may read it; a file that merely cannot be fetched stays as it was.

    One process at a time syncs a tenant: others ``wait``, or report that. ``settles``: these are all sources there are.
    """
    work = _Work(archive, ledger, Pace(progress, ledger), Report())
    by_tenant: dict[str, list[DocumentSource]] = {}
    for source in sources:
        by_tenant.setdefault(source.tenant, []).append(source)
    for tenant, several in by_tenant.items():
        try:
            async with ledger.turn(tenant, wait=wait):
                await work.tenant(tenant, several)
        except Conflict:
            work.incomplete(Fault(tenant, several[0].name, f"another sync of {tenant} is under way; nothing was read"))
        except NotFound:
            work.incomplete(Fault(tenant, several[0].name, f"there is no tenant {tenant}"))
        except CharterError:
            raise
        except Exception as fault:  # noqa: BLE001 - logged with its trace
            # What nobody foresaw in the documents of one tenant must not keep those of the others from being read.
            _log.exception("the documents of a tenant could not be read", tenant=tenant)
            reason = f"something went wrong ({type(fault).__name__}); the log has more"
            work.incomplete(Fault(tenant, several[0].name, reason))
    if settles and not work.report.incomplete:
        await archive.settle()
    work.report.seconds = time.monotonic() - work.pace.started
    return work.report


@dataclass(frozen=True, slots=True)
class _Work:
    archive: Archive
    ledger: Ledger
    pace: Pace
    report: Report

    def incomplete(self, fault: Fault) -> None:
        self.report.incomplete = True
        self.report.faults.append(fault)

    async def tenant(self, tenant: str, sources: Sequence[DocumentSource]) -> None:
        """Do all that is to be done for a tenant whose turn is ours."""
        plan = await planned(self.archive, self.ledger, tenant, sources)
        self.report.unchanged += plan.unchanged
        await self._forget(tenant, plan)
        faulty: dict[str, list[str]] = {source.name: [] for source in sources}
        for origin, fault, version in plan.faults:
            await self._fault(fault, origin, version, faulty)
        before = self.pace.now
        self.pace.tell(total=before.total + len(plan.tasks))
        async for task, fetched in _fetched(plan.tasks, plan.incomplete):
            self._tell(task)
            await self._take(task, fetched, plan, faulty)
            self._tell(task, done=self.pace.now.done + 1, read=True)
            await self.pace.keep(task.origin, before)
        await self._end(tenant, sources, plan, faulty)

    async def _forget(self, tenant: str, plan: Plan) -> None:
        if plan.gone:
            await self.archive.remove(tenant, plan.gone)
            await self.ledger.forget(tenant, plan.gone)
            self.report.removed += len(plan.gone)

    async def _end(
        self, tenant: str, sources: Sequence[DocumentSource], plan: Plan, faulty: dict[str, list[str]]
    ) -> None:
        for source in sources:
            reason = plan.incomplete.get(source.name, "")
            if reason:
                self.incomplete(Fault(tenant, source.name, reason))
            await self.ledger.end(tenant, source.name, reason, faulty[source.name])
        if not plan.incomplete:
            await self.ledger.drop(tenant, [source.name for source in sources])

    async def _take(self, task: Task, fetched: Fetched | Exception, plan: Plan, faulty: dict[str, list[str]]) -> None:
        tenant, item = task.origin.tenant, task.item
        if isinstance(fetched, OSError):
            await self._fault(Fault(tenant, item.place, f"it was not read: {fetched}"), task.origin, "", faulty)
            return
        if isinstance(fetched, CharterError):
            # The rest of it is not asked for any more: it stays as it was, and is read next time.
            plan.incomplete.setdefault(task.origin.name, fetched.detail)
            return
        assert isinstance(fetched, Fetched)
        try:
            await self._write(task, fetched)
        except (Conflict, OSError) as fault:
            await self._fault(Fault(tenant, item.place, f"it was not read: {fault}"), task.origin, "", faulty)
        except ValueError as fault:
            await self._fault(Fault(tenant, item.place, str(fault)), task.origin, task.version, faulty)
            if task.known:
                await self.archive.remove(tenant, [item.source])
                await self.ledger.forget(tenant, [item.source])
                self.report.removed += 1

    async def _write(self, task: Task, content: Fetched) -> None:
        origin, item, tenant = task.origin, task.item, task.origin.tenant
        size = len(content.body)
        self.report.size += size
        self.pace.tell(size=self.pace.now.size + size)
        digest = digested(content.body, *_marked(content.sidecar, content.common), item.url, *said(origin, item))
        if task.stored == digest and task.noted:
            await self.ledger.again(tenant, item.source, origin.name, task.version)
            self.report.unchanged += 1
            return
        document = await asyncio.to_thread(_document, task, content, digest)
        await self.ledger.note(tenant, item.source, Known(origin.name, task.version, digest), len(document.pieces))
        before = self.pace.now.passages
        self.report.passages += await self.archive.put(
            document, embedded=lambda count: self.pace.tell(passages=before + count)
        )
        self.report.written += 1

    async def _fault(self, fault: Fault, origin: DocumentSource, version: str, faulty: dict[str, list[str]]) -> None:
        self.report.faults.append(fault)
        faulty[origin.name].append(fault.path)
        await self.ledger.fault(fault, origin.name, version)

    def _tell(self, task: Task, **changed: Any) -> None:
        collection, source = task.item.source
        self.pace.tell(
            **{"tenant": task.origin.tenant, "collection": collection, "source": source, "read": False, **changed}
        )


def _document(task: Task, content: Fetched, digest: str) -> Document:
    """Return the document, no more open and no more trusted than its source lets it be.

    Raises:
        ValueError: it cannot be read, or nobody may read it.
    """
    origin, item = task.origin, task.item
    defaults = with_settings(_settings_of(origin, item), content.common)
    document = document_of(File(origin.tenant, *item.source, content.body, content.sidecar, digest, defaults))
    readers = narrowed(document.readers, item.readers)
    if not readers:
        raise ValueError("the permissions of its source let nobody read it whom it names, or nobody who is known here")
    integrity = "untrusted" if origin.terms.integrity == "untrusted" else document.integrity
    return replace(document, readers=readers, integrity=integrity)


def _settings_of(origin: DocumentSource, item: Item) -> dict[str, Any]:
    """Return the fields that a document has by its source's settings, if it says nothing else."""
    readers = origin.terms.readers or (() if item.readers is None else ("tenant",))
    fields: dict[str, Any] = {"readers": list(readers)} if readers else {}
    fields |= {"url": item.url} if item.url else {}
    # Without a word about readers or integrity a folder's documents are as they say themselves.
    return fields | ({"integrity": origin.terms.integrity} if origin.kind != "folder" else {})


def _marked(*parts: bytes | None) -> tuple[bytes, ...]:
    """Return the files of fields for a digest: an empty one is another thing than none."""
    return tuple(b"" if part is None else b"=" + part for part in parts)


async def _fetched(
    tasks: Sequence[Task], incomplete: dict[str, str]
) -> AsyncIterator[tuple[Task, Fetched | Exception]]:
    """Yield each task with its content, or why there is none, fetching some ahead. What fails with its source is asked no
    more.
    """

    async def fetch(task: Task) -> Fetched | Exception:
        try:
            return await task.origin.read(task.item)
        except (OSError, CharterError) as fault:
            return fault

    waiting: deque[tuple[Task, asyncio.Task[Fetched | Exception]]] = deque()
    left = iter(tasks)
    try:
        while True:
            while len(waiting) < _AHEAD and (task := next(left, None)) is not None:
                if task.origin.name not in incomplete:
                    waiting.append((task, asyncio.create_task(fetch(task))))
            if not waiting:
                return
            task, fetching = waiting.popleft()
            yield task, await fetching
    finally:
        for _, fetching in waiting:
            fetching.cancel()
