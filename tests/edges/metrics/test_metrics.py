"""`/metrics`: every metric of the catalogue and no other, true figures, and who may read them."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.edges.api.conftest import Service
from tests.edges.api.conftest import service as service  # noqa: PLC0414 -- a fixture, also here
from tests.edges.serving import chat
from tokenhouse.edges import server
from tokenhouse.edges.metrics.catalogue import CATALOGUE
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow.schedule import JOBS
from tokenhouse.rules.counts import MODELS_MAX, OTHER, Counts, Histogram
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

CHAT = "/v1/chat/completions"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


class Read:
    """What a scrape said."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.names = set(self.families)

    def value(self, sample: str, **labels: str) -> float:
        """Return the one sample of a name that has these labels, or the sum of several."""
        found = [
            one.value
            for family in self.families.values()
            for one in family.samples
            if one.name == sample and labels.items() <= one.labels.items()
        ]
        assert found, f"no {sample} {labels}"
        return sum(found)


async def scraped(service: Service, **how: Any) -> Read:
    answer = await service.call("GET", "/metrics", who="auditor", **how)
    assert answer.status_code == 200, answer.text
    return Read(answer.text)


async def used(service: Service) -> None:
    """Use the service in every way that is counted."""
    for model in ("demo", "demo"):
        answer = await service.call("POST", CHAT, who="alice", json=chat(model=model, max_tokens=20))
        assert answer.status_code == 200
    stream = chat(stream=True, max_tokens=20)
    assert (await service.call("POST", CHAT, who="alice", json=stream)).status_code == 200
    failing = chat(demo={"behave": "error", "status": 500})
    assert (await service.call("POST", CHAT, who="alice", json=failing)).status_code >= 400
    await service.house.adjust("alice", -1_000_000)
    answer = await service.call("POST", CHAT, who="alice", json=chat())
    assert answer.status_code == 402


@pytest.mark.row("A7", "C9")
async def test_all_that_is_exposed_is_in_the_catalogue_and_all_of_that_is_exposed(service: Service):
    await used(service)
    for job in ("watch", "lapse"):
        await service.house.run_job(job)
    seen = await scraped(service)
    of_the_system = {name for name in seen.names if name.startswith("process_")}
    assert seen.names - of_the_system == set(CATALOGUE)
    for name, metric in CATALOGUE.items():
        family = seen.families[name]
        assert (family.type, family.documentation) == (metric.kind, metric.what)
        labels = set(metric.labels) | ({"le"} if metric.kind == "histogram" else set())
        assert all(set(one.labels) <= labels for one in family.samples), name
        assert family.samples, f"{name} has no sample"


@pytest.mark.row("C9")
async def test_calls_are_counted_as_they_were_charged(service: Service):
    await used(service)
    seen = await scraped(service)
    total = seen.value
    assert total("tokenhouse_calls_total", protocol="openai-chat", model="demo", outcome="complete") == 3
    assert total("tokenhouse_calls_total", outcome="released") == 1
    charged = [entry.charge for entry in await service.house.history("alice") if entry.kind == "charge"]
    assert total("tokenhouse_charged_total", model="demo") == sum(charged) > 0
    assert total("tokenhouse_tokens_total", model="demo") == sum(charged)
    assert total("tokenhouse_refusals_total", code="insufficient_credit") == 1
    assert total("tokenhouse_requests_total", edge="gateway", status="402") == 1
    assert total("tokenhouse_requests_total", edge="gateway", status="200") == 3
    assert total("tokenhouse_request_seconds_count", edge="gateway") == 5
    assert total("tokenhouse_request_seconds_bucket", edge="gateway", le="+Inf") == 5
    assert total("tokenhouse_upstream_seconds_count", upstream="demo") == 4
    assert total("tokenhouse_upstream_errors_total", upstream="demo") == 1
    assert total("tokenhouse_calls_open") == 0
    operations = sum(lane.operations for lane in service.house.desk.writer.lanes)
    assert total("tokenhouse_batch_operations_sum") == operations
    assert total("tokenhouse_batch_wait_seconds_count") == total("tokenhouse_batch_seconds_count") > 0
    assert (total("tokenhouse_spool_charges"), total("tokenhouse_database_up")) == (0, 1)
    assert total("tokenhouse_info", unit="token", worker="1") == 1


@pytest.mark.row("A7")
async def test_the_three_points_that_are_watched(service: Service, clock):
    await service.key("alice")
    await service.house.run_job("watch")
    seen = await scraped(service)
    assert seen.value("tokenhouse_today", what="signups") == 1
    assert seen.value("tokenhouse_today", what="signups_waiting") == 0
    assert seen.value("tokenhouse_periods", state="stuck") == 0
    assert seen.value("tokenhouse_periods", state="first") == 1
    assert seen.value("tokenhouse_watched_timestamp_seconds") == clock().timestamp()
    clock.move(days=20)
    await service.house.run_job("periods")
    await service.house.charge("alice", 7)
    await service.house.run_job("watch")
    seen = await scraped(service)
    assert seen.value("tokenhouse_periods", state="renewed") == 1
    assert seen.value("tokenhouse_today", what="periods_renewed") == 1
    assert seen.value("tokenhouse_today", what="charged") == 7
    assert seen.value("tokenhouse_credit", state="left") == 99_993


async def test_where_jobs_stand(service: Service, clock):
    seen = await scraped(service)
    assert {one.labels["job"] for one in seen.families["tokenhouse_job_next_timestamp_seconds"].samples} == {
        job.name for job in JOBS
    }
    assert not seen.families["tokenhouse_job_ok"].samples
    await service.house.run_job("periods")
    seen = await scraped(service)
    assert seen.value("tokenhouse_job_ok", job="periods") == 1
    assert seen.value("tokenhouse_job_last_timestamp_seconds", job="periods") == clock().timestamp()


async def test_who_may_read_them(service: Service):
    await service.no(401, "GET", "/metrics")
    assert (await service.no(403, "GET", "/metrics", who="alice"))["role"] == "auditor"
    for who in ("auditor", "operator", "owner"):
        assert (await service.call("GET", "/metrics", who=who)).status_code == 200
    await service.no(401, "GET", "/metrics", headers={"authorization": "Bearer th_" + "a" * 43})
    openmetrics = await service.call(
        "GET", "/metrics", who="auditor", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")


async def test_they_are_there_while_the_database_is_away(service: Service, monkeypatch):
    await scraped(service)

    async def away(*_: object, **__: object) -> None:
        raise DatabaseTrouble

    monkeypatch.setattr(type(service.house), "authenticate", away)
    monkeypatch.setattr(type(service.house), "jobs", away)
    seen = await scraped(service)
    assert seen.value("tokenhouse_database_up") == 0
    assert seen.value("tokenhouse_queue_operations") == 0
    await service.no(503, "GET", "/metrics", headers={"authorization": "Bearer th_" + "a" * 43})


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        (("127.0.0.1", 5), [], 200),
        (("::1", 5), [], 200),
        (("::ffff:127.0.0.1", 5), [], 200),
        (("10.0.0.1", 5), [], 401),
        (("127.0.0.1", 5), [(b"x-forwarded-for", b"10.0.0.1")], 401),
        (("127.0.0.1", 5), [(b"via", b"1.1 proxy")], 401),
        (None, [], 401),
    ],
)
async def test_in_public_is_only_this_machine_and_no_proxy(
    database, tmp_path, clock, client, headers, status
):
    settings = Settings(home=tmp_path, database_url=database, metrics_public=True)
    app = server.build(settings, clock=clock, upkeep=False)
    async with app.opened():
        heard: list[Any] = []

        async def send(message: Any) -> None:
            heard.append(message)

        scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers, "client": client}
        await app(scope | {"query_string": b""}, None, send)
        assert heard[0]["status"] == status


def test_models_are_bounded():
    counts = Counts()
    for nth in range(MODELS_MAX + 50):
        counts.ended("openai-chat", f"m{nth}", "complete")
        counts.used(
            f"m{nth}", 5, Usage(input=3, cached_input=2, output=4, reasoning=1), estimated=nth % 2 == 0
        )
    assert len(counts.charged) == MODELS_MAX + 1
    assert counts.calls["openai-chat", OTHER, "complete"] == 50
    assert (counts.tokens["m0", "input"], counts.tokens["m0", "output"]) == (5, 5)
    assert counts.estimated == (MODELS_MAX + 50) // 2


def test_a_histogram_knows_its_bounds():
    one = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        one.add(value)
    assert (one.numbers, one.total) == ([2, 2, 1], 8)
