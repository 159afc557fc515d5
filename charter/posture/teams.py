"""The door of Teams: what the azure profile refuses of its settings, and whether Microsoft's side of it answers."""

import re
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp

from charter.errors import Unavailable
from charter.identity.room import IdentityRoom
from charter.identity.wire import Answer, ask
from charter.posture.finding import Finding, ok, refused
from charter.settings import Settings, Teams

_PLACE = "CHARTER_TEAMS"
_GUID = re.compile(r"(?!0{8}-)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY = "28:charter-doctor"
"""No account of anybody: the token service is asked for a token that it cannot have."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds: who signs activities there, where that is published, and whom the host may send its own
    token to.
    """

    name: str
    issuer: str
    metadata: str
    token_services: frozenset[str]
    services: frozenset[str]

    @property
    def scope(self) -> str:
        return f"{self.issuer}/.default"


CLOUDS = (
    Cloud(
        "the public cloud",
        "https://api.botframework.com",
        "login.botframework.com",
        frozenset(f"{region}token.botframework.com" for region in ("", "europe.", "unitedstates.", "india.")),
        frozenset({"smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com"}),
    ),
    Cloud(
        "the cloud of the US government",
        "https://api.botframework.us",
        "login.botframework.azure.us",
        frozenset(f"{name}.botframework.azure.us" for name in ("token", "tokengcch", "apidod")),
        frozenset({"smba.infra.gov.teams.microsoft.us", "smba.infra.dod.teams.microsoft.us"}),
    ),
    Cloud(
        "the cloud of 21Vianet",
        "https://api.botframework.azure.cn",
        "login.botframework.azure.cn",
        frozenset({"token.botframework.azure.cn"}),
        frozenset({"frontend.botapi.msg.infra.teams.microsoftonline.cn"}),
    ),
)
"""All there are. An activity is believed, and a token sent, within one of them."""


def settings(tree: Settings) -> Iterator[Finding]:
    """Tell what is found of the settings. Nobody may come in without a token even where the door is not open yet."""
    own = tree.teams
    if own.anonymous:
        sentence = "Activities without a token would be believed: anybody could speak as anybody."
        yield refused(f"{_PLACE}__ANONYMOUS", sentence, "Unset it; it is for the Agents Playground on a laptop.")
    if not own.enabled:
        return
    client = tree.identity.client_id
    if not _GUID.fullmatch(client.lower()):
        sentence = f"The bot is this host's application, and {client or 'nothing'} is the id of none."
        yield refused(
            f"{_PLACE}__ENABLED", sentence, "Set CHARTER_IDENTITY__CLIENT_ID as infra/registrations prints it."
        )
    if not own.connection:
        sentence = "Nobody could sign in: no OAuth connection of the bot is named."
        yield refused(f"{_PLACE}__CONNECTION", sentence, "Set it to charter, as infra/charter.bicep calls it.")
    yield from _cloud(own)


def _cloud(own: Teams) -> Iterator[Finding]:
    cloud = next((each for each in CLOUDS if each.issuer == own.issuer), None)
    if cloud is None:
        sentence = f"{own.issuer or 'Nobody'} is no Bot Framework of Microsoft's; whoever it is could speak as anybody."
        yield refused(f"{_PLACE}__ISSUER", sentence, f"Set it to {CLOUDS[0].issuer}, or leave it alone.")
        return
    wrong = list(_elsewhere(own, cloud))
    yield from wrong
    if not wrong:
        yield ok(_PLACE, f"Activities are believed, and answered, within {cloud.name} alone.")


def _elsewhere(own: Teams, cloud: Cloud) -> Iterator[Finding]:
    """Yield each address that leads out of the cloud."""
    action = f"Use the addresses of {cloud.name}, or another issuer."
    if not _within(own.metadata_url, {cloud.metadata}):
        sentence = f"The keys that activities are signed with would be read at {_host(own.metadata_url)}."
        yield refused(f"{_PLACE}__METADATA_URL", sentence, action)
    if own.scope != cloud.scope:
        sentence = f"The host would send its own token for {own.scope or 'nothing'} to the connector."
        yield refused(f"{_PLACE}__SCOPE", sentence, action)
    if not _within(own.token_service, cloud.token_services):
        sentence = f"People's tokens would be asked for at {_host(own.token_service)}."
        yield refused(f"{_PLACE}__TOKEN_SERVICE", sentence, action)
    if not own.service_urls:
        yield refused(f"{_PLACE}__SERVICE_URLS", "Nothing could be answered: no address is allowed.", action)
    for url in own.service_urls:
        if not _within(url, cloud.services):
            sentence = f"Answers, and the host's token with them, would go to {_host(url)}."
            yield refused(f"{_PLACE}__SERVICE_URLS", sentence, action)
        elif not urlsplit(url).path:
            sentence = f"{url} is also how addresses of other hosts begin."
            yield refused(f"{_PLACE}__SERVICE_URLS", sentence, "End it with a slash.")


def _within(url: str, hosts: frozenset[str] | set[str]) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = parts.scheme == "https" and "@" not in parts.netloc and port in (None, 443)
    return plain and (parts.hostname or "") in hosts


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no address"
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else f"{url[:60] or 'nowhere'}"


def probes(tree: Settings, room: IdentityRoom, http: aiohttp.ClientSession) -> list[Awaitable[Finding]]:
    """Ask Microsoft's side once, where the door is open; nothing is sent to anybody."""
    if not tree.teams.enabled:
        return []
    # Late: ``exercised`` brings the clients of models.
    from charter.posture.exercised import tried

    async def metadata() -> str:
        return await _published(tree.teams, http)

    async def tokens() -> str:
        return await _known(tree, room, http)

    return [tried("teams.metadata", metadata), tried("teams.token-service", tokens)]


async def _published(own: Teams, http: aiohttp.ClientSession) -> str:
    from charter.posture.exercised import Wrong

    answer = await _asked(http, own.metadata_url)
    if answer.field("issuer") != own.issuer:
        told = answer.field("issuer")[:120] or "nothing"
        raise Wrong(f"It calls itself {told}, not {own.issuer}.", "Mend CHARTER_TEAMS__METADATA_URL or __ISSUER.")
    keys = await _asked(http, answer.field("jwks_uri"))
    if not keys.members.get("keys"):
        raise Wrong("It publishes no key that signs activities.", "See that its keys can be read from here.")
    return f"It is {own.issuer} and publishes its keys."


async def _known(tree: Settings, room: IdentityRoom, http: aiohttp.ClientSession) -> str:
    """Say whether the token service takes the host for a bot: it is asked for a token of nobody, and has none."""
    from charter.posture.exercised import Wrong

    own = tree.teams
    bearer = await room.grants.host_token(tree.identity.home, own.scope, fresh=True)
    query = urlencode({"userId": _NOBODY, "connectionName": own.connection, "channelId": "msteams"})
    answer = await _asked(http, f"{own.token_service}/api/usertoken/GetToken?{query}", bearer)
    if answer.status in (401, 403):
        raise Wrong("It does not know this host as a bot.", "Deploy the bot: teams in infra/charter.parameters.json.")
    if answer.status not in (200, 404):
        action = f"See that the bot has an OAuth connection called {own.connection}."
        raise Wrong(f"Asked for a token by the connection {own.connection} it answers {answer.status}.", action)
    return f"It answers this host as a bot; whether the connection {own.connection} works shows when somebody signs in."


async def _asked(http: aiohttp.ClientSession, url: str, bearer: str = "") -> Answer:
    from charter.posture.exercised import Wrong

    try:
        return await ask(http, "GET", url, bearer=bearer)
    except Unavailable as fault:
        raise Wrong(f"{_host(url)} does not answer.", "See that it can be reached from here.") from fault
