"""The operator's overview: every figure is the API's and the journal's; what waits, what passes."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.site import Person, Site
from tests.browser.words import Said
from tests.conftest import Clock
from tokenhouse import Price, Tokenhouse
from tokenhouse.errors import InsufficientCredit
from tokenhouse.flow.documents import sample_plan
from tokenhouse.flow.replay import Replay, TraceClock, start_of
from tokenhouse.flow.simulate import Assumptions
from tokenhouse.flow.traces import Trace, sample_trace
from tokenhouse.store.pool import connect

OPERATOR = "/operator"
WORDS = {
    "en": {
        "accounts": "Accounts",
        "active": "Active in their period",
        "used": "Used, tokens",
        "left": "Left, tokens",
        "bought": "Bought, tokens",
        "gone": "Nothing left",
        "pace": "The last five minutes",
        "waits": "Needs attention",
        "well": "Nothing waits for you.",
        "watched": "Watched",
        "week": "When it is used",
        "table": "As a table",
        "use": "Use over time",
        "money": "Money in, the last twelve months",
        "buckets": "How close to their limit",
        "costs": "Provider's cost beside the charge, this month",
        "lasts": "How long all credit lasts",
    },
    "ko": {
        "accounts": "계정",
        "active": "이번 기간 활성",
        "used": "사용(토큰)",
        "left": "남음(토큰)",
        "bought": "구매(토큰)",
        "gone": "소진",
        "pace": "최근 5분",
        "waits": "확인이 필요한 일",
        "well": "확인할 일이 없습니다.",
        "watched": "감시",
        "week": "사용 시간대",
        "table": "표로 보기",
        "use": "사용 추세",
        "money": "들어온 돈, 최근 12개월",
        "buckets": "소진까지의 거리",
        "costs": "이번 달 공급자 비용과 청구",
        "lasts": "전체 크레딧이 유지되는 기간",
    },
}
NONE = "\N{EN DASH}"
ACCOUNTS, REQUESTS = 12, 20
"""How many accounts of the sample are taken, and of each how many requests at most."""


def part() -> Trace:
    """Return the requests of a few accounts of the sample that made few."""
    whole = sample_trace()
    counted = Counter(one.account for one in whole.requests)
    taken = [name for name in whole.accounts if 2 <= counted[name] <= REQUESTS][:ACCOUNTS]
    chosen = [one for one in whole.requests if one.account in taken]
    return Trace(name="part", layout=whole.layout, requests=chosen)


async def replayed(site: Site) -> None:
    """Replay that part, up to now; then calls, a refusal and orders of this minute."""
    trace, house = part(), site.house
    span = timedelta(microseconds=trace.requests[-1].at - trace.requests[0].at)
    given = Assumptions(start_at=site.clock() - span)
    clock = TraceClock(start_of(trace, given))
    async with Tokenhouse.open(settings=house.desk.settings, clock=clock) as then:
        replay = Replay(
            desk=then.desk,
            trace=trace,
            plan=sample_plan(then.desk.settings.time_zone),
            given=given,
            callers=4,
            clock=clock,
        )
        await replay.prepare()
        await replay.drive()
        assert (await replay.audit()).sound
    await house.fold()
    await house.account("bora")
    await house.charge("bora", 1_000, model="m")
    with pytest.raises(InsufficientCredit):
        await house.charge("bora", 10**9)
    for currency, minor in (("KRW", 9_900), ("USD", 1_250)):
        order = await house.order("bora", 5_000, price=Price(minor=minor, currency=currency))
        await house.complete_order("bora", order.id)


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"time_zone": "Asia/Seoul"}


async def operator(site: Site) -> Person:
    """Return somebody who runs the house and has no account of their own."""
    return await site.person("op@example.com", "operator")


def figure(page: Page, name: str) -> Locator:
    """Return the figure of a name."""
    return page.locator("dl > div").filter(has=page.get_by_text(name, exact=True)).locator("dd").first


def card(page: Page, name: str) -> Locator:
    """Return a panel by its name, or by how that begins."""
    return page.get_by_role("region", name=re.compile(f"^{re.escape(name)}"))


async def cells(table: Locator) -> list[list[str]]:
    """Return what stands in a table, row by row, without its head."""
    rows = await table.get_by_role("row").all()
    return [await row.get_by_role("cell").all_inner_texts() for row in rows[1:]]


@pytest.mark.row("B5", "C9", "D11", "E10")
async def test_every_figure_is_the_apis_and_the_journals(site: Site, look: Any):
    await replayed(site)
    words, ask = WORDS[look.language], site.service.ok
    page = await site.page(await operator(site), **look._asdict(), path=OPERATOR)
    await site.looks(page, "overview-figures")
    told = await ask("GET", "/api/v1/statistics", who="auditor")
    overview = told["overview"]
    await expect(figure(page, words["accounts"])).to_have_text(f"{overview['accounts']:,}")
    await expect(figure(page, words["active"])).to_have_text(f"{overview['active']:,}")
    await expect(figure(page, words["gone"])).to_have_text(f"{overview['exhausted']:,}")
    for name in ("used", "left", "bought"):
        await expect(figure(page, words[name])).to_have_text(overview[name]["shown"])
    assert overview["accounts"] == ACCOUNTS + 1
    await notes_are_the_apis(page, look.said, overview)

    pace = await ask("GET", "/api/v1/statistics/live", who="auditor")
    last = card(page, words["pace"])
    assert (pace["allowed"], pace["refused"]) == (1, 1)
    await expect(last.locator("dd").nth(0)).to_have_text("1")
    await expect(last.locator("dd").nth(1)).to_have_text("1")

    use = card(page, words["use"])
    await use.get_by_role("button", name=words["table"]).click()
    curve = await ask("GET", "/api/v1/statistics/usage?every=day&last=30", who="auditor")
    assert [line[-1] for line in await cells(use)] == [one["charged"]["shown"] for one in curve["points"]]
    journal = await charges(site)
    assert sum(int(one["charged"]["value"]) for one in curve["points"]) == sum(journal)

    buckets = card(page, words["buckets"])
    await buckets.get_by_role("button", name=words["table"]).click()
    counted = told["distribution"]
    names = ("under50", "under80", "under90", "under95", "over95")
    assert [line[-1] for line in await cells(buckets)] == [str(counted[name]) for name in names]

    week = card(page, words["week"])
    await week.get_by_role("button", name=words["table"]).click()
    patterns = await ask("GET", "/api/v1/statistics/patterns?days=28&users=10", who="auditor")
    turns = {(one["hour"], one["weekday"]): one["turns"] for one in patterns["hours"]}
    assert await cells(week) == [
        [f"{hour}:00", *(str(turns[hour, day]) for day in range(7))] for hour in range(24)
    ]

    money = card(page, words["money"])
    income = (await ask("GET", "/api/v1/statistics/purchases?every=month&last=12", who="auditor"))["income"]
    for one in income:
        place = money.locator(f"[data-currency={one['currency']}]")
        await expect(place).to_contain_text(one["kept"]["shown"])
        await expect(place).to_contain_text(one["paid"]["shown"])
    assert [one["kept"]["minor"] for one in income] == [9_900, 1_250]

    costs = await ask("GET", "/api/v1/statistics/costs?every=month&last=1", who="auditor")
    await expect(card(page, words["costs"])).to_contain_text(costs["charged"]["shown"])
    for one in costs["costs"]:
        await expect(card(page, words["costs"])).to_contain_text(one["shown"])
    by_cost = await cells(page.get_by_role("region", name=look.said("overview.costs.lines")))
    assert [line[-2:] for line in by_cost] == [
        [one["charged"]["shown"], one["cost"]["shown"] if one["cost"] else NONE] for one in costs["lines"]
    ]
    await patterns_are_the_journals(site, page, look.said, patterns)
    lasting = await ask("GET", "/api/v1/statistics/forecast", who="auditor")
    await expect(card(page, words["lasts"])).to_contain_text(lasting["available"]["shown"])
    await expect(card(page, words["lasts"])).to_contain_text(lasting["per_day"]["shown"])


async def notes_are_the_apis(page: Page, said: Said, told: Any) -> None:
    """See the figures that stand below others."""
    mean = "< 1" if told["turns_mean"] == 0 and told["turns"] else f"{told['turns_mean']:,}"
    notes = {
        said("overview.withBalance", shown=f"{told['with_balance']:,}", count=told["with_balance"]),
        said("overview.turns", shown=f"{told['turns']:,}", mean=mean, count=told["turns"]),
        said("overview.debt", debt=told["debt"]["shown"]),
        *(
            said("overview.mean", mean=told[f"{one}_mean"]["shown"], most=told[f"{one}_max"]["shown"])
            for one in ("used", "bought")
        ),
    }
    shown = await page.locator("dl > div > dd:last-child").all_inner_texts()
    assert notes <= set(shown), shown


async def patterns_are_the_journals(site: Site, page: Page, said: Said, told: Any) -> None:
    """See what each model and each of the first accounts used, as the API has it, and the journal."""
    models = await cells(page.get_by_role("region", name=said("overview.patterns.models"), exact=True).last)
    assert [[line[1], line[-2]] for line in models] == [
        [f"{one['turns']:,}", one["charged"]["shown"]] for one in told["models"]
    ]
    users = await cells(page.get_by_role("region", name=said("overview.patterns.users"), exact=True).last)
    assert [line[:3] for line in users] == [
        [one["account"], f"{one['turns']:,}", one["charged"]["shown"]] for one in told["users"]
    ]
    kept = Counter[str]()
    async with site.house.desk.pool.acquire() as connection:
        for row in await connection.fetch(
            "select model, charge from tokenhouse.entries where kind = 'charge'"
        ):
            kept[row["model"]] += row["charge"]
    assert {one["model"]: int(one["charged"]["value"]) for one in told["models"]} == kept


async def charges(site: Site) -> list[int]:
    """Return every charge of the journal, as the database has it."""
    async with site.house.desk.pool.acquire() as connection:
        rows = await connection.fetch("select charge from tokenhouse.entries where kind = 'charge'")
    return [row["charge"] for row in rows]


@pytest.mark.row("B5", "E10")
async def test_who_used_most_leads_to_their_account(site: Site, look: Any):
    said = look.said
    await replayed(site)
    page = await site.page(await operator(site), path=OPERATOR, **look._asdict())
    told = (await site.service.ok("GET", "/api/v1/statistics?top=100", who="auditor"))["top"]
    table = page.get_by_role("region", name=said("overview.accounts"), exact=True).last
    await expect(table.get_by_role("row")).to_have_count(11)
    await page.get_by_role("button", name=said("overview.topAll", count=len(told))).click()
    await expect(table.get_by_role("row")).to_have_count(len(told) + 1)
    names = [
        (await row.get_by_role("link").inner_text()) for row in (await table.get_by_role("row").all())[1:]
    ]
    assert names == [one["account"] for one in told]
    await table.get_by_role("link", name=told[0]["account"]).click()
    await expect(page).to_have_url(re.compile("/app/operator/accounts/"))


@pytest.mark.row("C9", "E10")
async def test_calls_show_while_one_looks_and_move_on(site: Site, look: Any):
    said = look.said
    await site.house.account("bora")
    page = await site.page(await operator(site), path=None, **look._asdict())
    await page.clock.install()
    await site.go(page, OPERATOR)
    last = page.get_by_role("region", name=said("overview.pace.title"))
    await expect(last.locator("dd").first).to_have_text("0")
    for _ in range(3):
        await site.house.charge("bora", 10)
    await page.clock.fast_forward(6_000)
    await expect(last.locator("dd").first).to_have_text("3")
    await expect(last.locator("dd").nth(2)).to_have_text(said("overview.percent", percent="100"))
    site.clock.move(minutes=6)
    await page.clock.fast_forward(6_000)
    await expect(last.locator("dd").first).to_have_text("0")


@pytest.mark.row("A7", "E10")
async def test_what_is_not_well_says_so_and_leads_there(site: Site, database: str, look: Any):
    words = WORDS[look.language]
    await site.house.account("bora")
    await site.house.run_job("watch")
    page = await site.page(await operator(site), **look._asdict(), path=OPERATOR)
    await expect(card(page, words["waits"])).to_contain_text(words["well"])
    await expect(card(page, words["watched"]).locator("[data-good=true]")).to_have_count(2)

    connection = await connect(database)
    await connection.execute(
        "insert into tokenhouse.accounts (cell, id, ref, kind, created_at) values (1, 999, 'x', 'user', $1)",
        site.clock(),
    )
    await connection.execute(
        "insert into tokenhouse.rates_held (document, listed, created_at) values ('{}', true, $1)",
        site.clock(),
    )
    await connection.close()
    site.clock.move(seconds=1)
    await site.house.run_job("watch")
    await site.go(page, OPERATOR)
    waits = card(page, words["waits"])
    await expect(waits.locator("[data-what]")).to_have_count(2)
    await expect(card(page, words["watched"]).locator("[data-good=false]")).to_have_count(1)
    await waits.locator("[data-what=signups_waiting]").get_by_role("link").click()
    await expect(page).to_have_url(f"{site.url}/app/operator/integrity")


@pytest.mark.row("B5", "E10")
async def test_an_operator_has_it_counted_anew_and_an_auditor_looks_on(site: Site, clock: Clock, look: Any):
    said = look.said
    await site.house.account("bora")
    page = await site.page(await operator(site), path=OPERATOR, **look._asdict())
    await expect(figure(page, said("overview.accounts"))).to_have_text("1")
    await site.house.account("carol")
    await site.go(page, OPERATOR)
    await expect(figure(page, said("overview.accounts"))).to_have_text("1")
    clock.move(minutes=1)
    await page.get_by_role("button", name=said("overview.clear")).click()
    await expect(page.get_by_text(said("overview.cleared"))).to_be_visible()
    await expect(figure(page, said("overview.accounts"))).to_have_text("2")
    auditor = await site.page(
        await site.person("aud@example.com", "auditor"), path=OPERATOR, **look._asdict()
    )
    await expect(figure(auditor, said("overview.accounts"))).to_have_text("2")
    await expect(auditor.get_by_role("button", name=said("overview.clear"))).to_have_count(0)


@pytest.mark.row("E10")
async def test_an_empty_house_a_lost_network_and_somebody_without_the_role(site: Site, look: Any):
    page = await site.page(await operator(site), **look._asdict(), path=OPERATOR)
    await expect(figure(page, WORDS[look.language]["accounts"])).to_have_text("0")
    await site.looks(page, "overview-empty")
    site.expect("ERR_FAILED", "403")
    await page.route("**/api/v1/statistics/patterns*", lambda route: route.abort())
    await page.route("**/api/v1/statistics?*", lambda route: route.fulfill(status=403, json=PROBLEM))
    await page.goto(f"{site.url}/app{OPERATOR}")
    await expect(page.get_by_role("alert").filter(has_text="Not now")).to_be_visible()
    user = await site.page(await site.person("bora@example.com"), path=OPERATOR)
    await expect(user.get_by_text("This page is for other roles than yours.")).to_be_visible()


PROBLEM = {"type": "about:blank", "title": "Not now", "status": 403, "detail": "Later.", "code": "forbidden"}
