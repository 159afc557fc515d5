"""The AI Search twin, asked by Azure's unchanged client and by whoever has no business there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.indexes.models import SearchAlias, SearchField, SearchIndex
from azure.search.documents.models import IndexAction, IndexDocumentsBatch, VectorizedQuery

from charter.twins import ai_search, certificates
from charter.twins.listening import serve, take
from tests.knowledge.searching import KEY, RunningSearch, running_search
from tests.secrets.running import RunningVault
from tests.twins.running import RunningTwin

VECTORS: dict[str, Any] = {
    "algorithms": [{"name": "graph", "kind": "hnsw", "hnswParameters": {"metric": "cosine"}}],
    "profiles": [{"name": "near", "algorithm": "graph"}],
}
SEMANTIC = {
    "configurations": [
        {"name": "it", "prioritizedFields": {"titleField": {"fieldName": "title"}, "prioritizedContentFields": [{"fieldName": "text"}]}}
    ]
}  # fmt: skip


def fields(**more: Any) -> list[dict[str, Any]]:
    return [
        {"name": "id", "type": "Edm.String", "key": True, "filterable": True, "sortable": True},
        {"name": "title", "type": "Edm.String", "analyzer": "en.lucene", "filterable": False, "sortable": False},
        {"name": "text", "type": "Edm.String", "analyzer": "en.lucene", "filterable": False, "sortable": False},
        {"name": "tags", "type": "Collection(Edm.String)", "searchable": False, "filterable": True, **more},
        {"name": "pages", "type": "Edm.Int32", "filterable": True, "sortable": True},
        {"name": "vector", "type": "Collection(Edm.Single)", "dimensions": 2, "vectorSearchProfile": "near", "retrievable": False},
    ]  # fmt: skip


def index(name: str = "books", **more: Any) -> SearchIndex:
    return SearchIndex({"name": name, "fields": fields(), "vectorSearch": VECTORS, "semantic": SEMANTIC, **more})


BOOKS = [
    {"id": "a", "title": "Travel", "text": "A hotel night in Munich", "tags": ["trip"], "pages": 3, "vector": [1, 0]},
    {"id": "b", "title": "Leave", "text": "Days of leave, PO-8080", "tags": ["rest", "a|b"], "pages": 5, "vector": [0, 1]},
    {"id": "c", "title": "Hotels", "text": "Which hotels fit, and hotel rates", "tags": [], "pages": None, "vector": [1, 1]},
]  # fmt: skip


@pytest.fixture
async def search() -> AsyncIterator[RunningSearch]:
    async with running_search() as running:
        yield running


@pytest.fixture
async def admin(search: RunningSearch) -> AsyncIterator[SearchIndexClient]:
    async with SearchIndexClient(search.url, AzureKeyCredential(KEY), retry_total=0) as client:
        yield client


@pytest.fixture
async def books(search: RunningSearch, admin: SearchIndexClient) -> AsyncIterator[Any]:
    await admin.create_index(index())
    client: Any = SearchClient(search.url, "books", AzureKeyCredential(KEY), retry_total=0)
    async with client:
        await client.upload_documents([dict(each) for each in BOOKS])
        yield client


async def found(client: Any, text: str | None = None, **asked: Any) -> list[str]:
    return [row["id"] async for row in await client.search(text, **asked)]


@pytest.mark.promise("twins.search")
async def test_indexes_are_made_told_changed_and_deleted(admin: SearchIndexClient) -> None:
    made = await admin.create_index(index())
    assert made.e_tag
    with pytest.raises(ResourceExistsError):
        await admin.create_index(index())
    more = SearchField({"name": "more", "type": "Edm.Boolean", "filterable": True})
    told = await admin.get_index("books")
    told.fields.append(more)
    await admin.create_or_update_index(told, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        await admin.create_or_update_index(told, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        await admin.create_or_update_index(index())
    assert [each.name async for each in admin.list_indexes()] == ["books"]
    assert (await admin.get_service_statistics()).counters.index_counter.usage == 1
    await admin.delete_index("books")
    with pytest.raises(ResourceNotFoundError):
        await admin.get_index("books")


@pytest.mark.promise("twins.search")
async def test_an_alias_works_as_an_index_does_and_holds_its_index(
    search: RunningSearch, admin: SearchIndexClient, books: Any
) -> None:
    await admin.create_alias(SearchAlias(name="shelf", indexes=["books"]))
    async with SearchClient(search.url, "shelf", AzureKeyCredential(KEY)) as client:
        assert await client.get_document_count() == 3
        assert (await client.get_document("a", selected_fields=["title"])) == {"title": "Travel"}
        with pytest.raises(HttpResponseError, match="cannot be deleted"):
            await admin.delete_index("books")
        await admin.create_index(index("newer"))
        alias = await admin.get_alias("shelf")
        alias.indexes = ["newer"]
        await admin.create_or_update_alias(alias, match_condition=MatchConditions.IfNotModified)
        with pytest.raises(ResourceModifiedError):
            await admin.create_or_update_alias(alias, match_condition=MatchConditions.IfNotModified)
        assert await client.get_document_count() == 0
    assert [each.indexes async for each in admin.list_aliases()] == [["newer"]]
    await admin.delete_index("books")
    await admin.delete_alias("shelf")
    with pytest.raises(ResourceNotFoundError):
        await admin.get_alias("shelf")


@pytest.mark.promise("twins.search")
async def test_each_action_has_its_own_outcome(books: Any) -> None:
    batch = [
        {"@search.action": "merge", "id": "a", "pages": 4},
        {"@search.action": "merge", "id": "zz", "pages": 4},
        {"@search.action": "mergeOrUpload", "id": "d", "pages": 1},
        {"@search.action": "upload", "id": "not a key"},
        {"@search.action": "delete", "id": "c"},
    ]
    results = await books.index_documents(IndexDocumentsBatch(actions=[IndexAction(each) for each in batch]))
    assert [(each.status_code, each.succeeded) for each in results] == [
        (200, True), (404, False), (201, True), (400, False), (200, True),
    ]  # fmt: skip
    assert (await books.get_document("a"))["title"] == "Travel"
    with pytest.raises(ResourceNotFoundError):
        await books.get_document("c")
    with pytest.raises(HttpResponseError, match="1001 actions"):
        await books.delete_documents([{"id": str(at)} for at in range(1_001)])


FOUND: list[tuple[str, set[str]]] = [
    ("hotel", {"a", "c"}), ("hotels nights", {"a", "c"}), ('"hotel night"', {"a"}), ('"night hotel"', set()),
    ("+hotel +munich", {"a"}), ("hotel -munich", {"a", "b", "c"}), ("mun*", {"a"}), ("(leave | munich)", {"a", "b"}),
    ('"PO-8080"', {"b"}), ("the", set()), ("*", {"a", "b", "c"}), ('\\"hotel', {"a", "c"}), ("leave|rates", {"b", "c"}),
]  # fmt: skip


@pytest.mark.promise("twins.search")
@pytest.mark.parametrize(("text", "keys"), FOUND)
async def test_words_find_what_has_them(books: Any, text: str, keys: set[str]) -> None:
    assert set(await found(books, text)) == keys


@pytest.mark.promise("twins.search")
async def test_nearness_and_words_are_scored_as_documented(books: Any) -> None:
    near = VectorizedQuery(vector=[1.0, 0.0], k_nearest_neighbors=2, fields="vector")
    scores = {row["id"]: row["@search.score"] async for row in await books.search(None, vector_queries=[near])}
    assert scores == pytest.approx({"a": 1.0, "c": 1 / (2 - 2**-0.5)}, rel=1e-6)
    both = {row["id"]: row["@search.score"] async for row in await books.search("rates", vector_queries=[near])}
    assert both == pytest.approx({"c": 1 / 61 + 1 / 62, "a": 1 / 61})
    only = VectorizedQuery(vector=[1.0, 0.0], k_nearest_neighbors=1, fields="vector", exhaustive=True)
    assert await found(books, None, vector_queries=[only], filter="tags/any(t: t eq 'rest')") == ["b"]
    after = {"vector_queries": [only], "filter": "tags/any(t: t eq 'rest')", "vector_filter_mode": "postFilter"}
    assert await found(books, None, **after) == []
    ranked = await books.search("hotel rates", query_type="semantic", semantic_configuration_name="it")
    assert [(row["id"], row["@search.reranker_score"]) async for row in ranked] == [("c", 4.0), ("a", 2.0)]


@pytest.mark.promise("twins.search")
async def test_answers_come_in_order_in_pages_and_with_what_was_selected(books: Any) -> None:
    for start in (0, 550):
        await books.upload_documents([{"id": f"n{at:04}", "pages": at} for at in range(start, start + 550)])
    results = await books.search("*", order_by=["pages desc", "id"], top=2, select=["id"], include_total_count=True)
    assert [row["id"] async for row in results] == ["n1099", "n1098"]
    assert await results.get_count() == 1_103
    assert len(await found(books, "*", order_by=["id"])) == 1_103
    assert len(await found(books, "*", top=1_050)) == 1_050
    assert await found(books, "*", order_by=["pages"], top=1, skip=0) == ["c"]


UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("search.post.search", {"search": "x", "sort": "y"}), ("search.post.search", {"search": 5}),
    ("search.post.search", {"filter": "text eq 'x'"}), ("search.post.search", {"filter": "nobody eq 'x'"}),
    ("search.post.search", {"orderby": "tags"}), ("search.post.search", {"select": "vector"}),
    ("search.post.search", {"searchFields": "pages"}), ("search.post.search", {"queryType": "semantic", "search": "x"}),
    ("search.post.search", {"vectorQueries": [{"kind": "vector", "vector": [1], "fields": "vector"}]}),
    ("search.post.search", {"vectorQueries": [{"kind": "vector", "vector": [1, 0], "fields": "vector", "near": 1}]}),
    ("search.index", {"value": [{"id": "x", "colour": "red"}]}), ("search.index", {"value": [{"id": "x", "pages": "3"}]}),
    ("search.index", {"value": [{"id": "x", "vector": [1, 2, 3]}]}), ("search.index", {"value": [{"pages": 3}]}),
    ("search.index", {"value": [{"id": "x", "@search.action": "burn"}]}), ("search.index", {"values": []}),
]  # fmt: skip


@pytest.mark.promise("twins.search")
@pytest.mark.parametrize(("operation", "body"), UNKNOWN)
async def test_what_the_service_does_not_know_is_refused(
    search: RunningSearch, books: Any, operation: str, body: dict[str, Any]
) -> None:
    address = f"{search.url}/indexes('books')/docs/{operation}?api-version=2026-04-01"
    async with search.http.post(address, json=body, headers={"api-key": KEY}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["message"]
    assert await books.get_document_count() == 3


@pytest.mark.promise("twins.search")
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Books"}, {"name": "two--dashes"}, {"fields": []}, {"colour": "red"}, {"permissionFilterOption": "enabled"},
        {"fields": [{"name": "id", "type": "Edm.String"}]}, {"fields": [*fields(), {"name": "x", "type": "Edm.Word"}]},
        {"fields": fields(sortable=True)}, {"vectorSearch": {}}, {"fields": fields(permissionFilter="userIds")},
        {"semantic": {"configurations": [{"name": "it", "prioritizedFields": {"titleField": {"fieldName": "pages"}}}]}},
    ],
)  # fmt: skip
async def test_a_definition_that_does_not_fit_is_refused(search: RunningSearch, wrong: dict[str, Any]) -> None:
    good = {"name": "books", "fields": fields(), "vectorSearch": VECTORS, "semantic": SEMANTIC}
    address = f"{search.url}/indexes?api-version=2026-04-01"
    async with search.http.post(address, json=good | wrong, headers={"api-key": KEY}) as answer:
        assert answer.status == 400, await answer.text()
    async with search.http.get(f"{search.url}/indexes?api-version=2019-05-06", headers={"api-key": KEY}) as answer:
        assert answer.status == 400


@pytest.mark.promise("twins.search")
async def test_a_write_is_found_a_moment_later_and_faults_come_as_ordered(search: RunningSearch, books: Any) -> None:
    await search.lever("PUT", "lag", {"documents": 60})
    await books.upload_documents([{"id": "late"}])
    assert "late" not in await found(books, "*")
    await search.befall(read={"status": 503, "times": 1, "retry_after": 2})
    with pytest.raises(HttpResponseError) as failure:
        await found(books, "*")
    response: Any = failure.value.response
    assert response.headers["Retry-After"] == "2"
    await search.lever("PUT", "failing", {"x": {"status": 503, "times": 1}})
    results = [await books.upload_documents([{"id": "x1"}]) for _ in range(2)]
    assert [each[0].status_code for each in results] == [503, 201]
    told = await search.requests("search.post.search")
    assert [(each["caller"], each["status"], each["asked"].get("search")) for each in told] == [
        ("api-key", 200, "*"), ("", 503, None),
    ]  # fmt: skip


@pytest.fixture
async def secured(twin: RunningTwin, tmp_path: Path) -> AsyncIterator[RunningVault]:
    """The twin over TLS, for tokens; reached by the same means as a vault."""
    kept = certificates.kept(tmp_path / "tls")
    place = take(0, "AI Search twin", secure=True)
    runner = await serve(ai_search.app(issuer=twin.url, keys=[KEY]), place, tls=kept.context())
    yield RunningVault(place.url, kept.ca_file, twin, tmp_path)
    await runner.cleanup()
    place.close()


PERMITTED = "2025-11-01-preview"


async def _permitted(secured: RunningVault) -> None:
    body = {
        "name": "files",
        "permissionFilterOption": "enabled",
        "fields": [
            {"name": "id", "type": "Edm.String", "key": True},
            {"name": "users", "type": "Collection(Edm.String)", "searchable": False, "permissionFilter": "userIds", "filterable": True},
            {"name": "groups", "type": "Collection(Edm.String)", "searchable": False, "permissionFilter": "groupIds", "filterable": True},
        ],
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"id": "alices", "users": ["alice"], "groups": []}, {"id": "hrs", "users": ["none"], "groups": ["hr"]},
        {"id": "everybodys", "users": ["all"], "groups": []}, {"id": "nobodys", "users": [], "groups": []},
    ]  # fmt: skip
    token = await secured.token(scope=SCOPE)
    version = f"api-version={PERMITTED}"
    assert (await secured.ask("POST", f"/indexes?{version}", body, token=token))[0] == 201
    path = f"/indexes('files')/docs/search.index?{version}"
    assert (await secured.ask("POST", path, {"value": rows}, token=token))[0] == 200


SCOPE = "https://search.azure.com/.default"


async def _seen(secured: RunningVault, person: str, version: str = PERMITTED) -> tuple[int, set[str]]:
    headers = {"x-ms-query-source-authorization": person} if person else {}
    path = f"/indexes('files')/docs/search.post.search?api-version={version}"
    token = await secured.token(scope=SCOPE)
    status, _, answer = await secured.ask("POST", path, {"search": "*"}, token=token, **headers)
    return status, {row["id"] for row in answer.get("value", [])}


@pytest.mark.promise("twins.search-permissions")
async def test_an_index_with_permissions_shows_each_person_theirs_and_without_a_token_only_what_is_for_all(
    secured: RunningVault, twin: RunningTwin
) -> None:
    await _permitted(secured)

    async def of(name: str) -> str:
        status, answer = await twin.on_behalf_of(await twin.token(name), SCOPE)
        assert status == 200, answer
        return str(answer["access_token"])

    assert await _seen(secured, await of("alice")) == (200, {"alices", "everybodys"})
    assert await _seen(secured, await of("dora")) == (200, {"hrs", "everybodys"})
    assert await _seen(secured, "") == (200, {"everybodys"})
    assert await _seen(secured, await of("alice"), "2026-04-01") == (200, {"everybodys"})
    assert (await _seen(secured, "no token"))[0] == 401
    assert (await _seen(secured, await twin.token("alice")))[0] == 401
    assert (await _seen(secured, await twin.forge(aud="https://search.azure.com", scp="other")))[0] == 401


@pytest.mark.promise("twins.search")
async def test_who_has_no_key_and_no_role_is_kept_out(secured: RunningVault, twin: RunningTwin) -> None:
    path = "/indexes?api-version=2026-04-01"
    host = await secured.token(scope=SCOPE)
    person = (await twin.on_behalf_of(await twin.token("alice"), SCOPE))[1]["access_token"]
    vault = await secured.token()
    asked: list[tuple[dict[str, str], int]] = [({}, 401), ({"api-key": "wrong"}, 403), ({"api-key": KEY}, 200)]
    asked += [
        ({"Authorization": f"Bearer {token}"}, status) for token, status in ((host, 200), (vault, 401), (person, 403))
    ]
    for headers, status in asked:
        assert (await secured.ask("GET", path, **headers))[0] == status
    await secured.lever("PUT", "roles", {"charter-host": [ai_search.DATA_READER]})
    assert (await secured.ask("GET", path, token=host))[0] == 403
    async with (
        aiohttp.ClientSession() as http,
        http.get(secured.url + path, ssl=secured.tls, headers={"Host": "evil.example"}) as answer,
    ):
        assert answer.status == 421
