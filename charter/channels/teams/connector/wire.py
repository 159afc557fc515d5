"""The one HTTP client under everything of the Teams SDK that this host uses, and what holds for each call."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
from microsoft_teams.api import ApiClient
from microsoft_teams.api.clients.api_client_settings import ApiClientSettings
from microsoft_teams.common import Client, ClientOptions
from microsoft_teams.common.http import MiddlewareContext, MiddlewareNext

from charter.channels.teams.addresses import Addresses, on_this_machine
from charter.channels.teams.ports import Undelivered
from charter.settings.teams import Teams

TokenOf = Callable[[], Awaitable[str]]
CALL_SECONDS = 10
_ADDRESSES_KEPT = 64
_BREAKS = re.compile(r"[\s/\\?#%\x00-\x1f\x7f]")


class Wire:
    """Keep-alive connections to the connector and its token service. Nothing is asked of proxies or files that the
    environment names; a redirection is not followed.
    """

    def __init__(self, settings: Teams, token_of: TokenOf) -> None:
        self._addresses = Addresses(settings.service_urls, loopback=bool(settings.anonymous))
        self._http = httpx.AsyncClient(timeout=CALL_SECONDS, trust_env=False, follow_redirects=False)
        self.client = Client(ClientOptions(), _http=self._http)
        self.client.use(_Guard(settings, token_of))
        self.oauth = ApiClientSettings(oauth_url=settings.token_service.rstrip("/"))
        self._apis: dict[str, ApiClient] = {}

    def api(self, service_url: str) -> ApiClient:
        """Return the SDK's client for this connector.

        Raises:
            Undelivered: the host does not answer to that address.
        """
        if not self._addresses.allowed(service_url):
            raise Undelivered("refused", "The host does not answer to the connector's address.")
        if service_url not in self._apis:
            if len(self._apis) >= _ADDRESSES_KEPT:
                self._apis.clear()
            self._apis[service_url] = ApiClient(service_url, self.client, self.oauth)
        return self._apis[service_url]

    async def close(self) -> None:
        await self._http.aclose()


class _Guard:
    """Around each request of the SDK: the token is put in here and nowhere else, after a look at the address."""

    def __init__(self, settings: Teams, token_of: TokenOf) -> None:
        # Up to the end of a part: a longer name of a host is another host.
        named = (*settings.service_urls, settings.token_service)
        self._named = tuple(f"{each.rstrip('/')}/" for each in named if each.strip("/ "))
        self._anonymous = settings.anonymous
        self._token_of = token_of

    async def send(self, context: MiddlewareContext, next: MiddlewareNext) -> httpx.Response:
        # The SDK would make a span of it with the ids of people's conversations; this host's spans hold none.
        context.metadata = None
        async with asyncio.timeout(CALL_SECONDS):
            context.token = await self._token_for(context.url)
            return await next()

    async def _token_for(self, url: str) -> str:
        """Return the host's token where settings name the address; nothing, which sends none, elsewhere on this machine."""
        if url.startswith(self._named):
            return await self._token_of()
        parts = httpx.URL(url)
        if self._anonymous and on_this_machine(f"{parts.scheme}://{parts.netloc.decode()}/"):
            return ""
        raise Undelivered("refused", "The host does not answer to the connector's address.")


def segment(identifier: str) -> str:
    """Return an id as it stands in the path of an address: the SDK puts it there as it is.

    Raises:
        Undelivered: it would lead elsewhere.
    """
    if not identifier or identifier in {".", ".."} or _BREAKS.search(identifier):
        raise Undelivered("refused", "The id of a conversation or a message is none.")
    return identifier
