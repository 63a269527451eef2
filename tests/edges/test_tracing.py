"""Traces: a span a step, by the conventions' names, within the caller's trace and on to the provider."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.edges.api.conftest import Service
from tests.edges.api.conftest import service as service  # noqa: PLC0414 -- a fixture, also here
from tests.edges.api.conftest import settings as settings  # noqa: PLC0414
from tests.edges.serving import chat
from tokenhouse.edges import tracing
from tokenhouse.errors import StartRefused
from tokenhouse.flow import spans
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

CHAT = "/v1/chat/completions"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Trace into memory while the test runs."""
    exporter, provider = InMemorySpanExporter(), tracing.provider_of()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.use(tracing.Tracing(provider))
    yield exporter
    spans.use(None)
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, Any]:
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.parametrize("stream", [False, True])
async def test_each_step_of_a_call_is_a_span_within_the_callers_trace(service: Service, exported, stream):
    await service.key("alice")
    exported.clear()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    body = chat(max_tokens=20, stream=stream)
    answer = await service.call("POST", CHAT, who="alice", json=body, headers=headers)
    assert answer.status_code == 200
    found = by_name(exported)
    assert set(found) == {
        "POST gateway",
        "identify",
        "estimate",
        "reserve",
        "chat demo",
        "measure",
        "settle",
    }
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {TRACE}
    root = found.pop("POST gateway")
    assert f"{root.parent.span_id:016x}" == PARENT
    assert {span.parent.span_id for span in found.values()} == {root.context.span_id}
    assert root.attributes[spans.STATUS] == 200
    [charge] = [entry for entry in await service.house.history("alice") if entry.kind == "charge"]
    call, measured = found["chat demo"].attributes, found["measure"].attributes
    assert (call["gen_ai.operation.name"], call["gen_ai.request.model"]) == ("chat", "demo")
    assert (call["gen_ai.provider.name"], call[spans.STATUS]) == ("demo", 200)
    told = measured["gen_ai.usage.input_tokens"], measured["gen_ai.usage.output_tokens"]
    usage = Usage(**charge.usage)
    assert told == (usage.tokens_input, usage.tokens_output)
    assert measured[spans.CHARGE] == found["settle"].attributes[spans.CHARGE] == charge.charge
    assert found["reserve"].attributes[spans.RESERVATION] == charge.operation


async def test_what_is_refused_says_why(service: Service, exported):
    await service.key("alice")
    await service.house.adjust("alice", -100_000)
    exported.clear()
    assert (await service.call("POST", CHAT, who="alice", json=chat())).status_code == 402
    found = by_name(exported)
    assert found["reserve"].attributes[spans.ERROR] == "insufficient_credit"
    assert not found["reserve"].status.is_ok
    assert not found["reserve"].events, "an exception's words may hold what nobody should read"
    assert "measure" not in found
    assert found["POST gateway"].attributes[spans.STATUS] == 402


async def test_the_provider_is_told_the_span_that_calls_it(exported):
    headers = {"traceparent": "the caller's"}
    with spans.call("openai-chat", "m", "p", None):
        spans.inject(headers)
    [span] = exported.get_finished_spans()
    assert headers["traceparent"].startswith(f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-")


def test_without_tracing_nothing_is_imported_and_a_callers_trace_goes_on():
    headers = {"traceparent": "the caller's"}
    with spans.call("openai-chat", "m", "p", None) as span, spans.step("reserve") as step:
        spans.inject(headers)
        span.tell(anything=1)
        assert span is step
    assert headers == {"traceparent": "the caller's"}
    program = "import sys, tokenhouse.edges.server; assert 'opentelemetry.sdk' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_spans_go_to_the_collector_of_the_settings():
    came = asyncio.Queue()

    async def collector(said: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        head = await said.readuntil(b"\r\n\r\n")
        out.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await out.drain()
        out.close()
        came.put_nowait(head)

    server = await asyncio.start_server(collector, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with tracing.traced(Settings(traces_url=f"http://127.0.0.1:{port}/v1/traces")):
        with spans.step("reserve"):
            pass
    assert (await came.get()).startswith(b"POST /v1/traces ")
    server.close()
    assert spans.step("reserve") is spans.NOTHING


async def test_a_collector_that_is_away_harms_nothing_and_holds_up_little():
    began = time.monotonic()
    async with tracing.traced(Settings(traces_url="http://127.0.0.1:9/v1/traces")):
        with spans.step("reserve"):
            pass
    assert time.monotonic() - began < 2 * tracing.WAIT_S


async def test_no_address_is_refused():
    with pytest.raises(StartRefused, match="traces_url"):
        async with tracing.traced(Settings(traces_url="localhost:4318")):
            pass


async def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(StartRefused, match=r"tokenhouse\[otel\]"):
        async with tracing.traced(Settings(traces_url="http://127.0.0.1:9/v1/traces")):
            pass
