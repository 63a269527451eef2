"""Notices: each level once a period and never twice in 24 hours, on two nodes, over restarts and months."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tokenhouse import Settings, Tokenhouse
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import notify
from tokenhouse.flow.wording import near_end

URL = "https://tokens.example.com/buy"


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, settings=Settings(purchase_url=URL), clock=clock) as house:
        yield house


async def told(house, ref="alice", **how):
    await house.desk.bell.settled()
    return [(one.kind, one.level) for one in reversed(await house.notices(ref, rows_max=100, **how))]


async def use(house, amount, ref="alice"):
    """Spend without a crossing being heard, as a process does that dies right after."""
    tell, house.desk.bell.tell = house.desk.bell.tell, None
    await house.charge(ref, amount)
    house.desk.bell.tell = tell


@pytest.mark.row("B4")
async def test_a_level_is_told_at_the_moment_of_crossing_and_once(house, clock):
    await house.account("alice")
    await house.charge("alice", 89_999)
    assert await told(house) == []
    reservation = await house.reserve("alice", 1)
    await house.settle("alice", reservation.id, 1)
    assert await told(house) == [("level", "warning")]
    await house.charge("alice", 1_000)
    assert await told(house) == [("level", "warning")]
    clock.move(seconds=1)
    await house.charge("alice", 4_000)
    assert await told(house) == [("level", "warning"), ("level", "critical")]
    clock.move(seconds=1)
    await house.charge("alice", 10_000)
    assert await told(house) == [("level", name) for name in ("warning", "critical", "blocked")]
    assert (await house.notify()).levels == 0


@pytest.mark.row("B4", "E3")
@pytest.mark.parametrize("ended_by", ["sweep", "next call"])
async def test_a_lapse_that_costs_something_is_told_like_any_other_charge(house, clock, ended_by):
    plan = {"name": "strict", "signup": {"amount": 1_000}}
    await house.write_plan({**plan, "reserve": {"lapse_after": "15m", "on_lapse": "charge-input"}})
    await house.account("team", plan="strict")
    await house.account("alice", parent="team", plan="strict")
    await house.reserve("alice", 950, lapse_charge=920)
    assert await told(house, "team") == []
    clock.move(minutes=15)
    if ended_by == "sweep":
        assert (await house.sweep()).lapsed == 1
    else:
        await house.reserve("alice", 10)
    assert await told(house, "team") == [("level", "warning")]
    assert (await house.notify()).levels == 0


@pytest.mark.row("B4")
async def test_what_a_crash_lost_is_told_by_the_hour_and_only_the_highest_level(house):
    for ref, used in (("alice", 96_000), ("bob", 92_000), ("carol", 50_000), ("dora", 0)):
        await house.account(ref)
        await use(house, used, ref)
    assert (await house.notify()).levels == 2
    assert await told(house) == [("level", "critical")]
    assert await told(house, "bob") == [("level", "warning")]
    assert await told(house, "carol") == await told(house, "dora") == []
    assert (await house.notify()).levels == 0


@pytest.mark.row("B4")
async def test_two_nodes_and_a_restart_write_one_notice(database, clock):
    async with (
        Tokenhouse.open(database, clock=clock) as one,
        Tokenhouse.open(database, clock=clock) as other,
    ):
        for nth in range(40):
            await one.account(f"user{nth}")
            await use(one, 91_000, f"user{nth}")
        ran = await asyncio.gather(*(house.notify() for house in (one, other, one, other)))
        assert sum(each.levels for each in ran) == 40
        assert [len(await other.notices(f"user{nth}")) for nth in range(40)] == [1] * 40
        await asyncio.gather(one.charge("user0", 100), other.charge("user0", 100))
        assert await told(one, "user0") == await told(other, "user0") == [("level", "warning")]
    async with Tokenhouse.open(database, clock=clock) as again:
        await again.charge("user0", 100)
        assert (await again.notify()).levels == 0
        assert await told(again, "user0") == [("level", "warning")]


@pytest.mark.row("B4", "C8")
async def test_a_new_month_tells_anew_but_not_within_24_hours(house, clock):
    clock.now = datetime(2026, 11, 30, 20, tzinfo=UTC)
    await house.account("alice")
    await house.charge("alice", 91_000)
    assert await told(house) == [("level", "warning")]
    clock.move(hours=5)
    assert (await house.notify()).levels == 0, "its period has ended: it has used nothing"
    await house.charge("alice", 91_000)
    assert await told(house) == [("level", "warning")]
    clock.move(hours=18, minutes=59)
    assert (await house.notify()).levels == 0
    clock.move(minutes=1)
    assert (await house.notify()).levels == 1
    clock.move(days=3)
    assert (await house.notify()).levels == 0
    assert await told(house) == [("level", "warning")] * 2


async def test_a_lower_level_waits_a_day_after_a_higher_one(house, clock):
    await house.account("alice")
    await house.charge("alice", 96_000)
    assert await told(house) == [("level", "critical")]
    await house.grant("alice", 6_000)
    clock.move(hours=1)
    assert (await house.balance("alice")).level == "warning"
    assert (await house.notify()).levels == 0
    clock.move(hours=23)
    assert (await house.notify()).levels == 1
    assert await told(house) == [("level", "critical"), ("level", "warning")]


async def test_without_a_period_new_credit_begins_a_new_round(house, clock):
    await house.write_plan({"name": "prepaid", "signup": {"amount": 1_000}})
    await house.account("alice", plan="prepaid")
    await house.charge("alice", 900)
    assert await told(house) == [("level", "warning")]
    clock.move(days=2)
    assert (await house.notify()).levels == 0
    await house.grant("alice", 9_000, source="purchase")
    await house.charge("alice", 8_200)
    levels = [one for one in await told(house) if one[0] == "level"]
    assert levels == [("level", "warning")] * 2
    assert (await house.notices("alice"))[0].resets_at is None


async def test_credit_that_has_ended_counts_as_gone_though_nobody_touched_the_account(house, clock):
    await house.account("alice")
    await house.charge("alice", 80_000)
    await house.grant("alice", 1_000_000, source="bonus", expires_at=clock() + timedelta(hours=2))
    await house.charge("alice", 200_000)
    assert await told(house) == []
    clock.move(hours=2)
    assert (await house.balance("alice")).level == "warning"
    assert (await house.notify()).levels == 1


async def test_who_owes_more_than_a_new_month_brings_is_told(house, clock):
    plan = {
        "name": "carrying",
        "allowance": [{"amount": 1_000, "every": "month"}],
        "reserve": {"how": "none"},
    }
    await house.write_plan(plan)
    await house.account("alice", plan="carrying")
    await house.charge("alice", 1_000)
    await house.adjust("alice", -5_000)
    assert await told(house) == [("level", "blocked")]
    clock.move(days=30)
    assert (await house.notify()).levels == 1


@pytest.mark.row("E8")
async def test_in_a_tree_the_payer_is_told(house):
    await house.account("company", kind="company")
    await house.account("ann", parent="company")
    await house.write_plan({"name": "small", "allowance": [{"amount": 1_000, "every": "month"}]})
    await house.account("ben", parent="company", own_credit=True, plan="small")
    await house.charge("ann", 91_000)
    assert await told(house, "company") == [("level", "warning")]
    assert await told(house, "ann") == await told(house, "ben") == []
    await house.charge("ben", 910)
    assert await told(house, "ben") == [("level", "warning")]
    assert (await house.notify()).levels == 0


async def test_levels_are_the_plan_s_or_the_account_s(house):
    await house.write_plan(
        {"name": "early", "allowance": [{"amount": 1_000, "every": "month"}], "notify": {"levels": ["0.50"]}}
    )
    await house.write_plan(
        {"name": "silent", "allowance": [{"amount": 1_000, "every": "month"}], "notify": {"levels": []}}
    )
    for ref, plan in (("alice", "early"), ("bob", "silent"), ("carol", "silent"), ("dora", "early")):
        await house.account(ref, plan=plan)
    await house.set_notice_settings("carol", levels=["0.7"])
    await house.set_notice_settings("dora", levels=[])
    for ref in ("alice", "bob", "carol", "dora"):
        await house.charge(ref, 750)
    assert await told(house) == [("level", "normal")]
    assert await told(house, "carol") == [("level", "normal")]
    assert await told(house, "bob") == await told(house, "dora") == []
    assert (await house.notify()).levels == 0


async def test_a_suspended_account_is_told_so_and_of_no_level(house, clock):
    await house.account("alice")
    await use(house, 95_000)
    await house.amend("alice", state="suspended", note="unpaid")
    assert await told(house) == [("suspended", "")]
    assert (await house.notify()).levels == 0
    clock.move(seconds=1)
    await house.amend("alice", state="active")
    assert await told(house) == [("suspended", ""), ("level", "critical")]


async def test_bought_credit_is_told_once_however_often_it_is_completed(house):
    await house.account("alice", locale="ko")
    order = await house.order("alice", 5_000)
    await house.complete_order("alice", order.id)
    await house.complete_order("alice", order.id)
    assert await told(house) == [("bought", "")]
    assert "5,000 토큰" in (await house.notices("alice"))[0].title


async def test_a_purchase_that_a_crash_left_untold_is_told_by_the_hour_once(house, clock):
    await house.account("alice")
    tell, house.desk.bell.tell = house.desk.bell.tell, None
    order = await house.order("alice", 5_000)
    await house.complete_order("alice", order.id)
    house.desk.bell.tell = tell
    assert (await house.notify()).bought == 1
    assert (await house.notify()).bought == 0
    assert await told(house) == [("bought", "")]
    again = await house.order("alice", 700)
    await house.complete_order("alice", again.id)
    await house.desk.bell.settled()
    assert (await house.notify()).bought == 0
    clock.move(days=2)
    assert (await house.notify()).bought == 0


async def test_credit_that_will_end_is_told_a_week_before_once(house, clock):
    await house.account("alice", time_zone="Asia/Seoul")
    await house.grant("alice", 700, expires_at=clock() + timedelta(days=10))
    await house.grant("alice", 500)
    assert (await house.notify()).expiring == 0
    clock.move(days=4)
    assert (await house.notify()).expiring == 1
    assert (await house.notify()).expiring == 0
    text = (await house.notices("alice"))[0].text
    assert "700 tokens" in text
    assert "2026-12-01 12:00 (Asia/Seoul)" in text


@pytest.mark.row("B4", "E10")
@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ["90.5 % of your credit is used", "only 9.5 % is left", "9,500 tokens", "2026-12-01 00:00"]),
        ("ko", ["90.5%를 사용", "9.5%만 남았습니다", "9,500 토큰", "2026년 12월 1일 00:00"]),
    ],
)
async def test_a_notice_says_what_is_used_and_what_is_left_until_when_and_where_to_buy(house, locale, words):
    await house.account("alice", locale=locale, time_zone="Asia/Seoul")
    await house.charge("alice", 90_500)
    await house.desk.bell.settled()
    (notice,) = await house.notices("alice", locale="en")
    assert [word for word in (*words, "(Asia/Seoul)", URL) if word not in notice.text] == []
    assert "90.5" in notice.title
    assert "9.5" in notice.title
    assert (notice.link, notice.percent, notice.remaining) == (URL, 9_050, 9_500)


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en", "104 % of your credit is used; nothing is left."), ("ko", "104%를 사용했고 남은 양이 없습니다.")],
)
async def test_whoever_is_let_through_past_the_end_is_not_told_of_a_rest(house, locale, words):
    await house.account("alice", locale=locale)
    await house.charge("alice", 104_000)
    await house.desk.bell.settled()
    (notice,) = await house.notices("alice", locale=locale)
    assert (notice.level, words in notice.text) == ("critical", True)
    assert "0" not in near_end(await house.balance("alice"), locale).replace("104", "")


async def test_the_account_s_language_and_zone_can_be_changed_and_its_periods_stay(house):
    await house.account("alice")
    before = (await house.balance("alice")).period_end_at
    settings = await house.set_notice_settings(
        "alice", locale="ko", time_zone="Asia/Seoul", email="alice@example.com", by_email=False
    )
    assert (settings.locale, settings.time_zone, settings.email) == ("ko", "Asia/Seoul", "alice@example.com")
    assert not settings.by_email
    assert [str(level) for level in settings.levels] == ["0.9", "0.95", "1.05"]
    assert not settings.own_levels
    await house.charge("alice", 90_000)
    await house.desk.bell.settled()
    (notice,) = await house.notices("alice", locale="en")
    assert "2026년 12월 1일 09:00 (Asia/Seoul)" in notice.text
    assert (await house.balance("alice")).period_end_at == before


async def test_settings_that_cannot_be_are_refused(house):
    await house.account("alice")
    for wrong in (
        {"locale": "fr"},
        {"time_zone": "Mars/Olympus"},
        {"email": "nobody"},
        {"levels": ["0"]},
        {"levels": ["101"]},
        {"levels": [str(n / 100) for n in range(1, 12)]},
        {"by_email": 1},
    ):
        with pytest.raises(InvalidInput):
            await house.set_notice_settings("alice", **wrong)
    with pytest.raises(InvalidInput):
        await house.write_plan({"name": "wrong", "notify": {"levels": ["0"]}})
    assert (await house.set_notice_settings("alice", levels=["0.5"])).own_levels
    assert not (await house.set_notice_settings("alice", levels=None)).own_levels


async def test_an_account_that_waits_for_its_balance_has_settings(house, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("ref\nalice\n", encoding="utf-8")
    await house.import_users(file)
    assert (await house.notice_settings("alice")).levels
    assert await told(house) == []
    with pytest.raises(NotFound):
        await house.notice_settings("nobody")


async def test_notices_are_listed_counted_and_read(house, clock):
    await house.account("alice")
    await house.account("bob")
    for amount in (90_000, 5_000, 10_000):
        await house.charge("alice", amount)
        await house.desk.bell.settled()
        clock.move(minutes=1)
    assert (await house.count_notices("alice")).unread == 3
    newest, *_ = first = await house.notices("alice", rows_max=2)
    rest = await house.notices("alice", before=first[-1].id, rows_max=2)
    assert [one.level for one in [*first, *rest]] == ["blocked", "critical", "warning"]
    with pytest.raises(NotFound):
        await house.read_notice("bob", newest.id)
    read = await house.read_notice("alice", newest.id)
    assert read.read_at == clock()
    clock.move(minutes=1)
    assert (await house.read_notice("alice", newest.id)).read_at == read.read_at
    assert [one.level for one in await house.notices("alice", unread=True)] == ["critical", "warning"]
    assert await house.read_notices("alice") == 2
    count = await house.count_notices("alice")
    assert (count.total, count.unread) == (3, 0)
    assert [one.account for one in await house.all_notices(kind="level")] == ["alice"] * 3
    assert await house.all_notices(kind="bought") == []
    with pytest.raises(InvalidInput):
        await house.all_notices(kind="gossip")


async def test_the_hourly_look_goes_page_by_page(house, monkeypatch):
    monkeypatch.setattr(notify, "ROWS", 2)
    await house.account("company", kind="company")
    for nth in range(5):
        await house.account(f"user{nth}", parent="company", own_credit=True)
        await use(house, 91_000, f"user{nth}")
    assert (await house.notify()).levels == 5


async def test_a_crossing_that_cannot_be_written_is_left_to_the_hour(house, monkeypatch):
    await house.account("alice")

    async def away(waiting):
        raise ConnectionError

    tell, house.desk.bell.tell = house.desk.bell.tell, away
    await house.charge("alice", 91_000)
    await house.desk.bell.settled()
    house.desk.bell.tell = tell
    assert await told(house) == []
    assert (await house.notify()).levels == 1
