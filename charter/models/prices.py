"""What an answer costs: the price of the day, in the house's currency.

``prices.yaml`` beside this file holds the makers' public list prices; what settings say of a deployment comes before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml
from pydantic import TypeAdapter

from charter import settings
from charter.errors import StartRefused
from charter.models.chat import Usage

_MILLION = 1_000_000
_FREE = frozenset({"embedded", "scripted", "recorded"})
_PUBLIC = {"openai": "api.openai.com", "anthropic": "api.anthropic.com", "mistral": "api.mistral.ai"}
"""Whose list prices are known, and where they hold: another address, or a customer's own name for a model at Azure, says
nothing of what is paid there.
"""


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of one deployment, the newest first; ``rate`` turns them into the house's currency. ``unpriced`` says why
    there are none.
    """

    prices: tuple[settings.Price, ...] = ()
    rate: Decimal = Decimal(1)
    unpriced: str = ""

    def cost(self, usage: Usage, day: date) -> Decimal:
        """Return the price of one answer by what was valid on that day; before all of them, nothing was."""
        price = next((each for each in self.prices if each.since <= day), None)
        if price is None:
            return Decimal(0)
        plain = max(usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens, 0)
        spent = (
            plain * price.input
            + usage.cached_tokens * _or(price.cached_input, price.input)
            + usage.cache_write_tokens * _or(price.cache_write, price.input)
            + usage.output_tokens * price.output
        )
        return spent * self.rate / _MILLION


def _or(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price


def tariff_of(deployment: settings.Deployment, costs: settings.Costs) -> Tariff:
    """Return what a deployment's answers cost.

    Raises:
        StartRefused: it is priced in a currency that settings have no rate for.
    """
    if own := _own(deployment):
        currency = deployment.currency or costs.currency
        if (rate := costs.rate(currency)) is None:
            raise StartRefused(
                f"The model {deployment.called} is priced in {currency}, and costs are counted in {costs.currency}.",
                action=f"Set CHARTER_COSTS__RATES to what one {currency} is worth, "
                f'e.g. {{"{currency}": "0.90"}}, or give the prices in {costs.currency}.',
            )
        return Tariff(own, rate)
    if deployment.kind in _FREE:
        return Tariff()
    listed = list_prices(deployment)
    rate = costs.rate("USD")
    if not listed:
        return Tariff(unpriced="Settings give no price, and no list price of it is known.")
    if rate is None:
        return Tariff(unpriced="Its list price is in USD, and settings do not say what a dollar is worth.")
    return Tariff(listed, rate)


def _own(deployment: settings.Deployment) -> tuple[settings.Price, ...]:
    if deployment.prices:
        return _newest_first(deployment.prices)
    if {"input_price", "output_price"} & deployment.model_fields_set:
        return (settings.Price(input=deployment.input_price, output=deployment.output_price),)
    return ()


def list_prices(deployment: settings.Deployment) -> tuple[settings.Price, ...]:
    """Return the maker's list prices of a model that is asked at the maker's own public address."""
    if urlsplit(deployment.base_url).hostname not in {None, _PUBLIC.get(deployment.kind)}:
        return ()
    rows = [row for row in _table() if row[0] == deployment.kind and row[1].fullmatch(deployment.model)]
    return _newest_first([row[2] for row in rows])


def _newest_first(prices: Sequence[settings.Price]) -> tuple[settings.Price, ...]:
    return tuple(sorted(prices, key=lambda price: price.since, reverse=True))


@cache
def _table() -> list[tuple[str, re.Pattern[str], settings.Price]]:
    read = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text("utf-8"))
    price = TypeAdapter(settings.Price)
    rows: list[tuple[str, re.Pattern[str], settings.Price]] = []
    for maker, block in cast("dict[str, dict[str, Any]]", read).items():
        for row in cast("list[dict[str, Any]]", block["models"]):
            pattern = re.compile(str(row.pop("model")))
            rows.append((maker, pattern, price.validate_python({k: str(v) for k, v in row.items()})))
    return rows
