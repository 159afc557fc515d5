"""Find Microsoft's schemas of Teams' manifests, or install them from npm.

``python -m tests.app_manifest`` prints their path, or one sentence that says why packages are checked by our rules alone.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests import npm

SCHEMAS = npm.Tool(
    "app_manifest",
    Path("node_modules/@microsoft/app-manifest/build/json-schemas/teams/v1.29/MicrosoftTeams.schema.json"),
)
MISSING = "There are no schemas of Teams' manifests: python -m tests.app_manifest installs them, with npm's registry in reach."


def find() -> Path | None:
    """Return the folder that has a folder for each version (``v1.29``), or nothing."""
    found = npm.find(SCHEMAS)
    return found.program.parent.parent if found else None


def schema(folder: Path, version: str, kind: str = "") -> Any:
    """Return one schema; ``kind`` is ``Localization.`` for the files of other languages."""
    return json.loads((folder / f"v{version}" / f"MicrosoftTeams.{kind}schema.json").read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(npm.told(SCHEMAS, "The tests of the app package use", MISSING))
