"""What goes to OpenTelemetry, seen with its real SDK."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from pipelex_like.deck import Candidate, ModelSpec
from pipelex_like.engine import conventions, telemetry
from pipelex_like.engine.background import Background
from pipelex_like.engine.conventions import PROVIDERS, provider_name
from pipelex_like.engine.telemetry import SILENT, Telemetry
from pipelex_like.types import FrozenDict, Usage
from pipelex_like.types.records import UsageRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from opentelemetry.sdk.trace import ReadableSpan

    from pipelex_like.engine.telemetry import CallSpan

DOCS = Path(__file__).parents[2] / "docs" / "telemetry.md"


class Watch:
    """A telemetry with everything that it told."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.telemetry = Telemetry(tracers=self.tracers, meters=self.meters)

    def call(self, reference: str = "@best", output: str | None = None) -> CallSpan:
        return self.telemetry.call(kind="llm", reference=reference, profile="main", request_id="req_1", output=output)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def points(self, metric: str) -> list[HistogramDataPoint]:
        data = self.reader.get_metrics_data()
        return [
            cast("HistogramDataPoint", point)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
        ]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def candidate(backend: str = "azure_openai", sdk: str = "azure_openai", model_id: str = "gpt-5") -> Candidate:
    return Candidate(
        handle="gpt",
        backend=backend,
        model_id=model_id,
        sdk=sdk,
        spec=ModelSpec(handle="gpt", kind="llm", backend=backend, model_id=model_id, sdk=sdk),
    )


def record(**facts: object) -> UsageRecord:
    given: dict[str, object] = {
        "at": 1_700_000_000.0,
        "request_id": "req_1",
        "attempt": 1,
        "kind": "llm",
        "reference": "@best",
        "profile": "main",
        "backend": "azure_openai",
        "handle": "gpt",
        "model_id": "gpt-5",
        "sdk": "azure_openai",
        "outcome": "ok",
        "usage": Usage(input_tokens=100, output_tokens=40, cached_tokens=60, reasoning_tokens=7),
        "latency": 1.5,
    }
    return UsageRecord(**{**given, **facts})  # type: ignore[arg-type]


def test_a_call_is_a_span_with_one_child_per_attempt(watch: Watch) -> None:
    call = watch.call()
    for number, name in enumerate(("one", "two"), start=1):
        call.attempt(candidate(model_id=name), {}).end(record(attempt=number))
    call.end()

    spans = watch.spans()
    whole, first, second = spans["call @best"], spans["chat one"], spans["chat two"]
    assert whole.kind is SpanKind.INTERNAL and whole.parent is None
    assert dict(whole.attributes or {}) == {
        "pipelex_like.kind": "llm",
        "pipelex_like.reference": "@best",
        "pipelex_like.profile": "main",
        "pipelex_like.request_id": "req_1",
        "pipelex_like.outcome": "ok",
    }
    for attempt in (first, second):
        assert attempt.kind is SpanKind.CLIENT
        assert attempt.parent is not None and attempt.parent.span_id == whole.context.span_id


def test_an_answered_attempt_says_all_that_the_conventions_ask(watch: Watch) -> None:
    call = watch.call(output="json")
    attempt = call.attempt(
        candidate(),
        {"temperature": 0, "max_tokens": 64, "top_p": 0.5, "seed": 7, "stop": ["END"], "user": "u-1"},
        endpoint="https://user:pass@west.openai.example/openai?key=abc",
    )
    attempt.end(
        record(
            cost=Decimal("0.0125"),
            streamed=True,
            first_token=0.25,
            provider_request_id="chatcmpl-1",
            preset="calm",
            tags=("nightly",),
        ),
        "stop",
    )
    call.end()

    assert dict(watch.spans()["chat gpt-5"].attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.output.type": "json",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "server.address": "west.openai.example",
        "server.port": 443,
        "pipelex_like.attempt": 1,
        "pipelex_like.backend": "azure_openai",
        "pipelex_like.handle": "gpt",
        "pipelex_like.preset": "calm",
        "pipelex_like.cost": 0.0125,
        "pipelex_like.measured": True,
        "pipelex_like.outcome": "ok",
        "pipelex_like.tags": ("nightly",),
    }


def test_settings_that_are_no_numbers_are_left_out(watch: Watch) -> None:
    watch.call().attempt(candidate(), {"max_tokens": "auto", "temperature": None, "seed": True}).end(record())
    attributes = watch.spans()["chat gpt-5"].attributes or {}
    assert not [name for name in attributes if name.startswith("gen_ai.request.") and name != "gen_ai.request.model"]


@pytest.mark.parametrize(
    ("endpoint", "server"),
    [
        ("http://127.0.0.1:8080/v1", ("127.0.0.1", 8080)),
        ("https://[::1]/v1", ("::1", 443)),
        ("unix:///tmp/socket", None),
        ("https://host:port/", None),
        ("", None),
    ],
)
def test_of_an_endpoint_only_host_and_port_are_told(
    watch: Watch, endpoint: str, server: tuple[str, int] | None
) -> None:
    watch.call().attempt(candidate(), {}, endpoint=endpoint).end(record())
    attributes = watch.spans()["chat gpt-5"].attributes or {}
    given = (attributes.get("server.address"), attributes.get("server.port"))
    assert given == (server or (None, None))


def test_a_failure_shows_its_class_and_nothing_of_its_message(watch: Watch) -> None:
    call = watch.call()
    call.attempt(candidate(), {}).end(
        record(outcome="failed", error="RateLimitError", status=429, usage=Usage(), measured=False)
    )
    call.end(RuntimeError("the provider quoted: my secret prompt"))

    spans = watch.spans()
    attempt, whole = spans["chat gpt-5"], spans["call @best"]
    assert (attempt.attributes or {})["error.type"] == "RateLimitError"
    assert (attempt.attributes or {})["http.response.status_code"] == 429
    assert attempt.status.status_code is StatusCode.ERROR
    assert (whole.attributes or {})["error.type"] == "RuntimeError"
    assert whole.status.status_code is StatusCode.ERROR
    assert not whole.events and not attempt.events
    assert "secret prompt" not in "".join(span.to_json() for span in spans.values())


def test_a_cancelled_call_is_abandoned_and_no_error(watch: Watch) -> None:
    call = watch.call()
    call.attempt(candidate(), {}).end(record(outcome="abandoned"))
    call.end(asyncio.CancelledError())

    for span in watch.spans().values():
        assert (span.attributes or {})["pipelex_like.outcome"] == "abandoned"
        assert span.status.status_code is StatusCode.UNSET


def test_a_call_from_the_cache_has_no_attempt(watch: Watch) -> None:
    watch.call().end(cached=True)
    assert list(watch.spans()) == ["call @best"]
    assert (watch.spans()["call @best"].attributes or {})["pipelex_like.cached"] is True
    assert not watch.points("gen_ai.client.operation.duration")


def test_a_second_end_is_ignored(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    call = watch.call()
    attempt = call.attempt(candidate(), {})
    attempt.end(record())
    attempt.end(record(outcome="abandoned"))
    call.end()
    call.end(RuntimeError())

    assert len(watch.exporter.get_finished_spans()) == 2
    assert (watch.spans()["call @best"].attributes or {})["pipelex_like.outcome"] == "ok"
    assert watch.points("gen_ai.client.operation.duration")[0].count == 1
    assert not caplog.records


def test_metrics_have_the_names_buckets_and_attributes_of_the_conventions(watch: Watch) -> None:
    call = watch.call()
    call.attempt(candidate(), {"temperature": 1}).end(record(streamed=True, first_token=0.25))
    call.attempt(candidate(), {}).end(
        record(attempt=2, outcome="failed", error="ServerError", usage=Usage(), measured=False, latency=0.5)
    )
    shared = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-5",
    }

    good, bad = sorted(watch.points("gen_ai.client.operation.duration"), key=lambda point: -point.sum)
    assert (dict(good.attributes or {}), good.sum) == (shared, 1.5)
    assert (dict(bad.attributes or {}), bad.sum) == ({**shared, "error.type": "ServerError"}, 0.5)
    assert tuple(good.explicit_bounds)[:3] == (0.01, 0.02, 0.04) and tuple(good.explicit_bounds)[-1] == 81.92
    tokens = {
        (point.attributes or {})["gen_ai.token.type"]: point for point in watch.points("gen_ai.client.token.usage")
    }
    assert {kind: point.sum for kind, point in tokens.items()} == {"input": 100, "output": 40}
    assert tuple(tokens["input"].explicit_bounds) == tuple(4**power for power in range(14))
    (first,) = watch.points("gen_ai.client.operation.time_to_first_chunk")
    assert (dict(first.attributes or {}), first.sum) == (shared, 0.25)


def test_tokens_that_nobody_measured_are_no_metric(watch: Watch) -> None:
    watch.call().attempt(candidate(), {}).end(record(measured=False))
    assert not watch.points("gen_ai.client.token.usage")
    attributes = watch.spans()["chat gpt-5"].attributes or {}
    assert attributes["pipelex_like.measured"] is False
    assert attributes["gen_ai.usage.input_tokens"] == 100


def test_two_of_them_share_their_instruments(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    other = Telemetry(tracers=watch.tracers, meters=watch.meters)
    for each in (watch.telemetry, other):
        call = each.call(kind="llm", reference="@best", profile="main", request_id="req_1")
        call.attempt(candidate(), {}).end(record())
    (point,) = watch.points("gen_ai.client.operation.duration")
    assert point.count == 2
    assert not caplog.records


@pytest.mark.parametrize(
    ("kind", "name", "output"),
    [("extract", "extract ocr-1", None), ("img_gen", "generate_content ocr-1", "image")],
)
def test_the_other_kinds_have_operations_of_their_own(watch: Watch, kind: str, name: str, output: str | None) -> None:
    call = watch.telemetry.call(kind=kind, reference="x", profile="main", request_id="r")  # type: ignore[arg-type]
    usage = Usage(pages=3) if kind == "extract" else Usage(images=2)
    call.attempt(candidate(model_id="ocr-1"), {}).end(record(kind=kind, usage=usage))
    attributes = watch.spans()[name].attributes or {}
    assert attributes.get("gen_ai.output.type") == output
    assert (attributes.get("pipelex_like.usage.pages"), attributes.get("pipelex_like.usage.images")) == (
        usage.pages or None,
        usage.images or None,
    )
    assert "gen_ai.usage.input_tokens" not in attributes


async def test_the_attempt_is_current_while_it_sends_and_only_then(watch: Watch) -> None:
    tracer = watch.tracers.get_tracer("test")
    with tracer.start_as_current_span("outer") as outer:
        call = watch.call()
        attempt = call.attempt(candidate(), {})
        assert get_current_span() is outer
        with attempt.sending():
            await asyncio.sleep(0)
            tracer.start_span("http").end()
        assert get_current_span() is outer
        attempt.end(record())
        call.end()
    spans = watch.spans()
    assert spans["http"].parent == spans["chat gpt-5"].context
    assert spans["chat gpt-5"].parent == spans["call @best"].context
    assert spans["call @best"].parent == spans["outer"].context


async def test_attempts_side_by_side_do_not_mix(watch: Watch) -> None:
    tracer = watch.tracers.get_tracer("test")
    call = watch.call()

    async def ask(name: str) -> None:
        attempt = call.attempt(candidate(model_id=name), {})
        with attempt.sending():
            await asyncio.sleep(0)
            tracer.start_span(f"http {name}").end()
        attempt.end(record())

    await asyncio.gather(*(ask(name) for name in "abcde"))
    call.end()
    spans = watch.spans()
    for name in "abcde":
        assert spans[f"http {name}"].parent == spans[f"chat {name}"].context
        assert spans[f"chat {name}"].parent == spans["call @best"].context


async def test_a_stream_that_is_closed_in_another_task_leaves_no_context(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    tracer = watch.tracers.get_tracer("test")

    async def upstream() -> AsyncGenerator[int]:
        for number in range(3):
            tracer.start_span(f"chunk {number}").end()
            yield number

    async def events() -> AsyncGenerator[int]:
        call = watch.call()
        attempt = call.attempt(candidate(), {})
        pieces = upstream()
        try:
            while True:
                with attempt.sending():
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece
        finally:
            attempt.end(record(outcome="abandoned"))
            call.end(GeneratorExit())

    stream = events()
    assert await asyncio.create_task(anext(stream)) == 0  # type: ignore[arg-type]
    assert await anext(stream) == 1
    assert not get_current_span().get_span_context().is_valid
    await asyncio.create_task(stream.aclose())  # type: ignore[arg-type]
    assert not get_current_span().get_span_context().is_valid
    assert not caplog.records
    assert watch.spans()["chunk 1"].parent == watch.spans()["chat gpt-5"].context


def test_the_background_thread_keeps_the_callers_span(watch: Watch) -> None:
    background = Background()

    async def ask() -> None:
        watch.call().end()

    with watch.tracers.get_tracer("test").start_as_current_span("outer"):
        background.run(ask())
    background.close()
    assert watch.spans()["call @best"].parent == watch.spans()["outer"].context


def test_a_sampler_that_refuses_leaves_the_metrics() -> None:
    watch = Watch()
    watch.telemetry = Telemetry(tracers=TracerProvider(sampler=ALWAYS_OFF), meters=watch.meters)
    call = watch.call()
    call.attempt(candidate(), {}).end(record())
    call.end()
    assert not watch.spans()
    assert watch.points("gen_ai.client.operation.duration")[0].count == 1


@pytest.mark.parametrize(
    ("backend", "sdk", "name"),
    [
        ("openai", "openai_responses", "openai"),
        ("bedrock", "bedrock", "aws.bedrock"),
        ("azure_ai", "azure_openai", "azure.ai.inference"),
        ("google", "google", "gcp.gemini"),
        ("my_vertex", "vertex_anthropic", "gcp.vertex_ai"),
        ("our_claude", "anthropic", "anthropic"),
        ("xai", "openai", "x_ai"),
        ("together", "openai", "together"),
        ("internal", "pypdfium2", "internal"),
    ],
)
def test_providers_have_the_names_of_the_conventions(backend: str, sdk: str, name: str) -> None:
    assert provider_name(backend, sdk) == name


def test_the_kits_names_are_the_ones_that_are_translated() -> None:
    from pipelex_like.data import KIT

    names = {path.stem for path in (KIT / "backends").glob("*.toml")}
    assert set(PROVIDERS) - names == {"moonshot", "watsonx"}
    assert isinstance(PROVIDERS, FrozenDict)


def run(program: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


QUIET = """
import sys
from pipelex_like.engine.telemetry import SILENT, Telemetry
telemetry = Telemetry.find()
def call():
    return telemetry.call(kind="llm", reference="x", profile="main", request_id="r")
assert call() is SILENT
with call().attempt(None, {}).sending():
    pass
assert not [name for name in sys.modules if name.startswith("opentelemetry.")], "nobody asked for it"
import opentelemetry.metrics, opentelemetry.trace
assert call() is SILENT
"""


def test_without_a_provider_nothing_is_made_nor_imported() -> None:
    assert run(QUIET) == ""


@pytest.mark.parametrize(
    "setting",
    [
        "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider\n"
        "trace.set_tracer_provider(TracerProvider())",
        "from opentelemetry import metrics; from opentelemetry.sdk.metrics import MeterProvider\n"
        "metrics.set_meter_provider(MeterProvider())",
    ],
)
def test_a_provider_that_is_set_later_is_found_at_the_next_call(setting: str) -> None:
    assert run(f"{QUIET}\n{setting}\nassert call() is not SILENT") == ""


def test_without_the_api_there_is_none() -> None:
    program = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from pipelex_like.engine.telemetry import Telemetry
assert Telemetry.find() is None
"""
    assert run(program) == ""


def test_the_silent_span_takes_everything() -> None:
    attempt = SILENT.attempt(candidate(), {})
    attempt.end(record(), "stop")
    SILENT.end(RuntimeError())


def test_the_example_of_the_page_runs_and_shows_no_prompt() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = run(example)
    assert '"name": "call gpt-4o-mini"' in shown and '"name": "chat sandbox-text"' in shown
    assert "Name a river." in example and "Name a river." not in shown


def test_every_attribute_of_ours_stands_on_the_page() -> None:
    page = DOCS.read_text(encoding="utf-8")
    sources = [Path(module.__file__ or "").read_text(encoding="utf-8") for module in (conventions, telemetry)]
    names = {name for source in sources for name in re.findall(r'"pipelex_like\.([a-z_.]+)"', source)}
    assert len(names) > 10
    assert not {name for name in names if f"`{name}`" not in page}
