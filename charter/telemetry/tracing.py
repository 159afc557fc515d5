"""Spans of runs, sent over OTLP where a collector is configured. No span carries content or secrets."""

import os
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from charter.errors import StartRefused
from charter.settings import Telemetry, quiet_azure_monitor
from charter.telemetry import names

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Attributes = Mapping[str, str | int | tuple[str, ...]]


class Tracing:
    """The host's tracer; ``close`` sends what is left. ``credential`` signs what goes to Application Insights, where only
    known identities may write.
    """

    def __init__(self, settings: Telemetry, credential: "TokenCredential | None" = None) -> None:
        self._provider = TracerProvider(
            # Without a collector spans are not recorded; their ids still join runs, steps and problem documents.
            sampler=sampling.ALWAYS_ON if _sends(settings) else sampling.ALWAYS_OFF,
            resource=Resource.create(
                {
                    "service.name": settings.service_name,
                    # Several processes of one name are told apart by this.
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            ),
            shutdown_on_exit=False,
        )
        for exporter in _exporters(settings, self._provider, credential):
            self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("charter")

    @contextmanager
    def span(
        self,
        operation: str,
        subject: str,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: "Trace | None" = None,
    ) -> Generator[Span]:
        """Open ``<operation> <subject>`` as the current span; an exception marks it by type, without its text."""
        context = trace.set_span_in_context(NonRecordingSpan(parent.context())) if parent else None
        with self._tracer.start_as_current_span(
            f"{operation} {subject}",
            context=context,
            kind=kind,
            attributes={names.OPERATION: operation, **attributes},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as fault:
                span.set_attribute(names.ERROR_TYPE, type(fault).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        self._provider.shutdown()


def _sends(settings: Telemetry) -> bool:
    return bool(settings.otlp_endpoint or settings.azure_monitor.get_secret_value())


def _exporters(
    settings: Telemetry, provider: TracerProvider, credential: "TokenCredential | None"
) -> Iterator[SpanExporter]:
    if settings.otlp_endpoint:
        yield OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
    if monitor := settings.azure_monitor.get_secret_value():
        quiet_azure_monitor()
        # Late: other hosts need not pay for its imports.
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        try:
            # Nothing is kept on the disk: what cannot be sent is lost, as with a collector.
            yield AzureMonitorTraceExporter(
                connection_string=monitor,
                disable_offline_storage=True,
                tracer_provider=provider,
                credential=credential,
            )
        except ValueError:
            # The fault's own text holds the connection string.
            raise StartRefused(
                "CHARTER_TELEMETRY__AZURE_MONITOR is no connection string of Application Insights.",
                action="Copy it from the resource: InstrumentationKey=...;IngestionEndpoint=https://...",
            ) from None


class Trace:
    """Where in a trace something happened: ids in lower-case hexadecimal (W3C Trace Context)."""

    __slots__ = ("span_id", "trace_id")

    def __init__(self, trace_id: str, span_id: str) -> None:
        self.trace_id = trace_id
        self.span_id = span_id

    @classmethod
    def present(cls) -> "Trace":
        """Return the ids of the current span."""
        context = trace.get_current_span().get_span_context()
        return cls(trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id))

    def context(self) -> SpanContext:
        return SpanContext(
            int(self.trace_id, 16), int(self.span_id, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )
