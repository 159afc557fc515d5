"""Keep the index as the sources are: read at the start, in the background, so that nobody waits for it, and then again."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from charter.knowledge.archive import Archive
from charter.knowledge.ingest import Report, sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pace import Progress
from charter.knowledge.sources.source import DocumentSource
from charter.settings import Knowledge

_log = structlog.get_logger(__name__)


class Library:
    """The documents of this host. What is searched meanwhile is what was read before."""

    def __init__(
        self, archive: Archive, ledger: Ledger, sources: Sequence[DocumentSource], settings: Knowledge
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._sources = sources
        self._settings = settings
        self._told: set[tuple[str, str, str]] = set()
        self._status: dict[str, Any] = {"state": "reading" if settings.at_start else "serving", "done": 0, "total": 0}

    def status(self) -> Mapping[str, Any]:
        """Tell ``state`` (``reading``, ``serving``, ``failed``), and ``done`` of ``total`` new or changed documents."""
        return self._status

    def unread(self) -> str | None:
        """Say in a sentence, for people, that the first reading is not over; nothing once it is."""
        if self._status["state"] != "reading":
            return None
        return f"The documents are still being read ({self._status['done']} of {self._status['total'] or '?'}). Please ask again in a moment."

    async def keep(self) -> None:
        """Read everything, and then again and again what lies elsewhere: nobody tells us of changes there.

        What could not be read at all, since the store was away, is tried again as often.
        """
        remote, whole = any(source.kind != "folder" for source in self._sources), False
        while remote or not whole:
            whole = await self.read(again=whole) is not None or whole
            if remote or not whole:
                await asyncio.sleep(self._settings.every_seconds)

    async def read(self, *, again: bool = False) -> Report | None:
        """Bring the index to the sources and log what is wrong with single files; a fault does not stop the host.

        Where another host does just that, it is waited for; ``again``: it is left to it.
        """
        heard = None if again else self._progress
        try:
            report = await sync(self._archive, self._ledger, self._sources, progress=heard, wait=not again)
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("the documents could not be read")
            self._status = {**self._status, "state": "serving" if again else "failed"}
            return None
        self._tell(report)
        self._status = {**self._status, "state": "serving"}
        return report

    def _tell(self, report: Report) -> None:
        """Log each fault once, for as long as it lasts."""
        faults = {(fault.tenant, fault.path, fault.reason) for fault in report.faults}
        for tenant, path, reason in sorted(faults - self._told):
            _log.warning("document left out", tenant=tenant, path=path, reason=reason)
        self._told = faults
        if report.written or report.removed:
            seconds = round(report.seconds, 1)
            _log.info("knowledge is up to date", written=report.written, removed=report.removed, seconds=seconds)

    def _progress(self, progress: Progress) -> None:
        self._status = {"state": "reading", "done": progress.done, "total": progress.total}
