"""``charter serve``: the host."""

import gc

import click

from charter import settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of CHARTER_PORT.")
def serve(port: int | None) -> None:
    """Start the host; in the local profile with all it needs. Ctrl-C stops everything."""
    overrides = {} if port is None else {"port": port}
    tree = settings.read(**overrides)
    settings.passive_openmp()
    # Thousands of modules come in and all of them stay: collecting among them only costs time.
    gc.disable()
    import host  # noqa: TID251 - the one place that lifts the roof

    gc.freeze()
    gc.enable()
    host.main(tree)
