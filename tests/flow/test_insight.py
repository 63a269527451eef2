"""Insight: curves, patterns, costs, purchases, who has nothing left, and how long credit lasts."""

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Clock
from tokenhouse import Price, Tokenhouse, Usage
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.costing import installed_prices
from tokenhouse.rules.amounts import DOLLAR
from tokenhouse.settings import Settings

SEOUL = Settings(time_zone="Asia/Seoul")
WIDE = {"name": "wide", "allowance": [{"amount": 1_000_000, "every": "month"}]}
NOON = datetime(2026, 11, 18, 3, tzinfo=UTC)
"""Noon in Seoul, a Wednesday."""


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    clock.now = NOON
    async with Tokenhouse.open(database, settings=SEOUL, clock=clock) as opened:
        await opened.write_plan(WIDE)
        await opened.account("company", kind="company", plan="wide")
        await opened.account("user", parent="company", plan="wide", email="user@example.test")
        yield opened


@pytest.mark.row("D11", "C9")
async def test_a_curve_has_every_day_and_counts_each_call_once(house: Tokenhouse, clock: Clock):
    await house.charge("user", 500, usage=Usage(input=200, output=50))
    clock.move(days=2)
    paid = await house.charge("company", 300)
    await house.refund("company", paid.id, 100)
    found = (await house.curve(last=4)).value.points
    assert [(one.turns, one.tokens, one.tokens_input, one.tokens_output, one.charged) for one in found] == [
        (0, 0, 0, 0, 0),
        (1, 250, 200, 50, 500),
        (0, 0, 0, 0, 0),
        (1, 300, 0, 0, 200),
    ]
    assert found[0].start_at == datetime(2026, 11, 16, 15, tzinfo=UTC)
    assert [one.charged_per_token for one in found] == [None, Decimal(2), None, Decimal("0.6667")]
    months = (await house.curve(every="month", last=2)).value.points
    assert [(one.start_at, one.turns, one.charged) for one in months] == [
        (datetime(2026, 9, 30, 15, tzinfo=UTC), 0, 0),
        (datetime(2026, 10, 31, 15, tzinfo=UTC), 2, 700),
    ]
    hours = (await house.curve(every="hour", last=49)).value.points
    assert [(nth, one.charged) for nth, one in enumerate(hours) if one.turns] == [(0, 500), (48, 200)]


@pytest.mark.row("B8", "C9")
async def test_an_account_sees_its_use_by_day_by_model_and_by_key(house: Tokenhouse, clock: Clock):
    await house.charge("user", 10, model="m", actor="key:th_one", usage=Usage(input=4, output=6))
    clock.move(days=1)
    await house.charge("user", 20, model="m", actor="key:th_two")
    await house.fold()
    await house.charge("user", 30, model="n", actor="person:1")
    days = await house.usage("user", last=3)
    assert [(one.turns, one.charged, one.model, one.api_key) for one in days] == [
        (0, 0, None, None),
        (1, 10, None, None),
        (2, 50, None, None),
    ]
    models = await house.usage("user", every="month", last=1, by="model")
    assert [(one.model, one.turns, one.tokens, one.charged) for one in models] == [
        ("m", 2, 30, 30),
        ("n", 1, 30, 30),
    ]
    keys = await house.usage("user", every="month", last=1, by="key")
    assert [(one.api_key, one.charged) for one in keys] == [("", 30), ("th_one", 10), ("th_two", 20)]
    assert sum(one.charged for one in await house.usage("company", last=2)) == 60


@pytest.mark.row("B8", "D11")
async def test_patterns_say_when_what_and_who(house: Tokenhouse, clock: Clock):
    await house.charge("user", 100, model="m")  # Wednesday, noon.
    clock.move(days=7, hours=1)
    await house.charge("user", 200, model="m")  # A week and an hour later.
    await house.fold()
    clock.move(hours=1)
    await house.charge("company", 50, model="n")
    found = (await house.patterns(days=10)).value
    busy = [(one.weekday, one.hour, one.charged) for one in found.hours if one.turns]
    assert busy == [(2, 12, 100), (2, 13, 200), (2, 14, 50)]
    assert len(found.hours) == 7 * 24
    assert [(one.model, one.turns, one.charged, one.share) for one in found.models] == [
        ("m", 2, 300, Decimal("0.8571")),
        ("n", 1, 50, Decimal("0.1429")),
    ]
    assert [(one.account, one.email, one.turns, one.charged, one.days) for one in found.users] == [
        ("company", "", 3, 350, 2),
        ("user", "user@example.test", 2, 300, 2),
    ]


@pytest.mark.row("B8", "C9")
async def test_cost_by_list_price_stands_beside_the_charge(database: str, clock: Clock):
    clock.now = NOON
    prices = {"input": "2.5", "output": "10", "unit": "dollar"}
    async with Tokenhouse.open(database, settings=Settings(plan="money"), clock=clock) as house:
        await house.account("a")
        await house.grant("a", 10**12)
        await house.add_rates([{"model": "m", **prices}, {"model": "own", **prices}], listed=True)
        await house.add_rates([{"model": "m", **prices, "input": "5", "output": "20"}])
        await house.charge("a", 7_000_000, model="m", usage=Usage(input=1_000, output=100))
        await house.charge("a", 3, model="nobody-knows", usage=Usage(input=30))
        clock.move(days=1)
        await house.charge("a", 70, model="m")
        found = (await house.costs(last=2)).value
    assert [(one.model, one.charged, one.cost, one.cost_unit) for one in found.lines] == [
        ("m", 7_000_000, 3_500_000, DOLLAR),
        ("nobody-knows", 3, None, None),
        ("m", 70, None, None),
    ]
    assert (found.charged, found.costs) == (7_000_073, ((DOLLAR, 3_500_000),))


@pytest.mark.row("B8", "C9", "D11")
async def test_a_deployment_of_tokens_is_told_its_cost_by_the_installed_list(house: Tokenhouse):
    pytest.importorskip("genai_prices")
    await house.charge("user", 1_100, model="gpt-4o", usage=Usage(input=1_000, output=100))
    await house.charge("user", 1_100, model="gpt-4o", usage=Usage(input=1_000, output=100))
    found = (await house.costs(last=1)).value
    assert (found.charged, found.costs) == (2_200, ((DOLLAR, 2 * (2_500_000 + 1_000_000)),))


def test_without_the_price_list_no_cost_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    installed_prices.cache_clear()
    assert installed_prices().find("gpt-4o", 0) is None
    installed_prices.cache_clear()


async def test_a_period_that_begins_is_no_use_of_a_model(house: Tokenhouse, clock: Clock):
    clock.move(days=20)  # December.
    await house.sweep()
    assert sum(day.renewed for day in (await house.trend()).days) == 2
    assert (await house.costs()).value.lines == ()
    assert (await house.patterns()).value.models == ()


@pytest.mark.row("C9", "C2")
async def test_purchases_by_day_and_currency(house: Tokenhouse, clock: Clock):
    price = Price(minor=9_900, currency="KRW")
    for _ in range(2):
        order = await house.order("company", 50_000, price=price)
        await house.complete_order("company", order.id)
    await house.order("company", 1_000, price=Price(minor=500, currency="USD"))
    found = (await house.purchases(last=1)).value.lines
    assert [(one.state, one.currency, one.orders, one.credit, one.price_minor) for one in found] == [
        ("completed", "KRW", 2, 100_000, 19_800),
        ("pending", "USD", 1, 1_000, 500),
    ]


@pytest.mark.row("D11")
async def test_who_has_nothing_left_page_by_page(house: Tokenhouse, clock: Clock):
    for number in range(5):
        await house.account(f"u{number}", plan="wide")
        await house.charge(f"u{number}", 1_000_000 if number != 3 else 5)
    first = await house.exhausted(rows_max=3)
    rest = await house.exhausted(after=first.next, rows_max=3)
    assert sorted(one.account for one in (*first.lines, *rest.lines)) == ["u0", "u1", "u2", "u4"]
    assert rest.next is None
    clock.move(days=20)  # December: all have their allowance again.
    assert (await house.exhausted()).lines == ()
    for wrong in ("x", "WzY0LDFd"):
        with pytest.raises(InvalidInput):
            await house.exhausted(after=wrong)


@pytest.mark.row("B8", "C9")
async def test_an_account_is_told_when_its_payer_s_credit_ends(house: Tokenhouse, clock: Clock):
    for _ in range(8):
        await house.charge("user", 40_000)
        clock.move(days=1)
    found = await house.forecast("user")
    assert (found.available, found.per_day, found.today, found.days_known) == (680_000, 40_000, 0, 7)
    assert found.exhausted_at == clock.now + timedelta(days=17)
    assert found.earliest_at == found.latest_at == found.exhausted_at
    assert found.renews_at == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert found.lasts_until_renewal
    await house.charge("company", 520_000)
    found = await house.forecast("user")
    assert (found.today, found.lasts_until_renewal) == (520_000, False)


async def test_a_new_account_s_first_day_is_no_full_one(house: Tokenhouse, clock: Clock):
    await house.charge("user", 40_000)
    clock.move(hours=6)
    assert (await house.forecast("user")).days_known == 0
    clock.move(days=1)
    found = await house.forecast("user")
    assert (found.days_known, found.exhausted_at, found.lasts_until_renewal) == (0, None, True)
    clock.move(days=1)
    assert (await house.forecast("user")).days_known == 1


async def test_an_account_that_is_old_enough_is_known_for_four_weeks(house: Tokenhouse, clock: Clock):
    clock.move(days=40)
    await house.charge("user", 2_800)
    clock.move(days=1)
    found = await house.forecast("user")
    assert (found.days_known, found.per_day) == (28, 400)


@pytest.mark.row("C9")
async def test_all_credit_together_has_an_end_as_well(house: Tokenhouse, clock: Clock):
    for _ in range(9):
        await house.charge("user", 100_000)
        clock.move(days=1)
    found = (await house.outlook()).value
    assert (found.available, found.per_day, found.days_known) == (100_000, 100_000, 9)
    assert found.exhausted_at == clock.now + timedelta(days=1)
    assert (found.renews_at, found.lasts_until_renewal) == (None, False)


async def test_what_is_asked_for_is_checked(house: Tokenhouse):
    for asked in (
        house.curve(every="week"),  # type: ignore[arg-type]
        house.curve(last=0),
        house.curve(every="month", last=61),
        house.patterns(days=32),
        house.patterns(users=1_001),
        house.overview(top=-1),
        house.usage("user", by="day"),  # type: ignore[arg-type]
        house.refusals(days=367),
        house.exhausted(rows_max=0),
    ):
        with pytest.raises(InvalidInput):
            await asked
    with pytest.raises(NotFound):
        await house.usage("nobody")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe"])
async def test_days_of_other_zones_hold_what_happened_in_them(database: str, clock: Clock, zone: str):
    """Half hours, days of 23 and 25 hours, and midnights that do not exist."""
    clock.now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    settings = Settings(time_zone=zone)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("a")
        local: dict[str, int] = {}
        for hours in range(0, 24 * 14, 7):
            amount = 100 + hours
            await house.charge("a", amount)
            day = f"{clock.now.astimezone(ZoneInfo(zone)):%Y-%m-%d}"
            local[day] = local.get(day, 0) + amount
            if hours == 140:
                await house.fold()
            clock.move(hours=7)
        found = (await house.curve(last=20)).value.points
        shown = {
            f"{one.start_at.astimezone(ZoneInfo(zone)):%Y-%m-%d}": one.charged for one in found if one.charged
        }
        assert shown == local
