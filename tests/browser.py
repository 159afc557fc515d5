"""A real Chromium for journeys through the console.

Import the fixtures where they are wanted: ``from tests.browser import browser, screen``.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests import chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)
WIDE, NARROW = (1280, 860), (360, 740)


@dataclass(slots=True)
class Screen:
    """One person's browser window; ``complaints`` are what the browser's own console said of our pages."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str = "") -> None:
        """Open a path of the console: ``/runs``."""
        await self.page.goto(f"{self.address}/console{path}")

    async def sign_in(self, name: str, path: str = "/chat") -> None:
        """Sign in as a person by keyboard and land on ``path``."""
        await self.go(path)
        button = self.page.get_by_role("button", name=re.compile(f"^Sign in as {name}", re.IGNORECASE))
        await button.focus()
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_role("navigation", name="Main")).to_be_visible()
        # Until the scripts have run, a link just leads to its page.
        await self.page.wait_for_load_state()

    async def sign_out(self) -> None:
        await self.page.get_by_role("button", name="Sign out").click()

    async def ask(self, agent: str, text: str) -> None:
        """Begin a conversation with an agent and send the first message."""
        await self.go(f"/chat/{agent}")
        await self.say(text)

    async def say(self, text: str) -> None:
        """Write into the open conversation and send with Enter."""
        box = self.page.get_by_role("textbox", name="Message to")
        await box.fill(text)
        await box.press("Enter")
        await expect(self.page.locator(".turn").last.locator(".asked")).to_contain_text(text.splitlines()[0][:60])

    async def answer(self) -> str:
        """Return the newest answer once it stands: the run has ended, or it waits for somebody."""
        settled = self.page.locator(".turn").last.locator('[data-answer][aria-busy="false"]')
        await settled.wait_for(timeout=WAIT_MS * 2)
        return await settled.inner_text()

    async def decide(self, button: str, comment: str = "") -> str:
        """Press Approve, Reject or Confirm on the first open card and return what the card says then."""
        card = self.page.locator("[data-approval]", has=self.page.locator("form.decide")).first
        known = await card.get_attribute("data-approval")
        if comment:
            await card.get_by_label("Comment").fill(comment)
        await card.get_by_role("button", name=re.compile(f"^{button}")).click()
        decided = self.page.locator(f'[data-approval="{known}"]:not(:has(form.decide))')
        await decided.wait_for(timeout=WAIT_MS)
        return await decided.inner_text()

    async def open_source(self, number: int) -> str:
        """Open a citation's passage from its chip and return the highlighted text."""
        await self.page.locator(".turn").last.get_by_role("link", name=f"Source {number}:").first.click()
        cited = self.page.locator("dialog[open] #cited")
        await cited.wait_for(timeout=WAIT_MS)
        return await cited.inner_text()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the whole run; without one the test is skipped, or fails where a browser is required."""
    path = chromium.find()
    if path is None:
        told = "No Chromium was found: set CHARTER_TEST_CHROMIUM or run python -m tests.chromium."
        pytest.fail(told) if chromium.REQUIRED else pytest.skip(told)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield opened
        await opened.close()


@asynccontextmanager
async def screen(
    browser: Browser, address: str, *, size: tuple[int, int] = WIDE, **options: Any
) -> AsyncIterator[Screen]:
    """Open a window of its own cookies; afterwards no page may have made the browser complain."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="en-GB", timezone_id="Europe/Berlin", **options
    )
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    opened = Screen(page, address)

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            opened.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page.on("console", hear)
    page.on("pageerror", lambda fault: opened.complaints.append(f"exception: {fault}"))
    page.on("requestfailed", lambda request: opened.complaints.extend(_blocked(request)))
    try:
        yield opened
        assert opened.complaints == []
    finally:
        await context.close()


def _blocked(request: Any) -> list[str]:
    # A stream or a look-up that ends with its page is no fault; one that policy blocks is.
    return [f"blocked: {request.url}"] if "BLOCKED" in (request.failure or "").upper() else []
