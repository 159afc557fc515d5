"""Find Azurite, Microsoft's own emulator of Blob Storage, or install it from npm.

``python -m tests.azurite`` prints its path, or one sentence that says why the tests of Blob Storage will not run.
"""

import sys
from pathlib import Path

from tests import npm

AZURITE = npm.Tool("azurite", Path("node_modules/azurite/dist/src/blob/main.js"))
REQUIRED = npm.REQUIRED
MISSING = "There is no Azurite: python -m tests.azurite installs it, with Node 22 or newer and npm's registry in reach."


def find() -> npm.Found | None:
    """Return the one that is installed from this very lock file, or nothing."""
    return npm.find(AZURITE)


if __name__ == "__main__":
    sys.exit(npm.told(AZURITE, "The tests of Blob Storage use", MISSING))
