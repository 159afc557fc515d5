"""Who you can be on a laptop: the people of the fictional tenants and their customers, signed in by the twins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from charter.errors import NotFound, Unavailable
from charter.settings import External, Identity


@dataclass(frozen=True, slots=True)
class Person:
    """``tenant`` is theirs with us, ``tid`` that of their identity provider; ``external`` names a customers' one."""

    name: str
    tenant: str
    title: str
    roles: tuple[str, ...]
    tid: str = ""
    external: str = ""


class People:
    """Asks the twins for their people and for their tokens."""

    def __init__(self, identity: Identity, http: aiohttp.ClientSession) -> None:
        self._identity = identity
        self._http = http
        self.all: Sequence[Person] = ()

    async def read(self) -> None:
        """Read who there is at the twins. No other identity provider is asked for its people."""
        own = [
            Person(p["name"], p["tenant"], p["title"], tuple(p["roles"]), p["tenant"])
            for p in await self._listed(self._identity.authority)
        ]
        guests = [await self._guests(name, external) for name, external in self._identity.external.items()]
        self.all = [*own, *(guest for listed in guests for guest in listed)]

    async def _guests(self, name: str, external: External) -> Sequence[Person]:
        try:
            listed = await self._listed(external.authority)
        except (aiohttp.ClientError, TimeoutError):
            return ()  # somebody else's, and out of reach: that keeps nobody from starting
        return [
            Person(p["name"], external.tenant, p["title"], external.roles, external.tid, name)
            for p in listed
            if p["tenant"] == external.tid
        ]

    async def _listed(self, authority: str) -> Sequence[Mapping[str, Any]]:
        """Return whom a twin lists; a real identity provider lists nobody here."""
        async with self._http.get(f"{authority.rstrip('/')}/_twin/people") as response:
            return (await response.json())["people"] if response.status == 200 else ()

    async def sign_in(self, name: str) -> str:
        """Return an access token for the host as that person.

        Raises:
            NotFound: nobody has that name.
            Unavailable: the twin refused.
        """
        person = next((p for p in self.all if p.name == name), None)
        if person is None:
            raise NotFound(
                f"Nobody here is called {name[:40]}.", action=f"Choose one of {', '.join(p.name for p in self.all)}."
            )
        return str((await self._token(person))["access_token"])

    async def _token(self, person: Person) -> Mapping[str, Any]:
        provider: Identity | External = self._identity.external[person.external] if person.external else self._identity
        form = {
            "grant_type": "password",
            "client_id": provider.client_id,
            "client_secret": provider.client_secret.get_secret_value(),
            "username": person.name,
            "scope": f"{provider.audience}/access_as_user",
        }
        url = f"{provider.authority.rstrip('/')}/{person.tid}/oauth2/v2.0/token"
        async with self._http.post(url, data=form) as response:
            answer = await response.json()
            if response.status != 200:
                raise Unavailable(f"The local sign-in refused {person.name}: {answer.get('error_description', answer)}")
            return answer
