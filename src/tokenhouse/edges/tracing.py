"""Tracing: spans go to an OpenTelemetry collector, where the settings name one; wants the extra `otel`."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from tokenhouse.errors import StartRefused
from tokenhouse.flow import spans
from tokenhouse.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span


WAIT_S: Final = 3.0
"""How long a collector that is away may hold up the end of the server."""


@asynccontextmanager
async def traced(settings: Settings) -> AsyncIterator[None]:
    """Send spans to the settings' collector while the block runs, and what is left at its end.

    What OpenTelemetry reads of its own environment holds: `OTEL_EXPORTER_OTLP_HEADERS`,
    `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`.

    Raises: StartRefused `traces_url_invalid`, `otel_absent`.
    """
    if settings.traces_url is None:
        yield
        return
    if not settings.traces_url.startswith(("http://", "https://")):
        raise StartRefused("traces_url_invalid", value=settings.traces_url[:40])
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise StartRefused("otel_absent") from None
    provider = provider_of()
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url, timeout=WAIT_S))
    )
    spans.use(Tracing(provider))
    try:
        yield
    finally:
        spans.use(None)
        await asyncio.to_thread(provider.shutdown)


def provider_of() -> "TracerProvider":
    """Return a provider of tracers that says what this service is."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    told = {"service.name": "tokenhouse", "service.version": version("tokenhouse")}
    return TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)


class Tracing:
    """Our spans as OpenTelemetry's. What fails says so by the name of its error, never by its words."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._kinds = trace.SpanKind
        self._failed = trace.Status(trace.StatusCode.ERROR)
        self._tracer = provider.get_tracer("tokenhouse", version("tokenhouse"))
        self._context = TraceContextTextMapPropagator()

    @contextmanager
    def step(self, name: str, facts: dict[str, Any], *, asks: bool) -> Iterator["Traced"]:
        """Begin a span below the one at work."""
        kind = self._kinds.CLIENT if asks else self._kinds.INTERNAL
        with self._span(name, kind, facts, None) as span:
            yield span

    @contextmanager
    def request(
        self, name: str, facts: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]
    ) -> Iterator["Traced"]:
        """Begin the span of a request, below its caller's."""
        told = {key.decode("latin-1"): value.decode("latin-1") for key, value in headers}
        with self._span(name, self._kinds.SERVER, facts, self._context.extract(told)) as span:
            yield span

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Name the span at work in a request's headers."""
        self._context.inject(headers)

    @contextmanager
    def _span(self, name: str, kind: Any, facts: dict[str, Any], context: Any) -> Iterator["Traced"]:
        """Begin a span and end it."""
        with self._tracer.start_as_current_span(
            name, context, kind=kind, record_exception=False, set_status_on_exception=False
        ) as span:
            told = Traced(span)
            told.tell(**facts)
            try:
                yield told
            except Exception as trouble:
                told.tell(**{spans.ERROR: getattr(trouble, "code", type(trouble).__name__)})
                span.set_status(self._failed)
                raise


class Traced:
    """A span under way."""

    def __init__(self, span: "Span") -> None:
        self._span = span

    def tell(self, **facts: Any) -> None:
        """Say more about it; None is not said."""
        for name, fact in facts.items():
            if fact is not None:
                self._span.set_attribute(name, fact)
