"""The journal over REST: filtered, at any depth, explained line by line, and of everybody by time."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.flow import journal
from tokenhouse.rules.usage import Usage

MINA = "/api/v1/accounts/mina"
START = datetime(2026, 11, 21, 3, tzinfo=UTC)


async def walk(service: Service, path: str = f"{MINA}/entries", limit: int = 7, **params) -> list[dict]:
    """Return every entry that matches, page by page."""
    found, cursor, pages = [], None, 0
    while True:
        asked = params | {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = await service.ok("GET", path, who="operator", params=asked)
        found += page["items"]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            return found
        assert pages < 500, "it never ends"


@pytest.fixture
async def busy(service: Service, clock) -> Service:
    """Return a service on which mina has called 60 times over ten hours, and was given something twice."""
    house = service.house
    await house.account("mina")
    for number in range(60):
        clock.move(minutes=10)
        model = "big" if number % 10 == 0 else "small"
        key = "th_abc12345" if number % 5 == 0 else "th_other567"
        await house.charge("mina", 10, usage=Usage(input=6, output=4), model=model, actor=f"key:{key}")
        if number in (20, 40):
            await house.grant("mina", 1_000, note=f"gift {number}")
    return service


@pytest.mark.row("C10", "D6")
async def test_every_page_is_reached_whatever_its_size(busy: Service):
    whole = await walk(busy, limit=1_000)
    assert [one["seq"] for one in whole] == list(range(len(whole), 0, -1))
    for limit in (1, 7, 62):
        assert await walk(busy, limit=limit) == whole
    assert (await busy.ok("GET", f"{MINA}/entries", who="mina", params={"limit": 1}))["items"] == whole[:1]


@pytest.mark.parametrize("looked_at", [4_000, 5])
async def test_filters_find_the_same_whoever_short_the_look_is(
    busy: Service, monkeypatch: pytest.MonkeyPatch, looked_at: int
):
    monkeypatch.setattr(journal, "LOOKED_AT_MAX", looked_at)
    whole = await walk(busy, limit=1_000)
    calls = [one for one in whole if one["kind"] == "charge"]
    assert len(calls) == 60
    assert await walk(busy, kind="charge") == calls
    assert await walk(busy, kind=["charge", "grant"]) == [
        one for one in whole if one["kind"] in ("charge", "grant")
    ]
    gifts = await walk(busy, kind="grant", limit=1)
    assert [one["note"] for one in gifts] == ["gift 40", "gift 20"]
    assert len(await walk(busy, model="big")) == 6
    assert len(await walk(busy, key="th_abc12345")) == 12
    assert len(await walk(busy, key="th_abc12345", model="small")) == 6
    assert await walk(busy, model="unheard-of") == []


@pytest.mark.parametrize("looked_at", [4_000, 3])
async def test_a_time_is_half_open_and_found_at_any_depth(
    busy: Service, monkeypatch: pytest.MonkeyPatch, looked_at: int
):
    monkeypatch.setattr(journal, "LOOKED_AT_MAX", looked_at)
    whole = await walk(busy, limit=1_000)

    def between(since: datetime, until: datetime) -> list[dict]:
        return [one for one in whole if since <= datetime.fromisoformat(one["at"]) < until]

    for first, last in ((0, 10_000), (60, 120), (61, 65), (0, 1), (595, 601), (700, 800), (120, 60)):
        since, until = START + timedelta(minutes=first), START + timedelta(minutes=last)
        found = await walk(busy, since=since.isoformat(), until=until.isoformat())
        assert found == between(since, until), (first, last)
    early = await walk(busy, until=(START + timedelta(minutes=30)).isoformat())
    assert early == between(START, START + timedelta(minutes=30))
    gifts = await walk(busy, kind="grant", since=(START + timedelta(minutes=300)).isoformat())
    assert [one["note"] for one in gifts] == ["gift 40"]


BAD_FILTERS = [
    ({"kind": "gift"}, "kind.0"),
    ({"limit": 0}, "limit"),
    ({"limit": 1_001}, "limit"),
    ({"since": "yesterday"}, "since"),
    ({"until": "2026-11-21T00:00:00"}, "until"),
    ({"cursor": "nowhere"}, "cursor"),
]


async def test_a_filter_that_is_none_names_its_field(service: Service):
    await service.house.account("mina")
    for params, field in BAD_FILTERS:
        problem = await service.no(400, "GET", f"{MINA}/entries", who="operator", params=params)
        assert problem["field"] == field


@pytest.mark.row("E4")
async def test_a_charge_explains_itself_by_the_rate_and_the_plan_of_its_day(service: Service, clock):
    house = service.house
    terms = {"name": "metered", "rate": {"by": "rates", "multiplier": 2, "minimum": 1}}
    await house.write_plan({**terms, "signup": {"amount": 1_000_000}})
    await house.add_rates([{"model": "gpt*", "input": "2.5", "output": "10", "per": 1}])
    await house.account("mina", plan="metered")
    charge = await house.charge("mina", usage=Usage(input=3, cached_input=1, output=4), model="gpt-x")
    clock.move(hours=1)
    await house.write_plan({**terms, "rate": {"by": "rates", "multiplier": 3, "minimum": 1}})
    await house.add_rates([{"model": "gpt*", "input": "99", "output": "99", "per": 1}])
    await house.refund("mina", charge.id, 1)

    line = (await walk(service, kind="charge"))[0]
    told = await service.ok("GET", f"{MINA}/entries/{line['seq']}", who="mina")
    reckoning = told["reckoning"]
    assert [(one["kind"], one["tokens"], one["price"], one["product"]) for one in reckoning["lines"]] == [
        ("input", 3, "2.5", "7.5"),
        ("cached_input", 1, "2.5", "2.5"),
        ("output", 4, "10", "40"),
    ]
    assert (reckoning["multiplier"], reckoning["exact"], reckoning["charge"]["value"]) == ("2", "100", "100")
    assert (reckoning["rate"], reckoning["plan"], reckoning["plan_version"]) == (1, "metered", 1)
    assert told["lots"] == [{"lot": 2, "change": {"value": "-100", "unit": "token", "shown": "-100"}}]
    assert [one["kind"] for one in told["related"]] == ["refund"]


async def test_a_charge_that_an_application_reckoned_is_not_explained(service: Service):
    await service.house.account("mina")
    await service.house.charge("mina", 77, usage=Usage(input=6), model="m")
    line = (await walk(service, kind="charge"))[0]
    told = await service.ok("GET", f"{MINA}/entries/{line['seq']}", who="operator")
    assert told["charge"]["value"] == "77"
    assert told["reckoning"] is None
    await service.no(404, "GET", f"{MINA}/entries/{line['seq'] + 1}", who="operator")
    await service.no(400, "GET", f"{MINA}/entries/0", who="operator")


@pytest.mark.row("C10")
async def test_everybody_s_lines_come_newest_first(busy: Service, clock):
    clock.move(days=40)
    await busy.house.account("bora")
    everybody = await walk(busy, "/api/v1/entries", limit=9)
    assert len(everybody) == len(await walk(busy)) + len(await walk(busy, "/api/v1/accounts/bora/entries"))
    times = [one["at"] for one in everybody]
    assert times == sorted(times, reverse=True)
    assert [one["account"] for one in everybody[:2]] == ["bora", "bora"]
    assert len({(one["account"], one["seq"]) for one in everybody}) == len(everybody)
    some = await walk(busy, "/api/v1/entries", since=START.isoformat(), until="2026-11-21T04:00:00Z")
    assert some == [one for one in everybody if one["at"] < "2026-11-21T04:00:00Z"]
    await busy.no(403, "GET", "/api/v1/entries", who="mina")


def read(text: str) -> list[dict[str, str]]:
    """Return the lines of a CSV by column."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.row("B8", "D6")
async def test_the_filtered_journal_is_handed_out_as_a_table(busy: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "ROWS_MAX", 7)
    monkeypatch.setattr(journal, "LOOKED_AT_MAX", 20)
    filters = {"kind": ["charge", "grant"], "since": (START + timedelta(minutes=60)).isoformat()}
    answer = await busy.call("GET", f"{MINA}/entries.csv", who="mina", params=filters)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="entries.csv"'
    told = read(answer.text)
    listed = await walk(busy, **filters)
    assert len(told) == len(listed) > 50
    for row, entry in zip(told, listed, strict=True):
        assert (int(row["seq"]), row["kind"], row["model"]) == (entry["seq"], entry["kind"], entry["model"])
        assert datetime.fromisoformat(row["at"]) == datetime.fromisoformat(entry["at"])
        assert (row["amount"], row["balance_after"]) == (
            entry["amount"]["value"],
            entry["balance_after"]["value"],
        )
        assert row["tokens_input"] == (str(entry["usage"]["input"]) if entry["usage"] else "")
    assert {
        row["actor"]
        for row in read(
            (await busy.call("GET", f"{MINA}/entries.csv", who="mina", params={"key": "th_abc12345"})).text
        )
    } == {"key:th_abc12345"}


@pytest.mark.row("B8")
async def test_a_table_holds_no_formula(service: Service):
    await service.house.account("=1+1")
    await service.house.grant("=1+1", 5, note="@SUM(A1)", actor='=HYPERLINK("x")')
    await service.house.adjust("=1+1", -3, note='ok, "said" she')
    everybody = read((await service.call("GET", "/api/v1/entries.csv", who="auditor")).text)
    mine = [row for row in everybody if row["account"] == "'=1+1"]
    assert [row["note"] for row in mine[:2]] == ['ok, "said" she', "'@SUM(A1)"]
    assert [row["amount"] for row in mine[:2]] == ["-3", "5"]
    assert mine[1]["actor"] == '\'=HYPERLINK("x")'
    none = await service.call("GET", "/api/v1/entries.csv?until=2000-01-01T00:00:00Z", who="auditor")
    assert read(none.text) == []
    assert none.text.startswith("account,seq,at,kind,amount,balance_after,charge,unit,model,tokens_input")


async def test_a_table_is_refused_before_it_begins(busy: Service):
    await busy.no(401, "GET", f"{MINA}/entries.csv")
    await busy.no(403, "GET", f"{MINA}/entries.csv", who="bob")
    await busy.no(403, "GET", "/api/v1/entries.csv", who="bob")
    await busy.no(404, "GET", "/api/v1/accounts/nobody/entries.csv", who="auditor")
    problem = await busy.no(400, "GET", f"{MINA}/entries.csv?kind=gift", who="mina")
    assert problem["field"] == "kind.0"


async def test_a_long_table_is_handed_out_page_by_page(busy: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal, "ROWS_MAX", 10)
    lines = [piece.count("\r\n") async for piece in busy.house.entries_table("mina")]
    assert lines[0] == 1 + 10
    assert set(lines[1:-1]) == {10}
    assert sum(lines) - 1 == len(await walk(busy, limit=10))
    everybody = [piece.count("\r\n") async for piece in busy.house.all_entries_table()]
    assert max(everybody[1:]) <= 10


@pytest.mark.parametrize("number", ["0", "-22696", "+5", "1.5", "1764547200"])
async def test_a_bare_number_is_no_moment(service: Service, number: str):
    await service.no(400, "GET", "/api/v1/entries", who="auditor", params={"since": number})
    body = {"amount": "5", "reason": "gift", "expires_at": float(number)}
    await service.house.account("alice")
    await service.no(400, "POST", "/api/v1/accounts/alice/grants", who="operator", json=body)
