"""An index that another program keeps: read for one tenant, by those whom it names, and never written."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from charter.context import Context, Principal
from charter.errors import AuthorityLost, Conflict, NotFound, StartRefused
from charter.identity.azure import AsApplication
from charter.knowledge.archive import Archive
from charter.knowledge.azure_ai_search.existing import Existing
from charter.knowledge.azure_ai_search.service import PERMITTING, Service
from charter.settings import ExistingIndex
from charter.twins import ai_search, certificates
from charter.twins.listening import serve, take
from tests.knowledge.contract.conftest import ANY, document, person
from tests.knowledge.contract.vectors import WordEmbedder
from tests.knowledge.searching import KEY, SOON, RunningSearch, running_search
from tests.secrets.running import RunningVault
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]

FIELDS: list[dict[str, Any]] = [
    {"name": "key", "type": "Edm.String", "key": True, "filterable": True},
    {"name": "content", "type": "Edm.String", "filterable": False, "sortable": False, "analyzer": "en.lucene"},
    {"name": "name", "type": "Edm.String"},
    {"name": "link", "type": "Edm.String", "searchable": False},
]
READERS = {"name": "readers", "type": "Collection(Edm.String)", "searchable": False, "filterable": True}
PERMITTED = [
    {"name": "users", "type": "Collection(Edm.String)", "searchable": False, "permissionFilter": "userIds", "filterable": True},
    {"name": "groups", "type": "Collection(Edm.String)", "searchable": False, "permissionFilter": "groupIds", "filterable": True},
]  # fmt: skip
IS = ExistingIndex(tenant="contoso", collection="intranet", id="key", title="name", url="link", readers="readers")


def entry(key: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "content": f"A hotel in {key}.",
        "name": key.title(),
        "link": f"https://i.contoso.example/{key}",
        **more,
    }


@pytest.fixture
async def search() -> AsyncIterator[RunningSearch]:
    async with running_search() as running:
        await _made(running.http, running.url, [*FIELDS, READERS], {"api-key": KEY})
        rows = [entry("munich", readers=["alice"]), entry("berlin", readers=["hr"]), entry("secret", readers=[])]
        await _written(running.http, running.url, rows, {"api-key": KEY})
        yield running


async def _made(http: Any, url: str, fields: Any, headers: Any, version: str = "2026-04-01", **more: Any) -> None:
    body = {"name": "intranet", "fields": fields, **more.pop("body", {})}
    async with http.post(f"{url}/indexes?api-version={version}", json=body, headers=headers, **more) as answer:
        assert answer.status == 201, await answer.text()


async def _written(http: Any, url: str, rows: Any, headers: Any, **more: Any) -> None:
    address = f"{url}/indexes('intranet')/docs/search.index?api-version=2026-04-01"
    async with http.post(address, json={"value": rows}, headers=headers, **more) as answer:
        assert answer.status == 200, await answer.text()


def who(name: str, *groups: str, tenant: str = "contoso", external: str = "") -> Context:
    return Context(tenant, Principal(name, "user", name, frozenset(), frozenset(groups), external))


async def titles(archive: Archive, ctx: Context) -> set[str]:
    return {each.title for each in await archive.search(ctx, "hotel", collections=["intranet"], top=20)}


@pytest.mark.promise("azure-search.existing")
async def test_each_finds_what_names_them_in_the_tenant_and_the_collection_it_stands_for(search: RunningSearch) -> None:
    embedder, service = WordEmbedder(), search.service()
    archive = Archive(Existing(service, "intranet", IS, embedder), embedder, ANY)
    assert await titles(archive, who("alice")) == {"Munich"}
    assert await titles(archive, who("dora", "hr")) == {"Berlin"}
    assert await titles(archive, who("alice", tenant="fabrikam")) == set()
    assert await titles(archive, who("alice", external="customers")) == set()
    assert await titles(archive, who("x'or'1", "a|hr")) == set()
    assert await archive.search(who("alice"), "hotel", collections=["handbook"]) == []
    [found] = await archive.search(who("alice"), "hotel", collections=["intranet"])
    assert (found.integrity, found.readers) == ("untrusted", ("user:alice",))
    cited = await archive.open_passage(who("alice"), found.document_id, found.passage_id)
    assert (cited.text, cited.url) == ("A hotel in munich.", "https://i.contoso.example/munich")
    for ctx in (who("dora", "hr"), who("alice", tenant="fabrikam")):
        with pytest.raises(NotFound):
            await archive.open_passage(ctx, "munich", "munich")
    await service.close()


@pytest.mark.promise("azure-search.existing")
async def test_nothing_is_ever_written_into_it(search: RunningSearch) -> None:
    embedder, service = WordEmbedder(), search.service()
    archive = Archive(Existing(service, "intranet", IS, embedder), embedder, ANY)
    before = [each for each in await search.requests() if each["method"] != "GET"]
    with pytest.raises(Conflict, match="only read"):
        await archive.put(document("contoso", "a.md", "A hotel."))
    await archive.remove("contoso", [("intranet", "munich")])
    await archive.settle()
    assert await archive.stored("contoso") == {}
    assert [each for each in await search.requests() if each["method"] != "GET"] == before
    await service.close()


@pytest.mark.promise("azure-search.existing")
async def test_an_index_of_which_nobody_says_who_may_read_is_not_opened(search: RunningSearch) -> None:
    service = search.service()
    with pytest.raises(StartRefused, match="who may read"):
        Existing(service, "intranet", IS.model_copy(update={"readers": ""}), WordEmbedder())
    await service.close()


@pytest.fixture
async def permitted(twin: RunningTwin, tmp_path: Path) -> AsyncIterator[tuple[Service, RunningVault]]:
    """A twin over TLS with an index that has permissions of its own, and the host's service there by its identity."""
    kept = certificates.kept(tmp_path / "tls")
    place = take(0, "AI Search twin", secure=True)
    runner = await serve(ai_search.app(issuer=twin.url), place, tls=kept.context())
    vault = RunningVault(place.url, kept.ca_file, twin, tmp_path)
    host = {"Authorization": f"Bearer {await vault.token(scope='https://search.azure.com/.default')}"}
    option = {"permissionFilterOption": "enabled"}
    await _made(twin.http, place.url, [*FIELDS, *PERMITTED], host, PERMITTING, body=option, ssl=vault.tls)
    rows = [
        entry("munich", users=["alice"], groups=[]), entry("berlin", users=["none"], groups=["hr"]),
        entry("nowhere", users=[], groups=[]),
    ]  # fmt: skip
    await _written(twin.http, place.url, rows, host, ssl=vault.tls)
    credential = vault.credential()
    assert isinstance(credential, AsApplication)
    service = Service(place.url, credential, version=PERMITTING, ca_file=kept.ca_file, patience=SOON)
    yield service, vault
    await service.close()
    await runner.cleanup()
    place.close()


def _behalf(twin: RunningTwin) -> Callable[[Context], Awaitable[str]]:
    async def token_of(ctx: Context) -> str:
        status, answer = await twin.on_behalf_of(
            await twin.token(ctx.principal.id), "https://search.azure.com/.default"
        )
        if status != 200:
            raise AuthorityLost
        return str(answer["access_token"])

    return token_of


@pytest.mark.promise("azure-search.permissions")
async def test_an_index_with_permissions_of_its_own_is_asked_with_the_persons_token(
    permitted: tuple[Service, RunningVault], twin: RunningTwin
) -> None:
    service, vault = permitted
    embedder, described = WordEmbedder(), IS.model_copy(update={"readers": ""})
    archive = Archive(Existing(service, "intranet", described, embedder, token_of=_behalf(twin)), embedder, ANY)
    assert await titles(archive, who("alice")) == {"Munich"}
    assert await titles(archive, who("dora")) == {"Berlin"}
    assert await titles(archive, who("bob")) == set()
    assert (await archive.open_passage(who("alice"), "munich", "munich")).title == "Munich"
    with pytest.raises(NotFound):
        await archive.open_passage(who("bob"), "munich", "munich")
    asked = [
        each for each in (await vault.lever("GET", "requests"))["items"] if each["path"].endswith("search.post.search")
    ]
    assert {(each["caller"], each["asking"]) for each in asked} == {
        ("charter-host", "alice"), ("charter-host", "dora"), ("charter-host", "bob"),
    }  # fmt: skip


@pytest.mark.promise("azure-search.permissions")
async def test_a_person_whose_session_has_ended_finds_nothing_and_is_told_so(
    permitted: tuple[Service, RunningVault], twin: RunningTwin
) -> None:
    service, vault = permitted
    embedder, described = WordEmbedder(), IS.model_copy(update={"readers": ""})

    async def lost(ctx: Context) -> str:
        raise AuthorityLost("Sign in again.")

    archive = Archive(Existing(service, "intranet", described, embedder, token_of=lost), embedder, ANY)
    with pytest.raises(AuthorityLost, match="Sign in again"):
        await archive.search(person("contoso"), "hotel", collections=["intranet"])
    asked = [
        each for each in (await vault.lever("GET", "requests"))["items"] if each["path"].endswith("search.post.search")
    ]
    assert asked == []
