"""Azure AI Search as the store of passages: what the azure profile refuses of its settings, and whether it answers."""

from collections.abc import Awaitable, Iterator
from urllib.parse import urlsplit

from charter.posture import address
from charter.posture.finding import Finding, ok, refused
from charter.secrets.opening import Opened
from charter.secrets.references import is_reference
from charter.settings import Settings

_PLACE = "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH"


def settings(tree: Settings) -> Iterator[Finding]:
    """Tell what is found of the settings, where it is the store."""
    if tree.knowledge.store != "azure_ai_search":
        return
    own = tree.knowledge.azure_ai_search
    if fault := address.fault(own.endpoint):
        yield refused(f"{_PLACE}__ENDPOINT", f"The search service {fault}.", "Set it to an https:// address.")
    else:
        yield ok(f"{_PLACE}__ENDPOINT", f"Passages are kept at {urlsplit(own.endpoint).hostname}.")
    key = own.api_key.get_secret_value()
    if key and not is_reference(key):
        action = (
            "Unset it and give the host's identity a role there, or put the key into the vault and write keyvault:NAME."
        )
        yield refused(f"{_PLACE}__API_KEY", "It is a value, not a reference.", action)
    if own.existing is not None and not (own.existing.readers or own.permissions):
        action = "Name the field of the readers in it, or set PERMISSIONS where the index holds permissions of its own."
        yield refused(f"{_PLACE}__EXISTING", "Nothing says who may read the entries of that index.", action)


def probes(tree: Settings, vault: Opened) -> list[Awaitable[Finding]]:
    """Ask the service once, where it is the store; nothing is made or written."""
    if tree.knowledge.store != "azure_ai_search":
        return []
    # Late: ``exercised`` brings the clients of models.
    from charter.posture.exercised import tried

    async def look() -> str:
        from charter.knowledge.azure_ai_search.opening import opened, reached

        own = tree.knowledge.azure_ai_search
        service = opened(own, vault.secrets.live, vault.azure, tree.secrets.ca_file)
        try:
            return await reached(service, own)
        finally:
            await service.close()

    return [tried("knowledge.azure_ai_search", look)]
