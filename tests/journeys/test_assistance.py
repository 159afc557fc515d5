"""The main journey without any model weights: assistance alone, against the real sandboxes, in a real browser."""

import random
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from charter import settings
from tests.browser import WAIT_MS, browser, screen
from tests.running import RunningHost, running_host

__all__ = ["browser"]

LIMIT_EUR = 1000
POLICY = """---
title: Office hours
url: https://contoso.example/office-hours
readers: [tenant]
integrity: trusted
---
# Office hours

## Opening times of the reception

The reception desk is open from {opens} in the morning until six in the evening.
"""


@pytest.fixture(scope="module")
async def assisted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHost]:
    """A host at the assistance level, with a folder of documents that the tests change."""
    folder = tmp_path_factory.mktemp("assisted")
    policies = folder / "documents" / "hr-policies"
    policies.mkdir(parents=True)
    (policies / "office-hours.md").write_text(POLICY.format(opens="seven"))
    embedded = {"standard": settings.Deployment(kind="embedded")}
    documents = {"contoso": (folder / "documents",)}
    async with running_host(folder / "data", models=embedded, knowledge=True, folders=documents) as host:
        await host.library_read()
        yield host


async def test_the_balance_follows_the_people_system(assisted: RunningHost) -> None:
    asked = "How many days of annual leave do I have left?"
    before = (await assisted.ask("alice", "employee_assistant", asked))["output"]["text"]
    entitled = random.randrange(40, 90)
    body = {"tenant": "contoso", "employee": "alice", "leave_type": "annual", "days": entitled}
    await assisted.sandbox("people", "/_sandbox/entitlements", "PUT", body)
    run = await assisted.ask("alice", "employee_assistant", asked)

    [step] = [s for s in await assisted.timeline("alice", run["id"]) if s["type"] == "function"]
    assert step["output"]["entitled_days"] == entitled
    assert str(step["output"]["remaining_days"]) in run["output"]["text"]
    assert run["output"]["text"] != before
    others = await assisted.ask("bob", "employee_assistant", asked)
    assert str(step["output"]["remaining_days"]) not in others["output"]["text"]


@pytest.mark.promise("journey.assistance")
async def test_any_item_and_amount_becomes_the_order_that_was_asked_for(assisted: RunningHost) -> None:
    item = random.choice(["standing desk", "laser printer", "office chair", "whiteboard", "projector"])
    euros = random.randrange(LIMIT_EUR + 1, 9000)
    run = await assisted.ask("alice", "buyer", f"Order a {item} for {euros:,} EUR")

    assert run["status"] == "waiting"
    approval = await assisted.pending("bob", run["id"])
    assert approval["arguments"]["total"] == {"minor": euros * 100, "currency": "EUR"}
    assert approval["arguments"]["item"] == item
    await assisted.decide("bob", approval, "approve")
    done = await assisted.settled("alice", run["id"], "completed")
    orders = (await assisted.sandbox("procurement", "/_sandbox/orders"))["orders"]
    placed = [o for o in orders if o["order_id"] in done["output"]["text"]]
    assert [(o["placed_by"], o["item"]) for o in placed] == [("alice", item)]


@pytest.mark.promise("journey.confirmed")
async def test_a_write_that_nobody_else_approves_is_confirmed_by_the_one_who_asked(assisted: RunningHost) -> None:
    run = await assisted.ask(
        "alice", "employee_assistant", "Open a ticket with high priority: my laptop screen flickers"
    )
    assert run["status"] == "waiting"
    assert run["waiting"]["for"] == "input"

    confirmation = await assisted.pending("alice", run["id"])
    assert confirmation["approvers"] == ["user:alice"]
    assert (await assisted.decide("bob", confirmation, "approve")).status == 403
    await assisted.decide("alice", confirmation, "approve")
    done = await assisted.settled("alice", run["id"], "completed")
    [effect] = done["effects"]
    assert (effect["function"], effect["outcome"]) == ("service_desk.create_ticket", "done")
    assert re.search(r"INC-\d+", done["output"]["text"])


@pytest.mark.promise("journey.replaced")
async def test_a_replaced_document_changes_the_answer_and_the_passage_opens(assisted: RunningHost) -> None:
    asked = "What does the policy say about the opening times of the reception?"
    first = await assisted.ask("alice", "employee_assistant", asked)
    assert "from seven in the morning" in first["output"]["text"]

    folder = assisted.folder.parent / "documents" / "hr-policies"
    (folder / "office-hours.md").write_text(POLICY.format(opens="nine"))
    told = await assisted.command("knowledge", "sync", "--json")
    assert (told["written"], told["removed"]) == (1, 0)
    second = await assisted.ask("alice", "employee_assistant", asked)
    assert "from nine in the morning" in second["output"]["text"]
    assert second["output"]["citations"]


async def test_what_only_others_may_read_is_not_found(assisted: RunningHost) -> None:
    asked = "What does the policy say about the salary bands?"
    run = await assisted.ask("alice", "employee_assistant", asked)
    assert "salary-bands" not in str(await assisted.timeline("alice", run["id"]))
    assert all("alary band" not in c["title"] for c in run["output"]["citations"])


@pytest.mark.browser
@pytest.mark.promise("journey.browser")
async def test_the_whole_journey_in_the_browser_without_weights(browser: Browser, assisted: RunningHost) -> None:
    before = await _large(assisted)
    async with screen(browser, assisted.address) as alice, screen(browser, assisted.address) as bob:
        await alice.sign_in("alice")
        await expect(alice.page.get_by_text("assistance only", exact=False).first).to_be_visible()
        await alice.ask("employee_assistant", "How many days of annual leave do I have left?")
        assert re.search(r"\d+ days", await alice.answer())

        await alice.ask("employee_assistant", "What does the travel policy say about hotels?")
        answer = await alice.answer()
        cited = " ".join((await alice.open_source(1)).split())
        quoted = re.findall(r"[“\"]([^”\"]{30,})[”\"]", answer) or [answer]
        assert any(" ".join(q.split())[:60] in cited for q in quoted), (quoted, cited)

        await alice.ask("buyer", "Order a standing desk for 1,450 EUR")
        assert "bob must approve" in await alice.answer()
        await bob.sign_in("bob", "/approvals")
        assert "by bob" in await bob.decide("Approve")
        await expect(alice.page.locator(".turn").last.locator(".effect")).to_contain_text("Done", timeout=WAIT_MS * 2)
        assert re.search(r"PO-\d+", await alice.answer())
    assert await _large(assisted) == before + 1


async def _large(host: RunningHost) -> int:
    """Count alice's orders over 1,450 EUR; the tests before may have placed one by chance."""
    orders = (await host.sandbox("procurement", "/_sandbox/orders"))["orders"]
    return sum(o["total"] == {"minor": 145000, "currency": "EUR"} and o["placed_by"] == "alice" for o in orders)
