"""The door of Teams: what the azure profile refuses of its settings."""

from collections.abc import Iterator

from charter.posture import address
from charter.posture.finding import Finding, ok, refused
from charter.settings import Settings

_PLACE = "CHARTER_TEAMS"


def settings(tree: Settings) -> Iterator[Finding]:
    """Tell what is found of the settings, where the door is open."""
    own = tree.teams
    if not own.enabled:
        return
    if own.anonymous:
        yield refused(f"{_PLACE}__ANONYMOUS", "Activities without a token would be believed.", "Unset it.")
    faults = [
        (f"{_PLACE}__{name}", f"An address {fault}.")
        for name, urls in (
            ("METADATA_URL", (own.metadata_url,)),
            ("TOKEN_SERVICE", (own.token_service,)),
            ("SERVICE_URLS", own.service_urls or ("",)),
        )
        for url in urls
        if (fault := address.fault(url))
    ]
    for name, sentence in faults:
        yield refused(name, sentence, f"Unset {name}: the default is Microsoft's own.")
    if not faults and not own.anonymous:
        yield ok(_PLACE, f"Activities of {', '.join(own.service_urls)} are believed with a token of {own.issuer}.")
