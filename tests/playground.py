"""Find the Agents Playground, Microsoft's own client for developers of agents, or install it from npm.

Its licence lets one evaluate with it: it is a tool of tests alone, and no part of what is shipped. ``python -m
tests.playground`` prints its path, or one sentence that says why the tests with it will not run; they are required nowhere.
"""

import sys
from pathlib import Path

from tests import npm

PLAYGROUND = npm.Tool("playground", Path("node_modules/@microsoft/m365agentsplayground/cli.js"))
MISSING = "There is no Agents Playground: python -m tests.playground installs it, with npm's registry in reach."


def find() -> npm.Found | None:
    """Return the one that is installed from this very lock file, or nothing."""
    return npm.find(PLAYGROUND)


if __name__ == "__main__":
    sys.exit(npm.told(PLAYGROUND, "The tests in a real client use", MISSING, required=False))
