"""Orders over REST: buying for oneself, receipts in both languages, and what operators do by hand."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.paying import LARGE, SECRET, Shop
from tokenhouse.settings import Callback, Payments

pytestmark = pytest.mark.row("C2", "B8", "E9")

ORDERS = "/api/v1/orders"
SELLER = "Tokens & Sons <shop@test>"


@pytest.fixture
def settings() -> dict[str, Any]:
    callback = Callback(secret=SECRET, checkout_url="https://shop.test/pay?order={order}")
    return {"payments": Payments(callback=callback, seller=SELLER), "plan": "points"}


@pytest.fixture
async def shop(service: Service, clock: Any) -> Shop:
    shop = Shop(service, clock)
    await shop.stock(large=LARGE, old=LARGE | {"active": False})
    return shop


async def test_what_is_sold_is_listed_with_its_prices(shop: Shop, service: Service):
    [large] = (await service.ok("GET", "/api/v1/packages", who="alice"))["items"]
    assert (large["name"], large["title"], large["credit"]["value"]) == ("large", LARGE["title"], "50000")
    assert [one["shown"] for one in large["prices"]] == ["₩9,900", "$7.99", "€7.49", "¥1,100"]
    every_one = {"all": True}
    assert len((await service.ok("GET", "/api/v1/packages", who="alice", params=every_one))["items"]) == 1
    assert len((await service.ok("GET", "/api/v1/packages", who="auditor", params=every_one))["items"]) == 2
    for who in ("alice", "auditor"):
        await service.no(403, "PUT", "/api/v1/packages/mine", who=who, json=LARGE)
    for wrong in (
        {"prices": {}},
        {"prices": {"XAU": 1}},
        {"credit": "x"},
        {"bonus": "x"},
        {"plan": "nothing"},
    ):
        answer = await service.call("PUT", "/api/v1/packages/mine", who="operator", json=LARGE | wrong)
        assert answer.status_code in (400, 404), answer.text


async def test_what_is_sold_says_how_it_is_paid(shop: Shop, service: Service):
    told = await service.ok("GET", "/api/v1/packages", who="alice")
    ways = [(one["provider"], one["subscriptions"], one["page"]) for one in told["paid_over"]]
    assert ways == [("callback", True, True), ("manual", True, False)]
    assert told["paid_over"][0]["currencies"] == ["KRW", "USD", "EUR", "JPY"]
    assert told["purchase_url"] == "http://127.0.0.1:8300/app/buy"


async def test_the_smallest_package_is_offered_first(service: Service):
    for name, credit in (("large", "50000"), ("small", "500"), ("vast", "5000000")):
        await service.ok("PUT", f"/api/v1/packages/{name}", who="operator", json=LARGE | {"credit": credit})
    told = await service.ok("GET", "/api/v1/packages", who="alice")
    assert [one["name"] for one in told["items"]] == ["small", "large", "vast"]


async def test_who_never_subscribed_has_an_empty_list(service: Service):
    await service.key("alice")
    path = "/api/v1/accounts/me/subscription"
    assert await service.ok("GET", f"{path}s", who="alice") == {"items": []}
    await service.no(404, "GET", path, who="alice")
    await service.no(404, "GET", "/api/v1/accounts/nobody/subscriptions", who="auditor")


async def test_who_left_is_told_once_more_how_to_pay(shop: Shop, service: Service):
    bought = await shop.buy("alice")
    order = bought["order"]["id"]
    assert bought["checkout"]["url"] == f"https://shop.test/pay?order={order}"
    path = f"/api/v1/accounts/me/orders/{order}/checkout"
    assert await service.ok("POST", path, who="alice") == bought
    await service.no(404, "POST", path, who="bob")
    await shop.says(shop.paid(order))
    paid = await service.ok("POST", path, who="alice")
    assert (paid["order"]["state"], paid["checkout"]) == ("completed", None)


async def test_orders_are_listed_page_by_page(shop: Shop, service: Service, clock: Any):
    made = []
    for nth in range(5):
        clock.move(seconds=1)
        made.append(await shop.order("alice" if nth % 2 else "bob", quantity=nth + 1))
    mine, cursor = [], None
    while True:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = await service.ok("GET", "/api/v1/accounts/me/orders", who="alice", params=params)
        mine += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert mine == [made[3], made[1]]
    await shop.says(shop.paid(made[0]))
    for params, wanted in (
        ({}, made[::-1]),
        ({"state": "completed"}, [made[0]]),
        ({"provider": "callback", "limit": 2}, [made[4], made[3]]),
        ({"provider": "stripe"}, []),
        ({"since": clock().isoformat()}, [made[4]]),
        ({"until": clock().isoformat(), "cursor": made[2]}, [made[1], made[0]]),
    ):
        page = await service.ok("GET", ORDERS, who="auditor", params=params)
        assert [one["id"] for one in page["items"]] == wanted
    for wrong in ({"cursor": "x"}, {"provider": "\0"}, {"state": "x"}, {"since": "x"}):
        await service.no(400, "GET", ORDERS, who="auditor", params=wrong)
    await service.no(400, "GET", "/api/v1/payment-events", who="auditor", params={"provider": "\0"})
    await service.no(403, "GET", ORDERS, who="alice")
    seen = await service.ok("GET", f"{ORDERS}/{made[0]}", who="auditor")
    assert seen["account"] == "bob"
    await service.no(403, "GET", f"/api/v1/accounts/bob/orders/{made[0]}", who="alice")
    await service.no(404, "GET", f"/api/v1/accounts/me/orders/{made[0]}", who="alice")
    asked = {"package": "large", "currency": "KRW", "provider": "manual"}
    await service.no(403, "POST", "/api/v1/accounts/bob/orders", who="alice", json=asked)


async def test_an_operator_completes_fails_and_refunds_with_a_reason(shop: Shop, service: Service):
    by_hand = await shop.order("alice", "manual")
    why = {"reason": "Bank transfer of Tuesday"}
    for who in ("alice", "auditor"):
        await service.no(403, "POST", f"{ORDERS}/{by_hand}/complete", who=who, json=why)
    await service.no(400, "POST", f"{ORDERS}/{by_hand}/complete", who="operator", json={"reason": ""})
    await service.no(404, "POST", f"{ORDERS}/{by_hand}/refund", who="operator", json=why)
    for _ in range(2):
        done = await service.ok("POST", f"{ORDERS}/{by_hand}/complete", who="operator", json=why)
        assert (done["state"], done["reason"]) == ("completed", why["reason"])
    assert await shop.credit("alice") == 150_000
    await service.no(404, "POST", f"{ORDERS}/{by_hand}/fail", who="operator", json=why)
    part = {"reason": "Half of it did not work", "refunded_minor": 4_950}
    for _ in range(2):
        back = await service.ok("POST", f"{ORDERS}/{by_hand}/refund", who="operator", json=part)
        assert back["order"]["refunded"]["shown"] == "₩4,950"
        assert back["taken_back"]["unspent"]["value"] == "25000"
    assert await shop.credit("alice") == 125_000
    other = await shop.order("alice")
    failed = await service.ok("POST", f"{ORDERS}/{other}/fail", who="operator", json=why)
    assert failed["ended_by"].startswith("key:")
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor")
    actions = [one["action"] for one in log["items"]]
    assert [actions.count(f"order.{what}") for what in ("complete", "refund", "fail")] == [1, 1, 1]
    await shop.sound()


@pytest.mark.parametrize(
    ("language", "title", "total"), [("en", "Receipt", "Total"), ("ko", "영수증", "합계")]
)
async def test_a_receipt_in_both_languages_and_three_forms(
    shop: Shop, service: Service, language: str, title: str, total: str
):
    order = await shop.order("alice", quantity=2)
    path = f"/api/v1/accounts/me/orders/{order}/receipt"
    await service.no(404, "GET", path, who="alice")
    await shop.says(shop.paid(order, amount=19_800))
    await shop.says(shop.paid(order, amount=19_800, type="payment.refunded", refunded=9_900))
    receipt = await service.ok("GET", path, who="alice", params={"language": language})
    assert receipt["title"] == title
    assert receipt["number"] == f"20261121-{order[-12:].upper()}"
    [line] = receipt["lines"]
    assert (line["quantity"], line["unit_price"]["minor"], line["amount"]["minor"]) == (2, 9_900, 19_800)
    assert (receipt["total"]["minor"], receipt["refunded"]["minor"]) == (19_800, 9_900)
    text = await service.call("GET", path, who="alice", params={"language": language, "format": "text"})
    assert text.headers["content-type"].startswith("text/plain")
    assert f"{total}: ₩19,800" in text.text
    page = await service.call("GET", path, who="alice", params={"language": language, "format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert f"<th>{total}</th><td>₩19,800</td>" in page.text
    assert "Tokens &amp; Sons &lt;shop@test&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    await service.no(403, "GET", path.replace("/me/", "/alice/"), who="bob")


async def test_coupons_are_made_by_operators_and_redeemed_by_users(shop: Shop, service: Service):
    asked = {"count": 3, "credit": "500", "note": "Spring"}
    await service.no(403, "POST", "/api/v1/coupons", who="auditor", json=asked)
    made = (await service.ok("POST", "/api/v1/coupons", who="operator", json=asked))["items"]
    assert len({one["code"] for one in made}) == 3
    redeemed = await service.ok(
        "POST", "/api/v1/accounts/me/coupons", who="alice", json={"code": made[0]["code"].lower()}
    )
    assert (redeemed["credit"]["value"], redeemed["remaining"]["value"]) == ("500", "100500")
    await service.no(400, "POST", "/api/v1/accounts/me/coupons", who="alice", json={"code": made[0]["code"]})
    await service.no(403, "POST", "/api/v1/accounts/alice/coupons", who="bob", json={"code": "ABCD"})
    await service.no(404, "POST", "/api/v1/accounts/me/coupons", who="bob", json={"code": "ABCD"})
    why = {"reason": "It was printed wrong"}
    ended = await service.ok("POST", f"/api/v1/coupons/{made[1]['code']}/end", who="operator", json=why)
    assert ended["state"] == "ended"
    page = await service.ok("GET", "/api/v1/coupons", who="auditor", params={"limit": 2})
    rest = await service.ok("GET", "/api/v1/coupons", who="auditor", params={"cursor": page["next"]})
    states = sorted(one["state"] for one in page["items"] + rest["items"])
    assert states == ["active", "ended", "used up"]
    await service.no(400, "POST", "/api/v1/coupons", who="operator", json={})
    await shop.sound()


async def test_coupons_are_found_by_state_and_text_and_exported(service: Service, clock: Any):
    day = (clock() + timedelta(days=1)).isoformat()
    for body in (
        {"code": "WELCOME-2026", "credit": "500", "note": "For newcomers", "uses_max": None},
        {"code": "SALE", "discount": "12.5%", "note": "=Spring"},
        {"code": "LATER", "discount": "0.2", "valid_from": day},
        {"code": "BRIEF", "credit": "5", "valid_until": day},
    ):
        await service.ok("POST", "/api/v1/coupons", who="operator", json=body)
    for wrong in ("x%", "%", "101%", "-1%", "nan%", "1e99999999%", "1e99999%", "-1e-99999%"):
        asked = {"code": "WRONG", "discount": wrong}
        await service.no(400, "POST", "/api/v1/coupons", who="operator", json=asked)

    async def found(**params: Any) -> list[str]:
        page = await service.ok("GET", "/api/v1/coupons", who="auditor", params=params)
        return [one["code"] for one in page["items"]]

    assert await found(search="welcome-20") == await found(search="NEWCOMERS") == ["WELCOME2026"]
    assert await found(search="%") == await found(search="--") == []
    assert await found(state="waiting") == ["LATER"]
    assert await found(state="active", search="e") == ["BRIEF", "SALE", "WELCOME2026"]
    await service.no(400, "GET", "/api/v1/coupons.csv", who="auditor", params={"search": "\0"})
    await service.no(403, "GET", "/api/v1/coupons.csv", who="alice")
    await service.ok("POST", "/api/v1/accounts/me/coupons", who="alice", json={"code": "BRIEF"})
    assert await found(state="used up") == ["BRIEF"]
    clock.move(days=2)
    assert await found(state="expired") == ["BRIEF"]
    assert await found(state="waiting") == []
    sheet = await service.call("GET", "/api/v1/coupons.csv", who="auditor", params={"search": "spring"})
    (line,) = csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff")))
    assert (line["code"], line["discount_percent"], line["credit"]) == ("SALE", "12.5", "0")
    assert (line["uses"], line["uses_max"], line["valid_until"]) == ("0", "1", "")
    assert line["note"] == "'=Spring", "no cell is a formula"


async def test_a_coupon_tells_who_used_it_for_what(shop: Shop, service: Service, clock: Any):
    for body in ({"code": "GIFT", "credit": "500"}, {"code": "HALF", "discount": "50%"}):
        await service.ok("POST", "/api/v1/coupons", who="operator", json={**body, "uses_max": None})
    for who in ("alice", "bob"):
        await service.ok("POST", "/api/v1/accounts/me/coupons", who=who, json={"code": "GIFT"})
        clock.move(seconds=1)
    path = "/api/v1/coupons/gift/redemptions"
    first = await service.ok("GET", path, who="auditor", params={"limit": 1})
    rest = await service.ok("GET", path, who="auditor", params={"cursor": first["next"]})
    told = [(one["account"], one["credit"]["value"], one["state"]) for one in first["items"] + rest["items"]]
    assert told == [("bob", "500", "completed"), ("alice", "500", "completed")]
    body = {"package": "large", "currency": "KRW", "provider": "manual", "coupon": "HALF"}
    bought = await service.ok("POST", "/api/v1/accounts/me/orders", who="alice", json=body)
    (used,) = (await service.ok("GET", "/api/v1/coupons/HALF/redemptions", who="auditor"))["items"]
    assert used == {
        "account": "alice",
        "order": bought["order"]["id"],
        "at": bought["order"]["created_at"],
        **{name: bought["order"][name] for name in ("state", "credit", "price", "discount")},
    }
    await service.no(403, "GET", path, who="alice")
    await service.no(404, "GET", "/api/v1/coupons/NOTHING/redemptions", who="auditor")


async def test_a_company_buys_for_everybody_below_it(shop: Shop, service: Service):
    await service.house.account("acme", kind="company")
    await service.house.account("kim", parent="acme")
    asked = {"package": "large", "currency": "JPY", "provider": "callback", "quantity": 100}
    bought = await service.ok("POST", "/api/v1/accounts/acme/orders", who="operator", json=asked)
    assert bought["checkout"]["price"]["shown"] == "¥110,000"
    await shop.says(shop.paid(bought["order"]["id"], amount=110_000, currency="JPY"))
    assert await shop.credit("kim") == 5_100_000
    await service.no(400, "POST", "/api/v1/accounts/me/orders", who="kim", json=asked)


async def test_a_subscription_over_rest(shop: Shop, service: Service):
    unit = {"name": "point", "symbol": "P", "decimals": 0}
    await service.house.write_plan({"name": "pro", "title": "Professional", "unit": unit})
    pro = {"plan": "pro", "prices": {"KRW": 5_000}, "every": "year"}
    sold = await service.ok("PUT", "/api/v1/packages/pro", who="operator", json=pro)
    assert sold["plan_title"] == "Professional"
    path = "/api/v1/accounts/me/subscription"
    await service.no(404, "GET", path, who="alice")
    order = await shop.order("alice", package="pro")
    await shop.says(shop.paid(order, amount=5_000))
    seen = await service.ok("GET", path, who="alice")
    assert (seen["state"], seen["plan"], seen["former_plan"]) == ("active", "pro", "points")
    assert (seen["plan_title"], seen["former_plan_title"]) == ("Professional", "Points")
    assert seen["end_at"].startswith("2027-11-21")
    await service.no(403, "DELETE", "/api/v1/accounts/alice/subscription", who="bob")
    ended = await service.ok(
        "DELETE", "/api/v1/accounts/alice/subscription", who="operator", params={"at_once": True}
    )
    assert ended["state"] == "ended"


async def test_payment_events_are_for_auditors_and_paged(shop: Shop, service: Service, clock: Any):
    orders = [await shop.order("alice") for _ in range(3)]
    for order in orders:
        clock.move(seconds=1)
        await shop.says(shop.paid(order))
    path = "/api/v1/payment-events"
    await service.no(403, "GET", path, who="alice")
    first = await service.ok("GET", path, who="auditor", params={"limit": 2})
    rest = await service.ok("GET", path, who="auditor", params={"limit": 2, "cursor": first["next"]})
    assert [one["order"] for one in first["items"] + rest["items"]] == orders[::-1]
    assert rest["next"] is None
    one = await service.ok("GET", path, who="auditor", params={"order": orders[1], "verdict": "accepted"})
    assert [(event["price_minor"], event["currency"]) for event in one["items"]] == [(9_900, "KRW")]
    assert len(one["items"][0]["digest"]) == 64
    assert (await service.ok("GET", path, who="auditor", params={"provider": "toss"}))["items"] == []
