"""Keep the index as the folders are: read at the start, in the background, so that nobody waits for it."""

from collections.abc import Mapping
from typing import Any

import structlog

from charter.knowledge.archive import Archive
from charter.knowledge.folders import roots_of
from charter.knowledge.ingest import Progress, Report, sync
from charter.settings import Settings

_log = structlog.get_logger(__name__)


class Library:
    """The folders of documents of this host. What is searched meanwhile is what was read before."""

    def __init__(self, archive: Archive, settings: Settings) -> None:
        self._archive = archive
        self._settings = settings
        self._status: dict[str, Any] = {
            "state": "reading" if settings.knowledge.at_start else "serving",
            "done": 0,
            "total": 0,
        }

    def status(self) -> Mapping[str, Any]:
        """Tell ``state`` (``reading``, ``serving``, ``failed``), and ``done`` of ``total`` new or changed documents."""
        return self._status

    def unread(self) -> str | None:
        """Say in a sentence, for people, that the first reading is not over; nothing once it is."""
        if self._status["state"] != "reading":
            return None
        return f"The documents are still being read ({self._status['done']} of {self._status['total'] or '?'}). Please ask again in a moment."

    async def read(self) -> Report | None:
        """Bring the index to the folders and log what is wrong with single files; a fault does not stop the host."""
        try:
            report = await sync(self._archive, roots_of(self._settings), progress=self._progress)
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("the knowledge folders could not be read")
            self._status = {**self._status, "state": "failed"}
            return None
        for fault in report.faults:
            _log.warning("document left out", tenant=fault.tenant, path=fault.path, reason=fault.reason)
        if report.written or report.removed:
            _log.info(
                "knowledge is up to date",
                written=report.written,
                removed=report.removed,
                seconds=round(report.seconds, 1),
            )
        self._status = {**self._status, "state": "serving"}
        return report

    def _progress(self, progress: Progress) -> None:
        self._status = {"state": "reading", "done": progress.done, "total": progress.total}
