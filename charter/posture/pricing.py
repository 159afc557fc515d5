"""Which models have a price: what has none is counted as free, and a budget in money does not bound it."""

from charter.errors import StartRefused
from charter.models.prices import tariff_of
from charter.posture.finding import Finding, ok, refused, unproven
from charter.settings import Costs, Deployment, Settings

_ACTION = "Give it prices (input_price, output_price), or CHARTER_COSTS__RATES where a list price is known."


def prices(tree: Settings) -> list[Finding]:
    """Return what is known of each deployment's price."""
    return [
        _priced(f"prices.{tier}.{each.called}", each, tree.costs)
        for tier, several in tree.models.items()
        for each in several
    ]


def _priced(name: str, deployment: Deployment, costs: Costs) -> Finding:
    try:
        tariff = tariff_of(deployment, costs)
    except StartRefused as fault:
        return refused(name, fault.detail, fault.action)
    if tariff.unpriced:
        return unproven(name, f"{tariff.unpriced} What it answers is counted as free.", _ACTION)
    if not tariff.prices:
        return ok(name, "It computes in the host itself and costs nothing.")
    newest = tariff.prices[0]
    return ok(
        name,
        f"A million tokens cost {newest.input} in and {newest.output} out, times {tariff.rate} in {costs.currency}.",
    )
