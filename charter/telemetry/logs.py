"""Structured logs on standard error: a line of JSON each, or plain text on a terminal."""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor

from charter.settings import Telemetry


def configure(settings: Telemetry, *, worker: int = 0) -> None:
    """Switch logging on for this process; libraries speak from warnings upward.

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
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    who = f"worker {worker} (process {os.getpid()}) " if worker else ""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=f"{who}%(levelname)s %(name)s %(message)s")


def _naming(worker: int) -> Processor:
    named = {"worker": worker, "pid": os.getpid()} if worker else {}

    def name(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**event, **named}

    return name
