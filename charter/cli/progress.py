"""A sync's progress at a terminal: one line that is written over; elsewhere a line for each document."""

import shutil
import sys
import time

import click

from charter.knowledge.pace import Progress

_EVERY_SECONDS = 0.1


class Line:
    """Written to standard error, so that what a command answers can be piped on."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._told = 0.0

    def tell(self, progress: Progress) -> None:
        if not progress.source:
            return
        if self._live:
            now = time.monotonic()
            if now - self._told >= _EVERY_SECONDS:
                self._told = now
                self._write(_sentence(progress))
        elif progress.read:
            click.echo(_sentence(progress), err=True)

    def end(self) -> None:
        """Leave nothing of the line."""
        if self._live:
            self._write("")

    def _write(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\033[K{text[:width]}", nl=False, err=True)


def _sentence(progress: Progress) -> str:
    pace = f"{progress.rate:.0f} passages/s, {progress.size / 1_000_000:.1f} MB"
    place = f"{progress.tenant} {progress.collection}/{progress.source}"
    return f"  {progress.done}/{progress.total} {place}  ({pace})"
