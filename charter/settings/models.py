"""Which models there are, where they compute, and what they cost."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import orjson
from pydantic import BeforeValidator, Field, SecretStr

from charter.settings.section import Section

Tier = Literal["standard", "fast", "reasoning"]
Kind = Literal["openai", "azure_openai", "anthropic", "mistral", "embedded", "scripted", "recorded"]


class Price(Section):
    """What a million tokens cost from the day ``since`` on. What is read from the maker's cache, or written to it, costs
    as other input does where nothing else is said.
    """

    since: date = date.min
    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cached_input: Decimal | None = Field(default=None, ge=0)
    cache_write: Decimal | None = Field(default=None, ge=0)


class Deployment(Section):
    """One model somewhere. ``name`` is what the journal calls it (empty: the kind and the model).

    Of a tier's deployments those with the lowest ``priority`` are asked first, each in proportion to its ``weight``; one
    of weight 0 only when all others fail. ``prices`` (or the two plain ones) are per million tokens in ``currency``
    (empty: the house's); without any the table of the makers' list prices is asked, and an unpriced one is counted as
    zero. ``region`` is where it computes: a tenant with a residency is served by deployments of its regions only.
    ``max_output_tokens`` bounds an answer where a maker wants a bound.
    ``recording``: the file that ``recorded`` answers from; for any other kind, where its traffic is recorded.
    """

    kind: Kind = "embedded"
    name: str = ""
    model: str = "embedded"
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    api_version: str = "2024-10-21"
    script: Path | None = None
    recording: Path | None = None
    priority: int = Field(default=0, ge=0)
    weight: int = Field(default=1, ge=0)
    input_price: Decimal = Decimal(0)
    output_price: Decimal = Decimal(0)
    prices: tuple[Price, ...] = ()
    currency: str = ""
    region: str = ""
    max_output_tokens: int = Field(default=4096, ge=1)
    timeout_seconds: float = Field(default=60, gt=0)

    @property
    def called(self) -> str:
        """The name that journal, spans and sentences use."""
        return self.name or f"{self.kind}:{self.model}"

    def serves(self, residency: Collection[str] | None) -> bool:
        """Whether data may go there that is to stay in these regions; where it computes must be said. ``None``: anywhere."""
        return residency is None or (self.region != "" and self.region in residency)


class Costs(Section):
    """``currency`` is what the house counts in. ``rates`` say what one unit of another currency is worth in it: makers
    publish their prices in USD.
    """

    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$")
    rates: dict[str, Annotated[Decimal, Field(gt=0)]] = {}

    def rate(self, currency: str) -> Decimal | None:
        """Return what one unit of that currency is worth; ``None``: nobody says."""
        return Decimal(1) if currency == self.currency else self.rates.get(currency)


def _several(value: Any) -> Any:
    """Take one deployment for a tier of one, and read a list that the environment gives as JSON."""
    if isinstance(value, str):
        value = orjson.loads(value)
    return (cast("Any", value),) if isinstance(value, (Mapping, Deployment)) else value


Deployments = Annotated[tuple[Deployment, ...], BeforeValidator(_several), Field(min_length=1)]
"""The deployments of one tier; a single one may stand without a list."""
