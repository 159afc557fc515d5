"""The azure profile's gate: no start while anything is refused."""

from charter.errors import FieldError, StartRefused
from charter.posture import declared, guests
from charter.settings import Settings


def allow(settings: Settings) -> None:
    """Let the profile start with these settings.

    Raises:
        StartRefused: something of development is left in the azure profile; ``errors`` has each with what to do.
    """
    if settings.profile != "azure":
        return
    found = [f for f in (*declared.settings(settings), *guests.read(settings)[1]) if f.state == "refused"]
    if found:
        first = found[0]
        more = f" {len(found) - 1} more are listed below." if len(found) > 1 else ""
        raise StartRefused(
            f"The azure profile does not start. {first.name}: {first.sentence}{more}",
            action="charter doctor shows the whole posture.",
            errors=[FieldError(f.name, f"{f.sentence} {f.action}") for f in found],
        )
