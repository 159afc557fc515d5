"""What a span tells of a model's turn: who answered, and who failed before, and nothing that anybody said."""

from datetime import UTC, datetime

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from charter import settings
from charter.models.chat import Attempt, Reply, Usage
from charter.models.route import open_route
from charter.runs import answering

SAID = "the salary of walter"


async def _span() -> ReadableSpan:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tier = [settings.Deployment(kind="openai", name=n, model=f"m-{n}", base_url="http://[::1]:9/v1") for n in "ab"]
    route = open_route("standard", tier, None)
    failed = Attempt("a", "busy", "The model is busy.", datetime(2026, 5, 1, tzinfo=UTC), Usage(3, 0))
    reply = Reply(SAID, (), Usage(7, 2), "m-b-2026", "yours", "stop", "b", (failed,))
    with provider.get_tracer("t").start_as_current_span("chat") as span:
        answering.tell(span, route, reply)
    await route.close()
    return kept.get_finished_spans()[0]


@pytest.mark.promise("models.answered")
async def test_a_span_tells_who_answered_and_who_failed_before_without_content() -> None:
    span = await _span()
    told = dict(span.attributes or {})
    assert (told["charter.deployment"], told["gen_ai.request.model"]) == ("b", "m-b")
    assert told["gen_ai.response.model"] == "m-b-2026"
    [event] = span.events
    assert (event.name, dict(event.attributes or {})) == (
        "charter.attempt",
        {"charter.deployment": "a", "charter.attempt.why": "busy"},
    )
    assert event.timestamp == int(datetime(2026, 5, 1, tzinfo=UTC).timestamp()) * 10**9
    assert SAID not in span.to_json()


@pytest.mark.promise("models.answered")
def test_the_journal_keeps_our_words_of_what_failed() -> None:
    failed = Attempt("a", "slow", "The model did not answer in time.", datetime(2026, 5, 1, tzinfo=UTC), Usage(3, 1))
    assert answering.told([failed]) == [
        {
            "deployment": "a",
            "why": "slow",
            "detail": "The model did not answer in time.",
            "at": "2026-05-01T00:00:00.000Z",
        }
    ]
    assert answering.used([failed], Usage(10, 20)) == Usage(13, 21)
