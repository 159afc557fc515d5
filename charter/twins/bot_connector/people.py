"""Who uses Teams here: the people of the Entra twin, each with the account that the channel gives them for this bot."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import aiohttp

from charter.twins.bot_connector.refusals import Refused, Wrong


@dataclass(frozen=True, slots=True)
class Person:
    """``account`` is the channel's id of them, which differs from one bot to the next."""

    oid: str
    tenant: str
    name: str
    address: str
    account: str


class People:
    """Read from the Entra twin, again whenever somebody unknown is asked for."""

    def __init__(self, issuer: str, bot: str) -> None:
        self._issuer = issuer
        self._bot = bot
        self._known: dict[str, Person] = {}

    async def named(self, http: aiohttp.ClientSession, oid: str) -> Person:
        """Return somebody by object id.

        Raises:
            Wrong: there is nobody of it.
        """
        if oid not in self._known:
            await self._read(http)
        if oid not in self._known:
            raise Wrong(f"There is no {oid[:60]} at the Entra twin.", 404)
        return self._known[oid]

    async def member(self, http: aiohttp.ClientSession, identity: str) -> Person:
        """Return somebody by account or object id, as a bot names them.

        Raises:
            Refused: the channel cannot make anything of it.
        """
        for attempt in range(2):
            for person in self._known.values():
                if identity in (person.account, person.oid):
                    return person
            if not attempt:
                await self._read(http)
        raise Refused(400, "BadSyntax", "Failed to decrypt pairwise id.")

    async def _read(self, http: aiohttp.ClientSession) -> None:
        async with http.get(f"{self._issuer}/_twin/people") as answer:
            listed = (await answer.json())["people"]
        self._known = {one["id"]: self._person(one) for one in listed if not one["workload"]}

    def _person(self, told: Mapping[str, Any]) -> Person:
        oid, tenant = str(told["id"]), str(told["tenant"])
        account = f"29:1{sha256(f'{self._bot}/{tenant}/{oid}'.encode()).hexdigest()[:48]}"
        return Person(oid, tenant, str(told["display_name"]), f"{oid}@{tenant}.example", account)
