"""A folder as a drive: its files and folders as drive items. A delta tells no paths, only ids of parents, as Graph's does."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from charter.twins.drive.refusals import missing

SHARING = ".permissions.yaml"


@dataclass(frozen=True, slots=True)
class Library:
    """One drive of a tenant."""

    folder: Path
    drive: str

    def items(self) -> Iterator[tuple[str, Path]]:
        """Yield path (empty at the top) and place of everything, parents before what lies in them."""
        yield "", self.folder
        for place in sorted(self.folder.rglob("*")):
            if place.is_symlink() or place == self.folder / SHARING:
                continue
            yield place.relative_to(self.folder).as_posix(), place

    def find(self, key: str) -> tuple[str, Path]:
        """Raises ``Refused`` where there is no item of this id."""
        for path, place in self.items():
            if self.key(path) == key:
                return path, place
        raise missing()

    def key(self, path: str) -> str:
        """Return the id of what lies there: as opaque as Graph's."""
        return "01" + sha256(f"{self.drive}/{path}".encode()).hexdigest()[:32].upper()

    def told(self, path: str, place: Path) -> dict[str, Any]:
        """Return the drive item."""
        known, key = place.stat(), self.key(path)
        item: dict[str, Any] = {
            "id": key,
            "name": place.name if path else "root",
            "size": known.st_size if place.is_file() else 0,
            "eTag": f'"{{{key}}},{known.st_mtime_ns}"',
            "webUrl": f"https://contoso.sharepoint.example/{quote(self.drive)}/{quote(path)}",
        }
        if not path:
            return item | {"root": {}, "folder": {"childCount": 0}, "parentReference": {"driveId": self.drive}}
        parent = {"driveId": self.drive, "driveType": "documentLibrary", "id": self.key(path.rpartition("/")[0])}
        item["parentReference"] = parent
        if place.is_dir():
            return item | {"folder": {"childCount": sum(1 for _ in place.iterdir())}}
        digest = sha256(place.read_bytes()).hexdigest()[:32]
        return item | {"cTag": f'"c:{{{key}}},{digest}"', "file": {"mimeType": "application/octet-stream"}}


def opened(folder: Path, tenant: str, drive: str) -> Library:
    """Return a drive of the tenant.

    Raises:
        Refused: it has none of this id.
    """
    place = folder / tenant / drive
    if not drive or drive.startswith(".") or "/" in drive or not place.is_dir():
        raise missing("The resource could not be found.")
    return Library(place, drive)
