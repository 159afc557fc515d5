"""Bring the index to what lies in the folders: read what is new or changed, forget what is gone, report what is bad."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charter.errors import Conflict, NotFound
from charter.knowledge.archive import Archive
from charter.knowledge.folders import Fault, Found, Root, load, look
from charter.knowledge.index import Source
from charter.knowledge.reading import document_of


@dataclass(frozen=True, slots=True)
class Progress:
    """Sent after each document: ``done`` of ``total`` documents that are new or changed, in all tenants together."""

    done: int
    total: int
    tenant: str
    collection: str
    source: str


@dataclass(slots=True)
class Report:
    """What a sync did. ``faults`` are the files that are not searched, each with its reason."""

    unchanged: int = 0
    written: int = 0
    removed: int = 0
    passages: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list[Fault])

    def as_json(self) -> dict[str, Any]:
        faults = [{"tenant": fault.tenant, "path": fault.path, "reason": fault.reason} for fault in self.faults]
        counts = {name: getattr(self, name) for name in ("unchanged", "written", "removed", "passages")}
        return {**counts, "seconds": round(self.seconds, 3), "faults": faults}


@dataclass(frozen=True, slots=True)
class _Task:
    tenant: str
    source: Source
    path: Path
    digest: str
    known: bool


async def sync(
    archive: Archive, roots: Iterable[Root], *, progress: Callable[[Progress], None] | None = None
) -> Report:
    """Bring the index to the documents in ``roots``. What has not changed costs a digest and never wakes the embedder.

    Each document is one transaction: a sync that is cut short goes on where it stopped when it is called again.
    Documents of a tenant that lie in none of its roots are forgotten, unless a root is missing or empty.
    A bad file is reported and skipped, and what was searched of it before is withdrawn, since nobody can say any more
    who may read it; a file that merely cannot be opened stays as it was.
    """
    report, started = Report(), time.monotonic()
    folders: dict[str, list[Path]] = {}
    for root in roots:
        folders.setdefault(root.tenant, []).append(root.folder)
    tasks = [task for tenant, paths in folders.items() for task in await _plan(archive, tenant, paths, report)]
    for done, task in enumerate(tasks, start=1):
        await _take(archive, task, report)
        if progress:
            progress(Progress(done, len(tasks), task.tenant, *task.source))
    await archive.settle()
    report.seconds = time.monotonic() - started
    return report


async def _plan(archive: Archive, tenant: str, paths: Sequence[Path], report: Report) -> list[_Task]:
    """Compare folders and index, forget what is gone, and return what must be read."""
    try:
        stored = await archive.stored(tenant)
    except NotFound:
        report.faults.append(Fault(tenant, str(paths[0]), f"there is no tenant {tenant}"))
        return []
    found: Found = await asyncio.to_thread(look, tenant, paths)
    report.faults += found.faults
    gone = [source for source in stored if source not in found.files and source not in found.unread]
    if gone and found.complete:
        await archive.remove(tenant, gone)
        report.removed += len(gone)
    changed = [
        _Task(tenant, source, path, digest, source in stored)
        for source, (path, digest) in found.files.items()
        if stored.get(source) != digest
    ]
    report.unchanged += len(found.files) - len(changed)
    return changed


async def _take(archive: Archive, task: _Task, report: Report) -> None:
    try:
        file = await asyncio.to_thread(load, task.tenant, task.source, task.path, task.digest)
        document = await asyncio.to_thread(document_of, file)
        report.passages += await archive.put(document)
        report.written += 1
    except (OSError, Conflict) as fault:
        report.faults.append(Fault(task.tenant, str(task.path), f"it was not read: {fault}"))
    except ValueError as fault:
        report.faults.append(Fault(task.tenant, str(task.path), str(fault)))
        if task.known:
            await archive.remove(task.tenant, [task.source])
            report.removed += 1
