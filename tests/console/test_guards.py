"""What holds for every page and every form."""

import re

import pytest

from tests.console import story
from tests.console.conftest import House, Visitor

PAGES = [
    "/sign-in",
    "/chat",
    "/chat/buyer",
    "/approvals",
    "/approvals/decided",
    "/runs",
    "/nowhere",
    "/static/console.js",
]


@pytest.mark.promise("console.csp")
@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_forbids_foreign_and_inline_script(visitor: Visitor, busy: House, path: str) -> None:
    await visitor.sign_in("alice")
    async with visitor.http.get(f"{visitor.address}/console{path}") as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")


@pytest.mark.promise("console.csp")
@pytest.mark.parametrize("path", PAGES[:-1])
async def test_no_page_carries_inline_script_or_style(visitor: Visitor, busy: House, path: str) -> None:
    await visitor.sign_in("alice")
    _, page = await visitor.get(path)
    assert re.search(r"<script(?![^>]*\bsrc=)", page) is None
    assert re.search(r"<style|\sstyle=|\son[a-z]+=", page) is None
    assert set(re.findall(r'(?:src|href)="(https?:[^"]*)"', page)) == set()


@pytest.mark.promise("console.csrf")
@pytest.mark.parametrize("csrf", ["", "forged"])
@pytest.mark.parametrize(
    "path",
    [
        "/chat/buyer",
        "/sign-out",
        "/sign-in",
        "/runs/run_x/cancel",
        "/runs/run_x/steps/stp_x/answer",
        "/approvals/apr_x/decision",
    ],
)
async def test_a_form_without_the_sessions_token_changes_nothing(
    visitor: Visitor, busy: House, path: str, csrf: str
) -> None:
    await visitor.sign_in("alice")
    before = len(busy.runs.runs)
    response = await visitor.post(path, {"csrf": csrf, "input": "Order a desk", "name": "bob"})
    assert response.status == 403
    assert "nothing was done" in await response.text()
    _, page = await visitor.get("/runs")
    assert "Signed in as </span>Alice" in page
    assert len(busy.runs.runs) == before


async def test_a_token_of_another_session_does_not_fit(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("alice")
    old = visitor.csrf
    await visitor.sign_in("bob")
    response = await visitor.post("/chat/buyer", {"csrf": old, "input": "Order a desk"})
    assert response.status == 403


async def test_what_is_not_a_form_is_refused(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    async with visitor.http.post(
        f"{visitor.address}/console/chat/buyer",
        json={"input": "x"},
        headers={"X-CSRF-Token": visitor.csrf, "X-Charter-Console": "1"},
    ) as response:
        assert response.status == 415
        assert (await response.json())["code"] == "unsupported_media_type"


async def test_a_page_that_is_not_there_is_said_kindly(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    status, page = await visitor.get("/nowhere")
    assert status == 404
    assert "There is no such page." in page
    assert "To the start page" in page


async def test_a_fault_of_the_house_shows_no_inner_text(visitor: Visitor, busy: House) -> None:
    await visitor.sign_in("alice")
    busy.runs.steps.clear()
    busy.runs.runs["run_broken"] = None  # type: ignore[assignment]
    status, page = await visitor.get("/runs")
    assert status == 500
    assert "NoneType" not in page
    assert "The host failed." in page


@pytest.mark.promise("console.escaped")
async def test_hostile_text_stays_text_on_every_page(visitor: Visitor, house_of_runs: House) -> None:
    alice = house_of_runs.people["alice"]
    run = story.hostile(house_of_runs.runs, alice)
    asked = story.order(
        house_of_runs.runs, alice, reason=story.HOSTILE, policies=(story.HOSTILE,), influenced_by=(story.HOSTILE,),
        requester_name=story.HOSTILE, arguments={story.HOSTILE: story.HOSTILE}, summary=story.HOSTILE,
    )  # fmt: skip
    approval = (asked.waiting or {})["approval_id"]
    await visitor.sign_in("alice")
    paths = [
        "/chat", f"/threads/{run.thread}", "/runs", f"/runs/{run.id}", f"/threads/{asked.thread}", "/approvals",
        f"/approvals/{approval}", "/documents/doc_hostile/passages/psg_hostile", f"/runs/{run.id}/events?view=timeline",
    ]  # fmt: skip
    for path in paths:
        status, page = await visitor.get(path)
        assert status == 200, path
        assert "window.taken" in page, path
        assert "<script>window" not in page.replace("\\u003c", "<"), path
        assert "<img" not in page, path
        assert 'href="javascript:' not in page, path
