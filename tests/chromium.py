"""Find a Chromium for the browser tests, or install one: Playwright's where the network allows, Debian's where it may.

``python -m tests.chromium`` prints its path, or one sentence that says why the browser part will not run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
REQUIRED = os.environ.get("CI") == "true" or os.environ.get("CHARTER_REQUIRE_BROWSER") == "1"
INSTALL_SECONDS = 300


def find() -> str | None:
    """Return the path of a Chromium, or ``None``."""
    given = os.environ.get("CHARTER_TEST_CHROMIUM")
    if given:
        return given if Path(given).exists() else None
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return _playwrights()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str | None:
    """Try to install one; return its path, or ``None``."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempts += [
            ["sh", "-c", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium"]
        ]
    for command in attempts:
        try:
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=INSTALL_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if path := find():
            return path
    return None


def main() -> int:
    path = find() or install()
    if path:
        sys.stdout.write(f"The browser tests use {path}.\n")
        return 0
    sys.stdout.write("No Chromium was found and none could be installed, so the browser tests will not run.\n")
    return 1 if REQUIRED else 0


if __name__ == "__main__":
    sys.exit(main())
