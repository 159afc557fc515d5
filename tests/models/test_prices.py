"""What an answer costs, on its day and in the house's currency."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from charter import settings
from charter.errors import StartRefused
from charter.models.chat import Usage
from charter.models.prices import list_prices, tariff_of

DOLLARS = settings.Costs(currency="USD")
DAY = date(2026, 6, 1)


def deployment(**said: Any) -> settings.Deployment:
    return settings.Deployment(**{"kind": "openai", "model": "own", "base_url": "http://models.example/v1", **said})


@pytest.mark.promise("models.cost")
def test_the_price_of_the_day_counts() -> None:
    prices = [
        {"since": date(2026, 5, 1), "input": 4, "output": 8},
        {"since": date(2025, 1, 1), "input": 2, "output": 1},
    ]
    tariff = tariff_of(deployment(prices=prices), DOLLARS.model_copy(update={"currency": "EUR"}))
    used = Usage(1_000_000, 500_000)
    assert tariff.cost(used, date(2026, 4, 30)) == Decimal("2.5")
    assert tariff.cost(used, date(2026, 5, 1)) == 8
    assert tariff.cost(used, date(2024, 12, 31)) == 0


@pytest.mark.promise("models.cost")
def test_what_is_read_from_the_cache_or_written_there_has_its_own_rate() -> None:
    price = {"input": 10, "output": 0, "cached_input": 1, "cache_write": 12}
    used = Usage(1_000_000, 0, cached_tokens=400_000, cache_write_tokens=100_000)
    assert tariff_of(deployment(prices=[price]), DOLLARS).cost(used, DAY) == Decimal(5) + Decimal("0.4") + Decimal(
        "1.2"
    )
    plain = {"input": 10, "output": 0}
    assert tariff_of(deployment(prices=[plain]), DOLLARS).cost(used, DAY) == 10


@pytest.mark.promise("models.currency")
def test_prices_in_another_currency_need_a_rate() -> None:
    dollars = deployment(input_price=Decimal(2), currency="USD")
    with pytest.raises(StartRefused, match="priced in USD, and costs are counted in EUR") as caught:
        tariff_of(dollars, settings.Costs())
    assert "CHARTER_COSTS__RATES" in caught.value.action
    rated = settings.Costs(rates={"USD": Decimal("0.9")})
    assert tariff_of(dollars, rated).cost(Usage(1_000_000, 0), DAY) == Decimal("1.8")


@pytest.mark.promise("models.prices")
def test_list_prices_hold_at_the_makers_own_address_only() -> None:
    mini = settings.Deployment(kind="openai", model="gpt-4.1-mini")
    assert tariff_of(mini, DOLLARS).cost(Usage(1_000_000, 1_000_000, 1_000_000), DAY) == Decimal("1.70")
    assert list_prices(mini.model_copy(update={"base_url": "https://api.openai.com/v1"}))
    for other in ({"base_url": "http://models.example/v1"}, {"kind": "azure_openai"}, {"model": "gpt-4.1-minimal"}):
        assert list_prices(mini.model_copy(update=other)) == ()


@pytest.mark.promise("models.prices")
def test_an_unpriced_deployment_says_why() -> None:
    unknown = tariff_of(deployment(), DOLLARS)
    assert (unknown.cost(Usage(5, 5), DAY), "no list price" in unknown.unpriced) == (0, True)
    listed = tariff_of(settings.Deployment(kind="anthropic", model="claude-haiku-4-5"), settings.Costs())
    assert "what a dollar is worth" in listed.unpriced
    assert tariff_of(settings.Deployment(), settings.Costs()).unpriced == ""
    free = tariff_of(deployment(input_price=Decimal(0)), settings.Costs())
    assert free.unpriced == ""


def test_settings_take_two_deployments_of_a_tier_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    several = (
        '[{"kind": "azure_openai", "name": "eu", "model": "gpt", "base_url": "https://eu.example", "region": "westeurope"},'
        ' {"kind": "anthropic", "name": "spare", "model": "claude-haiku-4-5", "weight": 0}]'
    )
    monkeypatch.setenv("CHARTER_MODELS__STANDARD", several)
    monkeypatch.setenv("CHARTER_COSTS__RATES", '{"USD": "0.86"}')
    tree = settings.read()
    assert [each.called for each in tree.models["standard"]] == ["eu", "spare"]
    assert tree.costs.rate("USD") == Decimal("0.86")
