"""Spans and metrics for OpenTelemetry, through its API only: a span for a call, below it one for each request.

Names, counts and settings go there; what was asked and answered, messages of errors and keys never do.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from typing_extensions import override

from pipelex_like.engine.conventions import OPERATIONS, SECONDS, TOKENS, answered, asked, provider_name, server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from pipelex_like.deck import Candidate
    from pipelex_like.engine.conventions import Value
    from pipelex_like.types import Kind
    from pipelex_like.types.records import UsageRecord


class AttemptSpan:
    """One request to a provider. This one records nothing; see `CallSpan`."""

    __slots__ = ()

    def sending(self) -> AbstractContextManager[None]:
        """Make the span current, so that the HTTP client's spans and headers belong to it.

        Enter it around an `await` only: never leave it open across a `yield`, whose caller may be in another context.
        """
        return _NOWHERE

    def end(self, record: UsageRecord, finish_reason: str | None = None) -> None:
        """Close the span with what came of it, and count it in the metrics. A second end is ignored."""


class CallSpan:
    """One call, all its attempts together. This one records nothing: it stands in where nobody listens."""

    __slots__ = ()

    def attempt(
        self, candidate: Candidate, settings: Mapping[str, object], *, endpoint: str | None = None
    ) -> AttemptSpan:
        """Begin a request. Of the `endpoint` only host and port are told."""
        return _SILENT_ATTEMPT

    def end(self, error: BaseException | None = None, *, cached: bool = False) -> None:
        """Close the span; `cached`: no request was needed. A second end is ignored.

        What is no Exception (a cancellation, a closed generator) counts as abandoned, not as a failure.
        """


_NOWHERE: AbstractContextManager[None] = nullcontext()
_SILENT_ATTEMPT = AttemptSpan()
SILENT = CallSpan()
"""The span of a call that nobody watches."""


class Telemetry:
    """Begins the spans of calls. A provider that is configured later is found at the next call."""

    def __init__(self, *, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        """None = the global provider. Needs OpenTelemetry's API where a provider is given."""
        self._signals = None if tracers is None and meters is None else _Signals.of(tracers, meters)
        self._providers: tuple[Callable[[], object], ...] = ()

    @classmethod
    def find(cls) -> Self | None:
        """Give one that goes by the global providers; None where OpenTelemetry's API is not installed.

        This imports none of it.
        """
        from importlib.util import find_spec

        try:
            found = find_spec("opentelemetry.trace") is not None and find_spec("opentelemetry.metrics") is not None
        except ModuleNotFoundError:
            return None
        return cls() if found else None

    def call(self, *, kind: Kind, reference: str, profile: str, request_id: str, output: str | None = None) -> CallSpan:
        """Begin a call, as a child of the span that is current here; `SILENT` where no provider is configured.

        `output` is what was asked for: text, json or image.
        """
        signals = self._signals
        if signals is None:
            if not self._is_configured():
                return SILENT
            signals = self._signals = _Signals.of(None, None)
        from opentelemetry.context import get_current
        from opentelemetry.trace import SpanKind, set_span_in_context

        facts: dict[str, Value] = {
            "pipelex_like.kind": kind,
            "pipelex_like.reference": reference,
            "pipelex_like.profile": profile,
            "pipelex_like.request_id": request_id,
        }
        context = get_current()
        span = signals.tracer.start_span(f"call {reference}", context, SpanKind.INTERNAL, facts)
        output = "image" if kind == "img_gen" else output
        return _WatchedCall(signals, span, set_span_in_context(span, context), OPERATIONS[kind], output)

    def _is_configured(self) -> bool:
        self._providers = self._providers or _providers()
        # The API has no public word for "none was set": its stand-ins are ProxyTracerProvider and _ProxyMeterProvider.
        return any("Proxy" not in type(provider()).__name__ for provider in self._providers)


def _providers() -> tuple[Callable[[], object], ...]:
    # Whoever configures a provider imports one of these; before that, importing them would be 30 ms for nothing.
    if "opentelemetry.trace" not in sys.modules and "opentelemetry.metrics" not in sys.modules:
        return ()
    from opentelemetry.metrics import get_meter_provider
    from opentelemetry.trace import get_tracer_provider

    return get_tracer_provider, get_meter_provider


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signals:
    tracer: Tracer
    duration: Histogram
    tokens: Histogram
    first_chunk: Histogram

    @classmethod
    def of(cls, tracers: TracerProvider | None, meters: MeterProvider | None) -> Self:
        from importlib.metadata import version

        from opentelemetry.metrics import get_meter
        from opentelemetry.trace import get_tracer

        ours = version("pipelex-like")
        meter = get_meter("pipelex_like", ours, meters)
        return cls(
            tracer=get_tracer("pipelex_like", ours, tracers),
            duration=meter.create_histogram(
                "gen_ai.client.operation.duration",
                "s",
                "GenAI operation duration.",
                explicit_bucket_boundaries_advisory=SECONDS,
            ),
            tokens=meter.create_histogram(
                "gen_ai.client.token.usage",
                "{token}",
                "Number of input and output tokens used.",
                explicit_bucket_boundaries_advisory=TOKENS,
            ),
            first_chunk=meter.create_histogram(
                "gen_ai.client.operation.time_to_first_chunk",
                "s",
                "Time from the request to the first chunk of a stream.",
                explicit_bucket_boundaries_advisory=SECONDS,
            ),
        )


class _WatchedCall(CallSpan):
    __slots__ = ("_context", "_ended", "_operation", "_output", "_signals", "_span")

    def __init__(self, signals: _Signals, span: Span, context: Context, operation: str, output: str | None) -> None:
        self._signals = signals
        self._span = span
        self._context = context
        self._operation = operation
        self._output = output
        self._ended = False

    @override
    def attempt(
        self, candidate: Candidate, settings: Mapping[str, object], *, endpoint: str | None = None
    ) -> AttemptSpan:
        from opentelemetry.trace import SpanKind, set_span_in_context

        shared: dict[str, Value] = {
            "gen_ai.operation.name": self._operation,
            "gen_ai.provider.name": provider_name(candidate.backend, candidate.sdk),
            "gen_ai.request.model": candidate.model_id,
            **server(endpoint),
        }
        name = f"{self._operation} {candidate.model_id}"
        span = self._signals.tracer.start_span(name, self._context, SpanKind.CLIENT, shared)
        if span.is_recording():
            span.set_attributes(asked(candidate, settings))
            if self._output is not None:
                span.set_attribute("gen_ai.output.type", self._output)
        return _WatchedAttempt(self._signals, span, set_span_in_context(span, self._context), shared)

    @override
    def end(self, error: BaseException | None = None, *, cached: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        span = self._span
        if cached:
            span.set_attribute("pipelex_like.cached", True)
        if isinstance(error, Exception):
            _mark_failed(span, type(error).__name__)
        span.set_attribute("pipelex_like.outcome", _outcome(error))
        span.end()


class _WatchedAttempt(AttemptSpan):
    __slots__ = ("_context", "_ended", "_shared", "_signals", "_span")

    def __init__(self, signals: _Signals, span: Span, context: Context, shared: dict[str, Value]) -> None:
        self._signals = signals
        self._span = span
        self._context = context
        self._shared = shared
        self._ended = False

    @override
    def sending(self) -> AbstractContextManager[None]:
        return _current(self._context)

    @override
    def end(self, record: UsageRecord, finish_reason: str | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        span = self._span
        if span.is_recording():
            span.set_attributes(answered(record, finish_reason))
            if record.error is not None:
                _mark_failed(span, record.error)
        self._count(record)
        span.end()

    def _count(self, record: UsageRecord) -> None:
        signals, shared, context = self._signals, self._shared, self._context
        outcome = shared if record.error is None else {**shared, "error.type": record.error}
        signals.duration.record(record.latency, outcome, context)
        if record.streamed and record.first_token is not None:
            signals.first_chunk.record(record.first_token, shared, context)
        if not record.measured:  # The conventions want no count that the provider did not give.
            return
        for kind, count in (("input", record.usage.input_tokens), ("output", record.usage.output_tokens)):
            if count:
                signals.tokens.record(count, {**shared, "gen_ai.token.type": kind}, context)


@contextmanager
def _current(context: Context) -> Generator[None]:
    from opentelemetry.context import attach, detach

    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def _mark_failed(span: Span, error: str) -> None:
    # No description and no exception event: a provider's message may quote the prompt.
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    return "failed" if isinstance(error, Exception) else "abandoned"
