"""The documents of the evaluation: fetched as they were pinned, and read as Markdown."""

import subprocess
import sys
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from charter.errors import Unavailable
from charter.knowledge.evaluation.documents import NAUTOBOT, Package, fetched, markdown_of, unpack
from charter.settings import process_environment

PAGE = """<html><body><nav>Menu</nav><article><h1>Tokens<a class="headerlink" href="#tokens">¶</a></h1>
<p>A token is mapped to <a href="/users">a user account</a> and has 40 characters. Each user may have one or more of them,
and each can be set to expire at a specific time.</p>
<table><tr><th>Field</th><th>Meaning</th></tr><tr><td>Key</td><td>The secret</td></tr></table>
<pre><code>MAX_PAGE_SIZE = 1000</code></pre></article></body></html>"""
MOVED = (
    '<html><head><meta http-equiv="refresh" content="0; url=../x/"></head><body><article>Moved</article></body></html>'
)


@pytest.fixture
def shipped(tmp_path: Path) -> tuple[Package, Path]:
    """A package with two pages, a redirect and a page that does not belong to the set."""
    package = Package("manual", "1.0", "", "MIT", "manual/docs/", ("guide/", "index.html"))
    wheel = tmp_path / "manual-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("guide/tokens.html", "index.html", "internal/api.html"):
            archive.writestr(f"manual/docs/{name}", PAGE)
        archive.writestr("manual/docs/guide/old.html", MOVED)
        archive.writestr("manual/code.py", "x = 1")
    return replace(package, digest=sha256(wheel.read_bytes()).hexdigest()), wheel


@pytest.mark.promise("knowledge.evaluated")
def test_the_pages_of_the_set_become_readable_documents(shipped: tuple[Package, Path], tmp_path: Path) -> None:
    package, wheel = shipped
    assert fetched(package, wheel.parent) == wheel
    assert unpack(package, wheel, tmp_path / "out") == ["guide/tokens.md", "index.md"]

    text = (tmp_path / "out" / "guide" / "tokens.md").read_text("utf-8")
    assert text.startswith("---\nreaders: [tenant]\n")
    assert "# Tokens\n" in text
    assert "a user account and has 40 characters" in text
    assert "| Key | The secret |" in text
    assert "MAX_PAGE_SIZE = 1000" in text
    assert "Menu" not in text
    assert markdown_of(MOVED) is None


@pytest.mark.promise("knowledge.evaluated")
def test_another_package_than_the_pinned_one_is_refused(shipped: tuple[Package, Path]) -> None:
    package, wheel = shipped
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("manual/docs/guide/planted.html", PAGE)

    with pytest.raises(Unavailable, match="not those that were pinned"):
        fetched(package, wheel.parent)


@pytest.mark.promise("knowledge.evaluated")
def test_without_a_network_the_command_says_so_and_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "charter.cli", "eval", "knowledge"]
    offline = {"PIP_NO_INDEX": "1", "CHARTER_DATA_DIR": str(tmp_path)}
    told = subprocess.run(
        command, env=process_environment() | offline, capture_output=True, text=True, timeout=60, check=False
    )

    assert told.returncode != 0
    assert f"The documents of {NAUTOBOT.name} {NAUTOBOT.version} could not be fetched" in told.stderr
    assert "Traceback" not in told.stderr
