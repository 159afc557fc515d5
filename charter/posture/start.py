"""The azure profile's gate: no start while anything is refused."""

from charter.errors import FieldError, StartRefused
from charter.posture import database, declared, guests
from charter.secrets.references import is_reference
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
        count = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        raise StartRefused(
            f"The azure profile does not start: {count} to be mended first.",
            action="charter doctor shows the whole posture.",
            errors=[FieldError(f.name, f"{f.sentence} {f.action}") for f in found],
        )


def allow_resolved(given: Settings, found: Settings) -> None:
    """Let the profile start with what the vault holds in place of the references of ``given``.

    Raises:
        StartRefused: an address of the database that the vault holds is one that the azure profile refuses.
    """
    if given.profile != "azure":
        return
    for name, reference, url in (
        ("CHARTER_DATABASE_URL", given.database.url, found.database.url),
        ("CHARTER_DATABASE__OWNER_URL", given.database.owner_url, found.database.owner_url),
    ):
        if is_reference(reference) and (fault := database.fault(url, entra=given.database.entra, vaulted=True)):
            raise StartRefused(
                f"The azure profile does not start. {name}, as the vault holds it: {fault[0]}", action=fault[1]
            )
    if given.database.owner_url and database.role(found.database.owner_url) == database.role(found.database.url):
        raise StartRefused(
            "The azure profile does not start. The host migrates as the role it works as.",
            action="Name another role in CHARTER_DATABASE__OWNER_URL, or leave it empty and use charter migrate.",
        )
