"""The Agents Playground, a real client of Microsoft's, as one person's window on a host that runs on this machine."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from playwright.async_api import Browser, Locator, Page, expect

from tests import playground

WAIT_MS = 20_000
START_SECONDS = 60
_BOT = {"id": "28:charter", "name": "Charter"}


@dataclass(slots=True)
class Window:
    """One person's Teams, as far as the Playground shows it. ``shots`` takes pictures."""

    page: Page
    shots: Path

    async def say(self, text: str) -> None:
        box = self.page.locator("[contenteditable=true]").first
        await box.click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def mention(self, text: str) -> None:
        """Write to the bot where others read along."""
        box = self.page.locator("[contenteditable=true]").first
        await box.click()
        await self.page.keyboard.type("@")
        await self.page.get_by_text(_BOT["name"], exact=True).last.click()
        await self.page.keyboard.type(f" {text}")
        await self.page.keyboard.press("Enter")

    async def go(self, chat: str) -> None:
        await self.page.get_by_role("treeitem", name=chat).click()

    def said(self, text: str | re.Pattern[str]) -> Locator:
        """Return what stands in the conversation, the newest last; the log beside it does not count."""
        return self.page.get_by_text(text).and_(self.page.locator("body *:not([class*=log] *)")).last

    async def sees(self, text: str | re.Pattern[str], *, within_ms: int = WAIT_MS) -> None:
        await expect(self.said(text)).to_be_visible(timeout=within_ms)

    async def press(self, title: str) -> None:
        """Press a button of the newest card that has one of this title."""
        await self.page.get_by_role("button", name=title, exact=True).last.click()

    async def shot(self, name: str) -> None:
        await self.page.screenshot(path=self.shots / f"{name}.png")


@asynccontextmanager
async def window(
    browser: Browser, tool: playground.npm.Found, folder: Path, address: str, person: str, others: tuple[str, ...]
) -> AsyncIterator[Window]:
    """Open the Playground of a person of contoso on a port of its own, without telemetry."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / f"{person}.yaml"
    config.write_text(yaml.safe_dump(_configured(person, others)), "utf-8")
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        str(tool.node), str(tool.program), "start", "-e", f"{address}/api/messages", "-c", "msteams", "-p", str(port),
        "--disable-telemetry", "--er", "true", cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder), "TEAMSAPPTESTER_BROWSER": "none", "TZ": "UTC",
            "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(config),
            "M365_AGENTS_PLAYGROUND_LOGFILE": str(folder / f"{person}.log"),
        },
    )  # fmt: skip
    try:
        await _listening(port)
        page = await browser.new_page(viewport={"width": 1400, "height": 1000})
        await page.goto(f"http://127.0.0.1:{port}/", wait_until="domcontentloaded")
        yield Window(page, folder)
        await page.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), START_SECONDS)


def _configured(person: str, others: tuple[str, ...]) -> dict[str, object]:
    def account(name: str) -> dict[str, str]:
        return {
            "id": f"29:{name}",
            "name": name.capitalize(),
            "userPrincipleName": f"{name}@contoso.example",
            "aadObjectId": name,
            "givenName": name.capitalize(),
            "surname": "",
            "email": f"{name}@contoso.example",
        }

    return {
        "version": "0.1.1",
        "tenantId": "contoso",
        "bot": _BOT,
        "currentUser": account(person),
        "users": [account(name) for name in others],
        "personalChat": {"id": f"a:personal-{person}"},
        "groupChat": {"id": f"19:group-{person}", "name": "Group Chat"},
        "team": {
            "id": f"19:team-{person}",
            "name": "My Team",
            "aadGroupId": "00000000-0000-0000-0000-000000000031",
            "channels": [{"id": f"19:channel-{person}", "name": "Announcements"}],
        },
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.2)
            else:
                writer.close()
                return
