"""Structured logs on standard error: a line of JSON each, or plain text on a terminal."""

import logging
import os
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from charter.settings import Telemetry
from charter.telemetry.masking import Mask


def configure(settings: Telemetry, mask: Mask, *, worker: int = 0) -> None:
    """Switch logging on for this process; libraries speak from warnings upward. No line holds what ``mask`` knows.

    ``worker`` is its number under a supervisor, which every line then tells, with the process id.
    """
    level = getattr(logging, settings.log_level.upper())
    render = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _naming(worker),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
            _masked(mask),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    who = f"worker {worker} (process {os.getpid()}) " if worker else ""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masking(mask, f"{who}%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Masking(logging.Formatter):
    def __init__(self, mask: Mask, form: str) -> None:
        super().__init__(form)
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask.clean(super().format(record))


def _masked(mask: Mask) -> Processor:
    def masked(_logger: object, _method: str, line: Any) -> str:
        return mask.clean(str(line))

    return masked


def _naming(worker: int) -> Processor:
    named = {"worker": worker, "pid": os.getpid()} if worker else {}

    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**event, **named}

    return name
