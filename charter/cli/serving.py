"""``charter serve``: the host, alone or as a supervisor with its workers."""

import gc
import sys
from types import ModuleType

import click

from charter import settings
from charter.errors import CharterError


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of CHARTER_PORT.")
@click.option(
    "--workers",
    type=click.IntRange(1, settings.MOST_WORKERS),
    help="So many processes that share the port, instead of CHARTER_WORKERS.",
)
def serve(port: int | None, workers: int | None) -> None:
    """Start the host; in the local profile with all it needs. Ctrl-C stops everything, a second one at once."""
    tree = settings.read(**{name: value for name, value in (("port", port), ("workers", workers)) if value is not None})
    if tree.workers == 1:
        _roof().main(tree)
        return
    import asyncio

    from charter.local.supervisor import supervise

    asyncio.run(supervise(tree, click.echo))


@click.command(hidden=True)
def worker() -> None:
    """Be one of the workers of a supervisor, which starts it and gives it its settings."""
    from charter.local import place

    told = place.channel()
    try:
        _roof().main(*place.taken(told))
    except CharterError as fault:
        place.refuse(told, fault)
        sys.exit(2)


def _roof() -> ModuleType:
    """Load the host; nothing else here needs Semantic Kernel."""
    settings.passive_openmp()
    # Thousands of modules come in and all of them stay: collecting among them only costs time.
    gc.disable()
    import host  # noqa: TID251 - the one place that lifts the roof

    gc.freeze()
    gc.enable()
    return host
