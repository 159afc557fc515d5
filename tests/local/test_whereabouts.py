"""What a host tells of itself to commands on the same machine, and to nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from charter.local import whereabouts
from charter.settings import Database, External, Identity, Secrets, Settings


def told(folder: Path, **fields: Any) -> dict[str, Any]:
    whereabouts.write(Settings(data_dir=folder, **fields), "http://localhost:1", [])
    return json.loads((folder / "host.json").read_bytes())


@pytest.mark.promise("secrets.canaries")
@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("postgresql://charter:canary-7@db:5432/charter?sslmode=require", "postgresql://charter@db:5432/charter?sslmode=require"),
        ("postgresql://charter@db/charter?password=canary-7&sslmode=require", "postgresql://charter@db/charter?sslmode=require"),
        ("postgresql:///charter?host=/run/x&pass%77ord=canary-7", "postgresql:///charter?host=/run/x"),
        ("postgresql://charter@db/charter?sslpassword=canary-7", "postgresql://charter@db/charter"),
        ("postgresql:///charter?host=/run/x", "postgresql:///charter?host=/run/x"),
        ("keyvault:database", "keyvault:database"),
    ],
)  # fmt: skip
def test_no_password_of_the_database_is_told(tmp_path: Path, address: str, left: str) -> None:
    assert told(tmp_path, database=Database(url=address))["database"] == left


@pytest.mark.promise("secrets.canaries")
def test_no_other_address_tells_who_comes_there(tmp_path: Path) -> None:
    with_user = "https://charter:canary-7@parts.contoso.example/at"
    external = External(authority=with_user, tid="customers", tenant="contoso")
    found = told(
        tmp_path,
        identity=Identity(authority=with_user, external={"customers": external}),
        plugin_urls={"people": with_user, "meter": "http://localhost:2"},
        secrets=Secrets(vault_url=with_user),
    )
    bare = "https://parts.contoso.example/at"
    assert (found["entra"], found["external"]["customers"]["authority"], found["vault"]) == (bare, bare, bare)
    assert found["plugins"] == {"people": bare, "meter": "http://localhost:2"}


@pytest.mark.promise("secrets.canaries")
def test_the_file_is_its_owners_alone_whatever_lay_there(tmp_path: Path) -> None:
    for name in ("host.json", "host.part"):
        (tmp_path / name).touch(mode=0o644)
    told(tmp_path)
    assert (tmp_path / "host.json").stat().st_mode & 0o777 == 0o600
