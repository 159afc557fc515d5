"""Requests that are not HTTP. That one came is logged; what was in it is not: it may be somebody's token."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

HEADER_BYTES = 24_576
"""The longest header that is read: the longest token that is looked at (16 KiB) fits, and is then refused in a sentence."""


class _WithoutWhatWasSent(logging.Filter):
    """The HTTP parser's faults quote the line that they stumble over."""

    def filter(self, record: logging.LogRecord) -> bool:
        fault = record.exc_info[1] if record.exc_info else None
        if isinstance(fault, HttpProcessingError):
            record.msg, record.args = f"a request could not be read ({type(fault).__name__})", None
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


LOG = logging.getLogger("charter.http")
"""What the HTTP server itself has to say."""
LOG.addFilter(_WithoutWhatWasSent())
