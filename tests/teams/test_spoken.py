"""What people see in Teams of what the host says: its link and its sender against the twin of the Bot Connector."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from charter.channels.teams.connector import open_connector
from charter.channels.teams.incoming import Account, Place
from charter.channels.teams.ports import Stopped, Undelivered
from charter.channels.teams.sending import Sender
from charter.settings.teams import Teams as TeamsSettings
from charter.store import tenants
from charter.store.database import Database
from charter.store.tenants import Tenants
from tests.teams.client import Teams, running_teams
from tests.teams.saying import DIRECTORIES, OTHER, TENANT, Outbox, said
from tests.teams.views import Message, View
from tests.twins.bots import bot_token
from tests.twins.running import RunningTwin, http, signing_keys, twin

if TYPE_CHECKING:
    from charter.channels.teams.connector.link import Link

__all__ = ["http", "signing_keys", "twin"]
BOT = Account("28:charter-host", name="Charter")


@asynccontextmanager
async def speaking(
    folder: Path, http: aiohttp.ClientSession, entra: RunningTwin
) -> AsyncGenerator[tuple[Teams, "Link"]]:
    """A channel that throttles as Teams does, and the host's link to it with a token of the identity provider."""
    async with running_teams(folder, http, entra.url, entra.secret()) as teams:
        await teams.limits(pacing=True)
        settings = TeamsSettings(service_urls=(teams.service_url,), token_service=teams.url)
        link = await open_connector(settings, "charter-host", lambda: bot_token(entra))
        try:
            yield teams, link
        finally:
            await link.close()


class _Twins:
    """The tenants of these tests, by the directories that the twins have people in."""

    def __init__(self, known: Tenants) -> None:
        self.served = known.served

    def directory(self, tenant: str) -> str | None:
        return {TENANT: "contoso", OTHER: "fabrikam"}.get(tenant)


def of_bot(view: View) -> list[Message]:
    return [message for message in view.messages if message.author == "bot"]


def growing_answer(view: View) -> Message | None:
    return next((each for each in of_bot(view) if each.growing and each.text.startswith("word0 ")), None)


@pytest.mark.promise("teams.streams")
async def test_a_person_watches_an_answer_grow(tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin) -> None:
    async with speaking(tmp_path, http, twin) as (teams, link):
        chat = await teams.personal("alice")
        stream = link.stream(Place(teams.service_url, chat, "personal", BOT), "")
        stream.update("Searching")
        text = ""
        for number in range(60):
            stream.add(f"word{number} ")
            text += f"word{number} "
            await asyncio.sleep(0.05)
        growing = await teams.until("alice", chat, growing_answer)
        identifier = await stream.close({"type": "message", "text": text + "The end."})
        seen = of_bot(await teams.seen("alice", chat))
        refused = [each for each in await teams.record(kind="asked") if each["status"] >= 400]
    assert text.startswith(growing.text.rstrip())
    assert [(each.id, each.text, each.growing) for each in seen] == [(identifier, text + "The end.", False)]
    assert refused == []


@pytest.mark.promise("teams.streams.stopped")
async def test_who_presses_stop_ends_the_work(tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin) -> None:
    async with speaking(tmp_path, http, twin) as (teams, link):
        chat = await teams.personal("alice")
        stream = link.stream(Place(teams.service_url, chat, "personal", BOT), "")
        stream.add("Once ")
        await teams.until("alice", chat, lambda view: [each for each in of_bot(view) if each.growing])
        assert await teams.stop("alice", chat)
        stream.add("upon ")
        with pytest.raises(Stopped):
            await stream.close({"type": "message", "text": "Once upon a time"})


@pytest.mark.promise("teams.streams.long")
async def test_an_answer_that_outlasts_its_stream_is_whole_in_the_end(
    tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin
) -> None:
    async with speaking(tmp_path, http, twin) as (teams, link):
        await teams.limits(stream_seconds=0.5)
        chat = await teams.personal("alice")
        stream = link.stream(Place(teams.service_url, chat, "personal", BOT), "")
        stream.add("Once ")
        await teams.until("alice", chat, of_bot)
        await asyncio.sleep(0.6)
        stream.add("upon a time")
        await stream.close({"type": "message", "text": "Once upon a time."})
        seen = of_bot(await teams.seen("alice", chat))
    assert [(each.text, each.growing) for each in seen] == [("Once upon a time.", False)]


@pytest.mark.promise("teams.outbox")
async def test_people_read_what_was_put_for_them_and_only_they_do(
    tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin, database: Database
) -> None:
    await tenants.ensure(database, DIRECTORIES)
    known = Tenants(database)
    await known.read()
    box, other = Outbox(database, known), Outbox(database, known, OTHER)
    await box.clear()
    async with speaking(tmp_path, http, twin) as (teams, link):
        chat, group, bobs_chat = (
            await teams.personal("alice"),
            await teams.group("alice", "bob"),
            await teams.personal("bob"),
        )
        for where, scope in ((chat, "personal"), (group, "group")):
            await box.seen_at(teams.service_url, where, scope=scope, bot=BOT.id)
        account = (await teams.seen("bob", group)).account
        await box.put(
            *(said(f"k{number}", conversation=chat) for number in range(12)),
            said("k11 changed", edits="k11", conversation=chat),
            said("to bob", person="bob"),
            said("for bob's eyes", conversation=group, private_to=account),
            said("to nobody", person="nobody"),
        )
        sender = Sender(database, link, _Twins(known))
        sender.open()
        rows = await box.settled()
        await sender.close()
        mine = [each.text for each in of_bot(await teams.seen("alice", chat))]
        grouped = [
            [each.text for each in of_bot(await teams.seen(who, group)) if each.targeted] for who in ("alice", "bob")
        ]
        bobs = of_bot(await teams.seen("bob", bobs_chat))
        throttled = [each for each in await teams.record(kind="asked") if each["status"] == 429]
    await other.clear()
    assert mine == [*(f"k{number}" for number in range(11)), "k11 changed"]
    assert grouped == [[], ["for bob's eyes"]]
    assert [each.text for each in bobs] == ["to bob"]
    assert throttled == []
    assert {key for key, row in rows.items() if row["state"] == "given_up"} == {"to nobody"}
    await box.clear()


@pytest.mark.promise("teams.tokens.people")
async def test_somebody_who_never_signed_in_has_no_token_and_a_page_to_do_it(
    tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin
) -> None:
    async with speaking(tmp_path, http, twin) as (teams, link):
        chat = await teams.personal("alice")
        account = (await teams.seen("alice", chat)).account
        assert await link.token(account, "msteams") is None
        assert await link.token(account, "msteams", "000000") is None
        assert await link.exchange(account, "msteams", "garbage") is None
        page = await link.link(
            {
                "id": "1",
                "channelId": "msteams",
                "serviceUrl": teams.service_url,
                "from": {"id": account},
                "recipient": {"id": BOT.id},
                "conversation": {"id": chat},
            }
        )
        assert page.link.startswith(teams.url)
        assert page.exchange["id"]


async def test_who_is_of_another_tenant_has_no_app_or_does_not_exist_is_not_reached(
    tmp_path: Path, http: aiohttp.ClientSession, twin: RunningTwin
) -> None:
    async with speaking(tmp_path, http, twin) as (teams, link):
        fates: list[str] = []
        for nobody in ("frank", "bob", "nobody"):
            with pytest.raises(Undelivered) as told:
                await link.create(teams.service_url, "contoso", nobody)
            fates.append(told.value.fate)
        chat = await teams.personal("alice")
        opened = await link.create(teams.service_url, "contoso", "alice")
        members = await link.members(opened)
    assert fates == ["gone"] * 3
    assert opened.conversation == chat
    assert [(each.account.oid, each.tid) for each in members] == [("alice", "contoso")]
