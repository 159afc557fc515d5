"""The image's recipe and the README, as far as they can be held without building anything."""

import re
from pathlib import Path

import pytest

from tests.infra import policies


def _instructions(house: Path) -> list[tuple[str, str]]:
    text = (house / "infra/Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.promise("infra.image")
def test_the_image_is_two_stages_of_pinned_packages_and_a_user_by_number(house: Path) -> None:
    told = _instructions(house)
    assert [name for name, _ in told].count("FROM") == 2
    packages, own = (rest for _, rest in told if "pip install" in rest)
    assert "--require-hashes" in packages
    assert "requirements.lock" in packages
    assert "--no-deps --no-build-isolation" in own
    last = [rest for name, rest in told if name == "USER"][-1]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", last)
    assert dict(told)["ENTRYPOINT"] == '["charter"]'
    assert dict(told)["CMD"] == '["serve"]'


@pytest.mark.promise("infra.image")
def test_the_image_gets_what_the_host_needs_and_nothing_of_a_developers_machine(house: Path) -> None:
    copies = [rest.split() for name, rest in _instructions(house) if name == "COPY" and "--from" not in rest]
    copied = {word for words in copies for word in words[:-1]}
    needed = {"requirements.lock", "pyproject.toml", "README.md", "LICENSE", "host.py", "agents", "plugins", "charter"}
    assert copied == needed
    ignored = (house / ".dockerignore").read_text("utf-8").split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


@pytest.mark.promise("infra.readme")
def test_the_readme_names_what_is_deployed_and_what_was_never_run(house: Path) -> None:
    text = (house / "infra/README.md").read_text("utf-8")
    assert "never run" in text
    for role in policies.ROLES.values():
        assert role in text, f"the README does not name the role {role}"
    script = (house / "infra/registrations.py").read_text("utf-8")
    for group in re.findall(r"^(?:DELEGATED|APPLICATION) = \((.*?)\)", script, flags=re.MULTILINE | re.DOTALL):
        for permission in re.findall(r'"([\w.]+)"', group):
            assert f"`{permission}`" in text, f"the README does not name the permission {permission}"
    for variable in re.findall(r"azd env set (\w+)", text):
        assert variable.startswith("CHARTER_"), variable
