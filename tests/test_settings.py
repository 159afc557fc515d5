"""The settings' public names, and which source wins."""

from pathlib import Path

import pytest

from charter import settings
from charter.errors import StartRefused

ONE, OTHER, THIRD = (f"postgresql://charter@{name}.example/charter" for name in ("one", "other", "third"))


@pytest.mark.promise("settings.database")
def test_the_database_is_named_by_its_short_name_by_its_place_in_the_tree_or_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("CHARTER_DATABASE_URL", "CHARTER_DATABASE__URL", "CHARTER_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    assert settings.read().database.url == ""
    file = tmp_path / "settings.yaml"
    file.write_text(f"database: {{url: {ONE}, pool: 3}}\n")
    monkeypatch.setenv("CHARTER_SETTINGS", str(file))
    assert settings.read().database.url == ONE
    monkeypatch.setenv("CHARTER_DATABASE__URL", OTHER)
    assert settings.read().database.url == OTHER
    monkeypatch.setenv("CHARTER_DATABASE_URL", THIRD)
    assert settings.read().database == settings.Database(url=THIRD, pool=3)
    monkeypatch.setenv("CHARTER_DATABASE_URL", "")
    assert settings.read().database.url == OTHER


def test_the_public_address_is_read_as_one_would_write_it() -> None:
    for given in ("HTTPS://Charter.Contoso.example/", " https://charter.contoso.example"):
        assert settings.Http(public_url=given).public_url == "https://charter.contoso.example"
    for wrong in ("charter.contoso.example", "ftp://x", "https://me@charter.contoso.example", "https://x?y"):
        with pytest.raises(ValueError, match="must be an address"):
            settings.Http(public_url=wrong)


def test_a_value_that_is_not_json_is_one_sentence_without_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTER_MODELS", '{"standard": {"api_key": "sk-canary"')
    with pytest.raises(StartRefused) as refused:
        settings.read()
    assert "CHARTER_MODELS is not JSON" in refused.value.detail
    assert "canary" not in f"{refused.value} {refused.value.action} {refused.value.__cause__}"
