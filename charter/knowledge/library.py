"""Keep the index as the folders are: once at the start, in the background, so that nobody waits for it."""

import structlog

from charter.knowledge.folders import roots_of
from charter.knowledge.index import Index
from charter.knowledge.ingest import Report, sync
from charter.settings import Settings

_log = structlog.get_logger(__name__)


async def keep(index: Index, settings: Settings) -> Report | None:
    """Bring the index to the folders and log what is wrong with single files; a fault does not stop the host."""
    try:
        report = await sync(index, roots_of(settings))
    except Exception:  # noqa: BLE001 - logged with its trace
        _log.exception("the knowledge folders could not be read")
        return None
    for fault in report.faults:
        _log.warning("document left out", tenant=fault.tenant, path=fault.path, reason=fault.reason)
    if report.written or report.removed:
        _log.info("knowledge is up to date", **report.as_json())
    return report
