"""Who you can be on a laptop: the people of the fictional tenants, signed in by the Entra twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from charter.errors import NotFound, Unavailable
from charter.settings import Identity


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    tenant: str
    title: str
    roles: tuple[str, ...]


class People:
    """Asks the Entra twin for its people and for their tokens."""

    def __init__(self, identity: Identity, http: aiohttp.ClientSession) -> None:
        self._identity = identity
        self._http = http
        self.all: Sequence[Person] = ()

    async def read(self) -> None:
        """Read who there is."""
        async with self._http.get(f"{self._identity.authority}/_twin/people") as response:
            self.all = [
                Person(p["name"], p["tenant"], p["title"], tuple(p["roles"])) for p in (await response.json())["people"]
            ]

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
        form = {
            "grant_type": "password",
            "client_id": self._identity.client_id,
            "client_secret": self._identity.client_secret.get_secret_value(),
            "username": person.name,
            "scope": f"{self._identity.audience}/access_as_user",
        }
        async with self._http.post(
            f"{self._identity.authority}/{person.tenant}/oauth2/v2.0/token", data=form
        ) as response:
            answer = await response.json()
            if response.status != 200:
                raise Unavailable(f"The local sign-in refused {person.name}: {answer.get('error_description', answer)}")
            return answer
