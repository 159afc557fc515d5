"""The door of Microsoft Teams."""

from pydantic import Field

from charter.settings.section import Section


class Teams(Section):
    """``enabled`` opens the door ``/api/messages``; unset, it is open on a laptop and shut elsewhere. The bot is registered as
    the very application that this host is
    (``CHARTER_IDENTITY__CLIENT_ID``); ``connection`` names the OAuth connection of its registration, which gives people's
    tokens for this host.

    ``service_urls`` are the beginnings of addresses that the host answers to, whatever an activity says. ``anonymous``
    believes activities without a token (the Agents Playground sends none): unset, a laptop does so from this machine alone, and
    the azure profile refuses it. ``agent`` answers
    whoever has not chosen one; empty: the one whose examples fit, and where several do, the person is asked.

    ``inbox_limit`` is how many activities of a tenant may wait for their answer, a fifth of them one person's; more are refused with
    Retry-After.
    ``reminders`` are the parts of an approval's time after which its approvers are reminded; behind the last one the person
    who asked is told, and ``escalation``, a conversation, too.
    """

    enabled: bool | None = None
    connection: str = "charter"
    metadata_url: str = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    issuer: str = "https://api.botframework.com"
    scope: str = "https://api.botframework.com/.default"
    token_service: str = "https://token.botframework.com"  # noqa: S105 - an address
    service_urls: tuple[str, ...] = ("https://smba.trafficmanager.net/",)
    anonymous: bool | None = None
    agent: str = ""
    inbox_limit: int = Field(default=500, ge=1, le=100_000)
    reminders: tuple[float, ...] = (0.5, 0.8)
    escalation: str = ""
    retention_days: int = Field(default=30, ge=1)
