from tests.kernel.echo import echo

__all__ = ["echo"]
