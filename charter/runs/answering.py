"""Who answers a model turn and who did not, for the journal and for spans. Nothing here has content."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from opentelemetry.trace import Span

from charter.models.chat import Attempt, Reply, Usage
from charter.models.deployments import Deployed
from charter.models.route import Route
from charter.runs.run import timestamp
from charter.telemetry import names


def asked(likely: Deployed | None) -> tuple[str, Mapping[str, str]]:
    """Return the subject and the attributes of a span before it is known who answers."""
    if likely is None:
        return "nobody", {}
    return likely.model, _who(likely)


def _who(deployed: Deployed) -> Mapping[str, str]:
    return {
        names.PROVIDER: deployed.provider,
        names.SYSTEM: deployed.provider,
        names.REQUEST_MODEL: deployed.model,
        names.DEPLOYMENT: deployed.name,
    }


def tell(span: Span, route: Route, reply: Reply) -> None:
    """Let the span tell who answered, with what, and who was asked before."""
    tell_attempts(span, reply.attempts)
    span.set_attributes(
        {
            **_who(route.named(reply.deployment)),
            names.RESPONSE_MODEL: reply.model,
            names.INPUT_TOKENS: reply.usage.input_tokens,
            names.OUTPUT_TOKENS: reply.usage.output_tokens,
            names.FINISH_REASONS: (reply.finish_reason,),
        }
    )


def tell_attempts(span: Span, attempts: Iterable[Attempt]) -> None:
    for each in attempts:
        moment = int(each.at.timestamp() * 1e9)
        span.add_event(names.ATTEMPT, {names.DEPLOYMENT: each.deployment, names.WHY: each.why}, timestamp=moment)


def told(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """Return what the journal keeps of attempts that gave no answer."""
    return [
        {"deployment": each.deployment, "why": each.why, "detail": each.detail, "at": timestamp(each.at)}
        for each in attempts
    ]


def used(attempts: Iterable[Attempt], answer: Usage | None = None) -> Usage:
    """Return what a turn used: its answer, and the attempts before it as far as that is known."""
    several = [each.usage for each in attempts] + ([answer] if answer else [])
    return Usage(
        sum(each.input_tokens for each in several),
        sum(each.output_tokens for each in several),
        sum(each.cached_tokens for each in several),
        sum(each.cache_write_tokens for each in several),
    )


def usage(counted: Usage, cost: Decimal) -> dict[str, Any]:
    """Return a model step's ``usage``; of what a cache gave or took only where there is any."""
    tokens = {"input_tokens": counted.input_tokens, "output_tokens": counted.output_tokens}
    cached = {"cached_tokens": counted.cached_tokens, "cache_write_tokens": counted.cache_write_tokens}
    return {**tokens, **{name: count for name, count in cached.items() if count}, "cost": f"{cost:.6f}"}
