"""The Agents Playground, a real client of Microsoft's, as one person's window on a host that runs on this machine."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml
from playwright.async_api import Browser, Page

from tests import playground

WAIT_MS = 20_000
START_SECONDS = 60
_SEEN = "pattern => new RegExp(pattern).test(document.body.innerText.split('Log Panel')[0])"
_BOT = {"id": "28:charter", "name": "Charter"}
_PEOPLE = ("alice", "bob", "carol", "dora", "trainee", "visitor")
"""The Playground wants at least five beside the one whose window it is."""


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

    async def sees(self, pattern: str, *, within_ms: int = WAIT_MS) -> None:
        """Wait until this stands in the conversation; the log beside it does not count."""
        await self.page.wait_for_function(_SEEN, arg=pattern, timeout=within_ms)

    async def press(self, title: str) -> None:
        """Press a button of the newest card that has one of this title."""
        await self.page.get_by_role("button", name=title, exact=True).last.click()

    async def shot(self, name: str) -> None:
        await self.page.screenshot(path=self.shots / f"{name}.png")


@asynccontextmanager
async def window(
    browser: Browser, tool: playground.npm.Found, folder: Path, address: str, person: str
) -> AsyncIterator[Window]:
    """Open the Playground of a person of contoso on a port of its own, without telemetry."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / f"{person}.yaml"
    config.write_text(yaml.safe_dump(_configured(person)), "utf-8")
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
        await _serving(port)
        page = await browser.new_page(viewport={"width": 1400, "height": 1000})
        await page.goto(f"http://127.0.0.1:{port}/", wait_until="domcontentloaded")
        yield Window(page, folder)
        await page.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), START_SECONDS)


def _configured(person: str) -> dict[str, object]:
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
        "users": [account(name) for name in _PEOPLE if name != person],
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


async def _serving(port: int) -> None:
    """Wait for its page: it listens before it has read its configuration."""
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as http:
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{port}/") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
