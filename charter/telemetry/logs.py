"""Structured logs on standard error: a line of JSON each, or plain text on a terminal."""

import logging
import sys

import structlog

from charter.settings import Telemetry


def configure(settings: Telemetry) -> None:
    """Switch logging on for this process; libraries speak from warnings upward."""
    level = getattr(logging, settings.log_level.upper())
    render = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
