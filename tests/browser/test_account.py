"""One account: every figure as the API and the journal say it, and what an operator does, with its trace."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.replayed import replayed
from tests.browser.site import Site
from tests.browser.words import Said
from tokenhouse.rules.usage import Usage

ACCOUNTS = "/api/v1/accounts"
WORDS = {
    "en": {"grant": "Grant credit", "amount": "Amount", "reason": "Reason"},
    "ko": {"grant": "크레딧 지급", "amount": "수량", "reason": "사유"},
}
PRO = {
    "name": "pro",
    "allowance": [{"amount": 500_000, "every": "month"}],
    "limit": [{"what": "requests", "amount": 20, "every": "hour"}],
}
ACTIONS = re.compile("^(Grant|Correct|Change|Suspend|Resume|Edit|Take back|Refund|New key|Revoke|Invite)")
"""How the buttons of an operator and an owner begin."""
LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""

pytestmark = pytest.mark.row("E10")


async def looking(site: Site, ref: str, role: str = "operator", view: str = "", **look: Any) -> Page:
    """Return the page of an account as somebody of a role sees it."""
    person = await site.person(f"{role}@house.example", role)
    path = f"/operator/accounts/{quote(ref, safe='')}" + (f"?view={view}" if view else "")
    return await site.page(person, **look, path=path)


async def told(site: Site, ref: str, what: str) -> Any:
    """Return what the API says of an account."""
    return await site.service.ok("GET", f"{ACCOUNTS}/{quote(ref, safe='')}/{what}", who="auditor")


async def done(site: Site, ref: str) -> list[tuple[str, str, str]]:
    """Return the audit log of an account, the newest first."""
    found = await site.service.ok("GET", f"/api/v1/audit-log?subject={ref}", who="auditor")
    return [(one["action"], one["actor"], one["reason"]) for one in found["items"]]


def by_operator(action: str, reason: str) -> tuple[str, str, str]:
    return action, "person:operator@house.example", reason


async def act(page: Page, said: Said, what: str, *, reason: str = "because", **fields: str) -> Locator:
    """Open a window, fill it, and send it."""
    await page.get_by_role("button", name=what).first.click()
    window = page.get_by_role("dialog")
    for label, value in fields.items():
        await window.get_by_label(said(f"account.{label}")).fill(value)
    await window.get_by_label(said("form.reason")).fill(reason)
    await window.locator("button[type=submit]").click()
    return window


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True).get_by_role("table")


async def cells(table: Locator) -> list[list[str]]:
    """Return what stands in a table's lines."""
    return [await row.locator("td").all_inner_texts() for row in await table.locator("tbody tr").all()]


@pytest.mark.row("A4", "C9")
async def test_every_figure_is_the_api_s_and_the_journal_s(site: Site, look: Any):
    """On a real trace, replayed: the card, the origins, the lots, what was used, and the history."""
    said = look.said
    ref = (await replayed(site)).account
    page = await looking(site, ref, **look._asdict())
    balance, grants, used = [await told(site, ref, what) for what in ("balance", "grants", "usage?by=model")]
    card = page.locator("[data-level]")
    await expect(card).to_have_attribute("data-level", balance["level"])
    await expect(card).to_contain_text(balance["remaining"]["shown"])
    await expect(card).to_contain_text(
        said("card.usedOf", used=balance["used"]["shown"], percent=f"{balance['used_percent']:g}")
    )
    for one in balance["origins"]:
        await expect(page.locator(f"[data-origin={one['origin']}]")).to_contain_text(one["left"]["shown"])
    lots = await cells(table(page, said("account.lots")))
    assert [line[1:3] for line in lots] == [
        [one["given"]["shown"], one["left"]["shown"]] for one in grants["items"]
    ]
    total = used["total"]
    await expect(
        page.get_by_text(said("used.total", amount=total["charged"]["shown"], count=total["turns"]))
    ).to_be_visible()
    entries = await site.house.history(ref, rows_max=1_000)
    assert balance["used"]["value"] == str(-sum(one.amount for one in entries if one.kind == "charge"))
    await page.get_by_role("button", name=said("account.views.history")).click()
    found = (await told(site, ref, "entries?limit=50"))["items"]
    history = table(page, said("history.lines"))
    await expect(history.locator("tbody tr")).to_have_count(len(found))
    assert [line[2:4] for line in await cells(history)] == [
        [one["amount"]["shown"], one["balance_after"]["shown"]] for one in found
    ]
    assert [one["seq"] for one in found] == [one.seq for one in entries[:50]]


@pytest.mark.row("B3")
async def test_an_operator_s_grant_is_seen_by_the_user_without_a_reload(site: Site, look):
    words = WORDS[look.language]
    alice = await site.person()
    await site.house.charge("alice", 96_000)
    hers = await site.page(alice, path=None, **look._asdict())
    await hers.clock.install()
    await site.go(hers, "/")
    await expect(hers.locator("[data-level]")).to_have_attribute("data-level", "critical")
    page = await looking(site, "alice", **look._asdict())
    await page.get_by_role("button", name=words["grant"]).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(words["amount"]).fill("400000")
    await window.get_by_label(words["reason"]).fill("Goodwill")
    await window.locator("button[type=submit]").click()
    await expect(page.get_by_role("dialog").filter(has=page.get_by_label(words["amount"]))).to_have_count(0)
    await expect(page.locator("[data-level]")).to_contain_text("404,000")
    await hers.clock.fast_forward(LATER_MS)
    await expect(hers.locator("[data-level]")).to_contain_text("404,000")
    await expect(hers.locator("[data-level]")).to_have_attribute("data-level", "normal")
    assert by_operator("account.grant", "Goodwill") in await done(site, "alice")


@pytest.mark.row("C10")
async def test_credit_is_corrected_taken_back_and_refunded_with_a_reason(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    await site.house.grant("alice", 5_000, source="bonus", note="a gift")
    await site.house.charge("alice", usage=Usage(input=500, output=200), model="gpt-4o")
    page = await looking(site, "alice", **look._asdict())
    window = await act(page, said, said("account.adjust"), amount="a lot", reason="counted twice")
    await expect(window.get_by_role("alert")).to_contain_text("a lot")
    site.expect("status of 400")
    await window.get_by_label(said("account.amount")).fill("-300")
    await window.locator("button[type=submit]").click()
    await expect(page.get_by_text(said("account.adjusted", ref="alice", amount="-300"))).to_be_visible()
    await expect(window).to_have_count(0)
    left = (await told(site, "alice", "grants"))["items"]
    bonus = next(one for one in left if one["source"] == "bonus")
    await page.get_by_role("button", name=f"{said('account.clawBack')}: {said('source.bonus')}").click()
    await expect(page.get_by_role("dialog").get_by_label(said("account.amount"))).to_have_value(
        bonus["left"]["value"]
    )
    await page.get_by_role("dialog").get_by_label(said("form.reason")).fill("given by mistake")
    await page.get_by_role("dialog").locator("button[type=submit]").click()
    await expect(
        page.get_by_role("button", name=f"{said('account.clawBack')}: {said('source.bonus')}")
    ).to_have_count(0)
    await page.get_by_role("button", name=said("account.views.history")).click()
    await act(page, said, f"{said('account.refund')}: 700", reason="it timed out", amount="200")
    await expect(page.get_by_text(said("account.refunded", amount="200", ref="alice"))).to_be_visible()
    await expect(table(page, said("history.lines")).locator("tbody tr").first).to_contain_text(
        said("kind.refund")
    )
    assert (await done(site, "alice"))[:3] == [
        by_operator("account.refund", "it timed out"),
        by_operator("account.claw_back", "given by mistake"),
        by_operator("account.adjust", "counted twice"),
    ]
    balance = await site.house.balance("alice")
    assert balance.remaining == 100_000 - 300 - 700 + 200 + 5_000 - int(bonus["left"]["value"])


async def test_a_charge_explains_itself(site: Site):
    await site.house.account("alice")
    await site.house.charge("alice", usage=Usage(input=500, output=200), model="gpt-4o")
    page = await looking(site, "alice", "auditor", "history")
    await expect(page.get_by_role("button", name="Refund")).to_have_count(0)
    await page.get_by_role("button", name="Explain entry").first.click()
    window = page.get_by_role("dialog")
    await expect(window).to_contain_text("times 1 of the plan chat-tokens (version 1)")
    await expect(window).to_contain_text("exactly 700, rounded up once to 700")


@pytest.mark.row("C10")
async def test_an_account_is_suspended_and_goes_on(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    page = await looking(site, "alice", **look._asdict())
    await act(page, said, said("account.suspend"), reason="a chargeback")
    await expect(
        page.get_by_text(said("account.stateChanged", ref="alice", state=said("accounts.states.suspended")))
    ).to_be_visible()
    await expect(page.locator("[data-level]").get_by_role("alert")).to_contain_text(
        said("card.shutSeen.suspended")
    )
    assert (await site.house.describe("alice")).state == "suspended"
    await act(page, said, said("account.resume"), reason="settled")
    await expect(page.get_by_role("button", name=said("account.suspend"))).to_be_visible()
    assert (await site.house.describe("alice")).state == "active"
    assert await done(site, "alice") == [
        by_operator("account.amend", "settled"),
        by_operator("account.amend", "a chargeback"),
    ]


async def test_a_plan_is_changed_and_what_that_changes_is_shown_before(site: Site, look):
    await site.house.write_plan(PRO)
    await site.house.account("alice")
    await site.house.charge("alice", 30_000)
    page = await looking(site, "alice", **look._asdict())
    await page.get_by_role("button", name="Change plan" if look.language == "en" else "요금제 변경").click()
    window = page.get_by_role("dialog")
    await window.get_by_role("combobox").select_option("pro")
    seen = await told(site, "alice", "plan-preview?plan=pro")
    await expect(window.get_by_role("table")).to_be_visible()
    effect = await cells(window.get_by_role("table"))
    assert effect[0][1] == f"{seen['now']['remaining']['shown']} → {seen['then']['remaining']['shown']}"
    assert ["allowance[0].amount", "100000 → 500000"] in effect
    await site.looks(page, "operator-account-plan")
    await window.get_by_role("textbox").fill("she bought it")
    await window.locator("button[type=submit]").click()
    await expect(page.locator("[data-level]")).to_contain_text("470,000")
    assert (await site.house.balance("alice")).plan == "pro"
    assert (await done(site, "alice"))[0] == by_operator("account.amend", "she bought it")


async def test_who_it_is_is_corrected(site: Site, look: Any):
    said = look.said
    await site.house.account("alice", name="Alise")
    page = await looking(site, "alice", **look._asdict())
    await act(page, said, said("account.correct"), name="Alice Kim", reason="a typing error")
    await expect(page.get_by_text(said("account.corrected", ref="alice"))).to_be_visible()
    await expect(page.get_by_text("Alice Kim", exact=True)).to_be_visible()
    assert (await site.house.describe("alice")).name == "Alice Kim"


@pytest.mark.row("C10")
async def test_a_key_is_made_shown_once_and_revoked(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    page = await looking(site, "alice", view="access", **look._asdict())
    await act(page, said, said("keys.make"), name="report bot", reason="she asked")
    window = page.get_by_role("dialog")
    secret = await window.get_by_label(said("account.key.name"), exact=True).input_value()
    assert (
        await site.service.client.get("/api/v1/session", headers={"authorization": f"Bearer {secret}"})
    ).is_success
    await window.get_by_role("button", name=said("form.close")).click()
    await act(page, said, f"{said('keys.revoke')}: report bot", reason="lost")
    await expect(table(page, said("account.keys"))).to_contain_text(said("keys.state.revoked"))
    no = await site.service.client.get("/api/v1/session", headers={"authorization": f"Bearer {secret}"})
    assert no.status_code == 401
    assert await done(site, "alice") == [
        by_operator("key.revoke", "lost"),
        by_operator("key.create", "she asked"),
    ]
    await expect(page.get_by_text(said("account.peopleOwner"))).to_be_visible()


async def test_an_owner_gives_a_person_of_the_account_a_link(site: Site, look: Any):
    said = look.said
    alice = await site.person()
    page = await looking(site, "alice", "owner", "access", **look._asdict())
    await page.get_by_role("button", name=f"{said('people.link')}: {alice.email}").click()
    await page.get_by_role("dialog").get_by_role("button", name=said("people.makeLink")).click()
    link = await page.get_by_role("dialog").get_by_label(said("people.link")).input_value()
    assert (await site.house.enter(link.partition("#")[2])).session.person.email == alice.email
    await page.get_by_role("dialog").get_by_role("button", name=said("form.close")).click()
    await page.get_by_role("button", name=said("account.invite")).click()
    await page.get_by_role("dialog").get_by_label(said("account.email")).fill("helper@example.com")
    await page.get_by_role("dialog").locator("button[type=submit]").click()
    await expect(page.get_by_role("dialog").get_by_label(said("people.link"))).to_be_visible()
    made = await site.house.person("helper@example.com")
    assert (made.role, made.account) == ("user", "alice")


@pytest.mark.row("E8")
async def test_the_tree_says_who_pays_and_which_limits_hold(site: Site, look: Any):
    said = look.said
    await site.house.write_plan(PRO)
    await site.house.account("acme", kind="company", plan="pro")
    await site.house.account("lab", kind="team", parent="acme")
    await site.house.account("mina", parent="lab", name="Mina Park")
    await site.house.charge("mina", 1_200)
    await site.house.reserve("mina", 800, model="gpt-4o")
    page = await looking(site, "mina", **look._asdict())
    way = page.get_by_role("list", name=said("account.way")).get_by_role("listitem")
    assert [one.split() for one in await way.all_inner_texts()] == [
        ["acme", *said("account.pays").split()],
        ["lab"],
        ["mina"],
    ]
    [limit] = (await told(site, "mina", "limits"))["items"]
    [line] = await cells(table(page, said("account.limits")))
    assert line[1:5] == [
        "acme",
        f"{limit['used']['shown']} ({limit['used_percent']:g} %)",
        limit["limit"]["shown"],
        limit["left"]["shown"],
    ]
    assert limit["used"]["value"] == "2", "a call that was charged, and one that is open"
    await way.get_by_role("link", name="lab").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("lab")
    await page.get_by_role("link", name="mina").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("mina")
    await expect(page.get_by_text("acme", exact=True).first).to_be_visible()


async def test_open_calls_are_seen_while_they_last(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    held = await site.house.reserve("alice", 800, model="gpt-4o")
    page = await looking(site, "alice", "auditor", **look._asdict())
    [[name, model, amount, *_]] = await cells(table(page, said("account.open")))
    assert (name, model, amount) == (held.id, "gpt-4o", "800")


async def test_orders_notices_chat_and_what_was_done_are_there(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    await site.service.ok(
        "POST", f"{ACCOUNTS}/alice/grants", who="operator", json={"amount": "1", "reason": "first"}
    )
    await site.house.charge("alice", 96_000)
    await site.house.notify()
    chat = await site.service.ok("POST", "/api/v1/chat/sessions", who="alice", json={"title": "hello"})
    site.service.app._gateway._upstreams.demo._first_s = (
        site.service.app._gateway._upstreams.demo._chunk_s
    ) = 0
    await site.service.ok(
        "POST", f"/api/v1/chat/sessions/{chat['id']}/messages", who="alice", json={"message": "안녕하세요!"}
    )
    page = await looking(site, "alice", "auditor", "dealings", **look._asdict())
    spoken = {"accept-language": look.language}
    path = f"{ACCOUNTS}/alice/notices"
    notices = (await site.service.ok("GET", path, who="auditor", headers=spoken))["items"]
    assert [line[1] for line in await cells(table(page, said("account.notices")))] == [
        f"{one['title']}\n{one['text']}" for one in notices
    ]
    assert notices
    use = await told(site, "alice", "chat")
    figures = page.get_by_role("region", name=said("account.chat"), exact=True)
    assert (use["sessions"], use["turns"]) == (1, 1)
    for shown in (f"{use['tokens']:,}", use["charged"]["shown"]):
        await expect(figures).to_contain_text(shown)
    await expect(table(page, said("account.audit"))).to_contain_text("account.grant")
    await expect(page.get_by_text(said("account.ordersNone"))).to_be_visible()


async def test_an_auditor_sees_everything_and_no_action(site: Site):
    await site.house.account("alice")
    await site.house.grant("alice", 5_000)
    await site.service.key("alice")
    page = await looking(site, "alice", "auditor")
    for view in ("Standing", "History", "Keys and people", "Orders, notices, chat"):
        await page.get_by_role("button", name=view).click()
        await site.rest(page)
        await expect(page.get_by_role("button", name=ACTIONS)).to_have_count(0)


async def test_users_and_unknown_accounts_are_told_so(site: Site):
    page = await site.page(await site.person(), path="/operator/accounts/alice")
    await expect(page.get_by_text("This page is for other roles than yours.")).to_be_visible()
    page = await looking(site, "nobody", "auditor")
    await expect(page.get_by_role("alert")).to_contain_text("nobody")
    site.expect("status of 404")


@pytest.mark.row("E10")
async def test_each_part_is_fit_to_be_seen(site: Site, look):
    await site.house.write_plan(PRO)
    await site.house.account("acme", kind="company", plan="pro", name="Acme")
    await site.person("mina@example.com")
    await site.house.account("lab", kind="team", parent="acme")
    await site.house.grant("mina", 50_000, source="purchase", note="Order of March")
    for _ in range(3):
        await site.house.charge("mina", usage=Usage(input=20_000, output=4_000), model="gpt-4o")
    await site.house.reserve("acme", 800, model="gpt-4o")
    await site.service.key("mina")
    page = await looking(site, "mina", "owner", **look._asdict())
    await site.looks(page, "operator-account-standing")
    for view in ("history", "access", "dealings"):
        await site.go(page, f"/operator/accounts/mina?view={view}")
        await site.looks(page, f"operator-account-{view}")
    await site.go(page, "/operator/accounts/acme")
    await page.get_by_role("button", name=WORDS[look.language]["grant"]).click()
    await site.looks(page, "operator-account-grant")


async def test_what_is_owed_and_set_aside_is_shown_and_an_address_that_ends_as_a_file_s_survives_a_reload(
    site: Site,
):
    ref = "kim@example.com"
    await site.house.write_plan({"name": "owing", "signup": {"amount": 100}, "stop": {"debt": "carry"}})
    await site.house.account(ref, plan="owing")
    held = await site.house.reserve(ref, 50)
    await site.house.settle(ref, held.id, 130)
    page = await site.page(
        await site.person("op@house.example", "operator"), path=f"/operator/accounts/{quote(ref)}"
    )
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text(ref)
    balance = await site.service.ok("GET", f"/api/v1/accounts/{quote(ref)}/balance", who="auditor")
    owed = page.locator("[data-origin=debt]")
    await expect(owed).to_contain_text(f"−{balance['debt']['shown']}")  # noqa: RUF001 -- a minus sign
    assert balance["debt"]["shown"] == "30"
    await expect(page.locator("[data-origin=held]")).to_have_count(0)
    await site.house.grant(ref, 500)
    await site.house.reserve(ref, 70)
    await expect(page.locator("[data-origin=held]")).to_contain_text("70")
    await expect(owed).to_have_count(0)


async def test_an_order_leads_to_its_own_page(site: Site):
    await site.house.account("alice")
    await site.service.ok(
        "PUT",
        "/api/v1/packages/small",
        who="operator",
        json={"title": {"en": "Small", "ko": "스몰"}, "credit": "500", "prices": {"KRW": 4_900}},
    )
    asked = {"package": "small", "currency": "KRW", "provider": "manual"}
    order = (await site.service.ok("POST", "/api/v1/accounts/me/orders", who="alice", json=asked))["order"]
    page = await site.page(
        await site.person("op@house.example", "operator"), path="/operator/accounts/alice?view=dealings"
    )
    await page.get_by_role("region", name="Orders").get_by_role("link").click()
    await page.wait_for_url(f"**/operator/orders/{order['id']}")
