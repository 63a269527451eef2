"""Notices on their way: endpoints made, tried and put to rest; what was given up is sent again by hand."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Locator, Page, expect
from standardwebhooks import Webhook

from tests.browser.site import Site
from tests.browser.words import Said
from tests.edges.channels.conftest import Receiver
from tokenhouse.flow.outbox import ATTEMPTS_MAX

PATH = "/operator/deliveries"
ENDPOINTS = f"{PATH}?view=endpoints"
LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""
DOWN = 500

pytestmark = pytest.mark.row("B4", "E10")


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"session_idle_hours": 48}  # A delivery is tried for more than a day.


@pytest_asyncio.fixture(loop_scope="session")
async def hook() -> AsyncIterator[Receiver]:
    """A web server on loopback that keeps what comes to it."""
    one = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks?token=in-the-query"
    yield one
    await runner.cleanup()


async def looking(site: Site, role: str = "operator", path: str = PATH, **look: Any) -> Page:
    """Return the page of deliveries as somebody of a role sees it."""
    return await site.page(await site.person(f"{role}@house.example", role), **look, path=path)


async def watched(site: Site, path: str = PATH, **look: Any) -> Page:
    """Open a page whose time the test can move."""
    page = await looking(site, path=None, **look)
    await page.clock.install()
    await site.go(page, path)
    return page


async def operated(site: Site, path: str, **body: Any) -> Any:
    return await site.service.ok("POST", f"/api/v1{path}", who="operator", json=body)


async def endpoint(site: Site, url: str, name: str = "Shop") -> Any:
    return await operated(site, "/endpoints", url=url, name=name, reason="Told to the team")


async def cross(site: Site, *refs: str) -> None:
    """Have accounts come to a level, and be told."""
    for ref in refs or ("alice",):
        await site.house.account(ref)
        await site.house.charge(ref, 91_000)
        await site.house.desk.bell.settled()


async def give_up(site: Site, hook: Receiver) -> None:
    """Let the receiver be down until what waits for it is given up."""
    while waiting := await site.house.deliveries(state="pending"):
        due = waiting[0].next_at
        assert due is not None
        site.clock.move(seconds=max((due - site.clock()).total_seconds(), 0))
        hook.answers = [web.Response(status=DOWN)]
        await site.house.deliver()


async def counted(site: Site) -> Any:
    return await site.service.ok("GET", "/api/v1/deliveries/count", who="auditor")


async def audited(site: Site, action: str) -> list[Any]:
    found = await site.service.ok("GET", f"/api/v1/audit-log?action={action}", who="auditor")
    return [(one["actor"], one["subject"], one["reason"]) for one in found["items"]]


async def figures(page: Page, said: Said) -> list[str]:
    """Return what the page says is on its way, and what was given up."""
    return (
        await page.get_by_role("region", name=said("deliveries.figures"))
        .locator("dd:nth-child(2)")
        .all_inner_texts()
    )


async def window_of(page: Page, said: Said, name: str, what: str) -> Locator:
    """Choose something to do with an endpoint, and return its window."""
    await page.get_by_role("button", name=said("endpoints.actOf", name=name)).click()
    await page.get_by_role("dialog").get_by_role("button", name=what).click()
    return page.get_by_role("dialog")


def proven(secret: str, seen: tuple[dict[str, str], bytes]) -> Any:
    """Return what a message says, if it is signed by a secret."""
    headers, body = seen
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    assert signature in headers["webhook-signature"].split(" ")
    return json.loads(body)


@pytest.mark.row("B8")
async def test_what_was_given_up_is_sent_again_by_hand_and_arrives_signed(
    site: Site, hook: Receiver, look: Any
):
    said = look.said
    made = await endpoint(site, hook.url)
    await cross(site)
    page = await watched(site, **look._asdict())
    row = page.get_by_role("row").filter(has_text="alice")
    await expect(row).to_contain_text(said("deliveries.states.pending"))
    assert await figures(page, said) == ["1", "0"]
    hook.answers = [web.Response(status=DOWN)]
    await site.house.deliver()
    await page.clock.fast_forward(LATER_MS)
    await expect(row).to_contain_text(f"status {DOWN}")
    await expect(row).to_contain_text(said("deliveries.next", at=""))
    await give_up(site, hook)
    (dead,) = (await site.service.ok("GET", "/api/v1/deliveries", who="auditor"))["items"]
    assert (dead["state"], dead["attempts"]) == ("dead", ATTEMPTS_MAX)
    await page.clock.fast_forward(LATER_MS)
    await expect(row).to_contain_text(said("deliveries.states.dead"))
    await expect(row.locator("td").nth(3)).to_have_text(str(ATTEMPTS_MAX))
    assert await figures(page, said) == ["0", "1"]
    failed = len(hook.seen)
    hook.answers = []
    await row.get_by_role("button").click()
    await expect(page.get_by_text(said("deliveries.resent", target="Shop"))).to_be_visible()
    await expect(row).to_contain_text(said("deliveries.states.pending"))
    assert (await site.house.deliver()).sent == 1
    await page.clock.fast_forward(LATER_MS)
    await expect(row).to_contain_text(said("deliveries.states.sent"))
    assert await figures(page, said) == [str((await counted(site))[name]) for name in ("pending", "dead")]
    assert len(hook.seen) == failed + 1
    assert proven(made["secret"], hook.seen[-1])["data"]["account"] == "alice"
    assert {headers["webhook-id"] for headers, _ in hook.seen} == {dead["id"]}
    assert ("person:operator@house.example", dead["id"], "") in await audited(site, "delivery.resend")


async def test_all_that_was_given_up_is_sent_again_at_once_but_what_rests(
    site: Site, hook: Receiver, look: Any
):
    said = look.said
    shop = await endpoint(site, hook.url)
    off = await endpoint(site, hook.url, "Old shop")
    await cross(site, "alice", "bora")
    for one in (shop, off):
        await operated(site, f"/endpoints/{one['id']}/disable", reason="moving")
    await operated(site, f"/endpoints/{shop['id']}/enable", reason="moved")
    page = await looking(site, **look._asdict())
    assert await figures(page, said) == ["0", "4"]
    await page.get_by_role("button", name=said("deliveries.resendAll")).click()
    await page.get_by_role("dialog").get_by_role("button", name=said("deliveries.resendAll")).click()
    await expect(
        page.get_by_text(
            f"{said('deliveries.resentAll', count=2, deliveries=2)} {said('deliveries.left', dead=2)}"
        )
    ).to_be_visible()
    assert await counted(site) == {"pending": 2, "dead": 2}
    await site.rest(page)
    assert await figures(page, said) == ["2", "2"]
    assert (await site.house.deliver()).sent == 2
    told = {proven(shop["secret"], seen)["data"]["account"] for seen in hook.seen}
    assert told == {"alice", "bora"}
    await page.get_by_label(said("deliveries.state")).select_option("dead")
    await page.reload()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("tbody")).not_to_contain_text(said("deliveries.states.sent"))
    assert ("person:operator@house.example", "deliveries", "") in await audited(site, "delivery.resend_dead")


async def test_a_webhook_is_made_its_secret_shown_once_and_rotated(site: Site, hook: Receiver, look: Any):
    said = look.said
    await site.house.account("alice")
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("endpoints.make")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("endpoints.url")).fill(hook.url)
    await window.get_by_label(said("endpoints.nameOf"), exact=True).fill("Shop")
    await window.get_by_label(said("endpoints.accountOf"), exact=True).fill("alice")
    await window.get_by_label(said("endpoints.kind.level")).check()
    await window.get_by_label(said("form.reason")).fill("They asked for it")
    await window.get_by_role("button", name=said("endpoints.make")).click()
    secret = await window.get_by_label(said("endpoints.secret"), exact=True).input_value()
    await window.get_by_role("button", name=said("form.close")).click()
    row = page.get_by_role("row").filter(has_text="Shop")
    await expect(row).to_contain_text(said("endpoints.kind.level"))
    await expect(row.get_by_role("link", name="alice")).to_be_visible()
    await cross(site, "bora", "alice")
    assert (await site.house.deliver()).sent == 1
    assert proven(secret, hook.seen[-1])["data"]["account"] == "alice"
    window = await window_of(page, said, "Shop", said("endpoints.rotate"))
    await window.get_by_label(said("form.reason")).fill("It leaked")
    await window.get_by_role("button", name=said("endpoints.rotate")).click()
    fresh = await window.get_by_label(said("endpoints.secret"), exact=True).input_value()
    await window.get_by_role("button", name=said("form.close")).click()
    window = await window_of(page, said, "Shop", said("endpoints.try"))
    await window.get_by_role("button", name=said("endpoints.try")).click()
    await expect(window.get_by_role("status")).to_have_text(said("endpoints.arrived"))
    for one in (secret, fresh):
        assert proven(one, hook.seen[-1])["type"] == "notice.test"
    assert secret != fresh
    await page.reload()
    await expect(row).to_be_visible()
    seen = await page.content()
    assert not any(one in seen for one in (secret, fresh, "in-the-query"))
    reasons = {
        action: (await audited(site, action))[0][2] for action in ("endpoint.create", "endpoint.rotate")
    }
    assert reasons == {"endpoint.create": "They asked for it", "endpoint.rotate": "It leaked"}
    assert len(await audited(site, "endpoint.test")) == 1


async def test_a_test_that_does_not_arrive_says_why(site: Site, hook: Receiver, look: Any):
    said = look.said
    await endpoint(site, hook.url)
    hook.answers = [web.Response(status=DOWN)]
    page = await looking(site, path=ENDPOINTS, **look._asdict())
    window = await window_of(page, said, "Shop", said("endpoints.try"))
    await window.get_by_role("button", name=said("endpoints.try")).click()
    await expect(window.get_by_role("status")).to_have_text(said("endpoints.lost", error=f"status {DOWN}"))
    await window.get_by_role("button", name=said("endpoints.try")).click()
    await expect(window.get_by_role("status")).to_have_text(said("endpoints.arrived"))
    await window.get_by_role("button", name=said("form.close")).click()
    await page.get_by_role("button", name=said("deliveries.caption"), exact=True).click()
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    for nth, one in enumerate((await site.service.ok("GET", "/api/v1/deliveries", who="auditor"))["items"]):
        await expect(rows.nth(nth)).to_contain_text(one["document"]["title"])
        state = said("deliveries.states.sent")
        await expect(rows.nth(nth)).to_contain_text(state if one["state"] == "sent" else one["error"])


async def test_an_endpoint_rests_and_is_used_again(site: Site, hook: Receiver, look: Any):
    said = look.said
    made = await endpoint(site, hook.url)
    await cross(site)
    page = await looking(site, path=ENDPOINTS, **look._asdict())
    row = page.get_by_role("row").filter(has_text="Shop")
    window = await window_of(page, said, "Shop", said("endpoints.disable"))
    await window.get_by_label(said("form.reason")).fill("They move")
    await window.get_by_role("button", name=said("endpoints.disable")).click()
    await expect(row).to_contain_text(said("endpoints.states.disabled"))
    await expect(row).to_contain_text("They move")
    assert await counted(site) == {"pending": 0, "dead": 1}
    window = await window_of(page, said, "Shop", said("endpoints.enable"))
    await window.get_by_label(said("form.reason")).fill("They have moved")
    await window.get_by_role("button", name=said("endpoints.enable")).click()
    await expect(row).to_contain_text(said("endpoints.states.active"))
    assert await audited(site, "endpoint.disable") == [
        ("person:operator@house.example", made["id"], "They move")
    ]
    assert await audited(site, "endpoint.enable") == [
        ("person:operator@house.example", made["id"], "They have moved")
    ]


@pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"
)  # The library's, on old Pythons.
async def test_a_service_is_made_by_its_address_and_a_wrong_one_is_refused(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("endpoints.make")).click()
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name=said("endpoints.ways.service")).click()
    await window.get_by_label(said("endpoints.url")).fill("nothing://here")
    await window.get_by_label(said("form.reason")).fill("For the team")
    await window.get_by_role("button", name=said("endpoints.make")).click()
    site.expect("status of 400")
    await expect(window.get_by_role("alert")).to_contain_text("nothing")
    await window.get_by_label(said("endpoints.url")).fill(
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops"
    )
    await window.get_by_role("button", name=said("endpoints.make")).click()
    await expect(page.get_by_text(said("endpoints.isMade", name="slack"))).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text="slack://…")).to_contain_text(
        said("endpoints.everybody")
    )
    await page.get_by_role("button", name=said("endpoints.actOf", name="slack")).click()
    await expect(
        page.get_by_role("dialog").get_by_role("button", name=said("endpoints.rotate"))
    ).to_have_count(0)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in await page.content()


async def test_notices_of_all_accounts_are_read_in_one_s_language(site: Site, look: Any):
    await cross(site, "alice", "bora")
    await operated(site, "/accounts/alice/grants", amount="5000", source="purchase", reason="Paid by hand")
    page = await looking(site, path=f"{PATH}?view=notices", **look._asdict())
    headers = {"accept-language": look.language}
    items = (await site.service.ok("GET", "/api/v1/notices", who="auditor", headers=headers))["items"]
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(len(items))
    assert len(items) >= 2
    for nth, one in enumerate(items):
        for said in (one["account"], one["title"], one["text"]):
            await expect(rows.nth(nth)).to_contain_text(said)
    await site.looks(page, "operator-deliveries-notices")
    await page.locator("main select").select_option("suspended")
    await expect(rows).to_have_count(0)
    none = "해당하는 알림이 없습니다." if look.language == "ko" else "No notice is like that."
    await expect(page.get_by_text(none)).to_be_visible()


async def test_a_new_house_says_that_nothing_was_sent(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    await expect(page.get_by_text(said("deliveries.none"))).to_be_visible()
    await expect(page.get_by_role("button", name=said("deliveries.resendAll"))).to_have_count(0)
    await page.get_by_role("button", name=said("deliveries.views.endpoints"), exact=True).click()
    await expect(page.get_by_text(said("endpoints.none"))).to_be_visible()
    await page.get_by_role("button", name=said("deliveries.views.notices"), exact=True).click()
    await expect(page.get_by_text(said("toldTo.none"))).to_be_visible()


async def test_auditors_read_and_users_see_nothing(site: Site, hook: Receiver):
    made = await endpoint(site, hook.url)
    await cross(site)
    await operated(site, f"/endpoints/{made['id']}/disable", reason="moving")
    page = await looking(site, "auditor")
    await expect(page.locator("tbody tr")).to_contain_text("moving")
    for name in ("New endpoint", "Send all again", "Send again to Shop"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await page.get_by_role("button", name="Endpoints").click()
    await expect(page.get_by_role("row").filter(has_text="Shop")).to_be_visible()
    await expect(page.get_by_role("button", name="Change Shop")).to_have_count(0)
    theirs = await site.page(await site.person("carol@example.com"), path=PATH)
    await expect(theirs.get_by_text("This page is for other roles than yours.")).to_be_visible()


async def test_a_lost_service_is_said_and_tried_again(site: Site, hook: Receiver):
    made = await endpoint(site, hook.url)
    await cross(site)
    await operated(site, f"/endpoints/{made['id']}/disable", reason="moving")
    page = await looking(site)
    site.expect("net::ERR")
    await page.route("**/resend", lambda route: route.abort())
    await page.get_by_role("button", name="Send again to Shop").click()
    await expect(page.get_by_text("That did not work").first).to_be_visible()
    await page.unroute("**/resend")
    await page.route("**/api/v1/endpoints?*", lambda route: route.abort())
    await page.get_by_role("button", name="Endpoints").click()
    alert = page.get_by_role("main").get_by_role("alert")
    await expect(alert).to_contain_text("cannot be reached")
    await page.unroute("**/api/v1/endpoints?*")
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("row").filter(has_text="Shop")).to_be_visible()


async def test_deliveries_are_fit_to_be_seen(site: Site, hook: Receiver, look: Any):
    made = await endpoint(site, hook.url, "Hanbit shop")
    await cross(site, "alice", "bora")
    hook.answers = [web.Response(status=204), web.Response(status=DOWN)]
    await site.house.deliver()
    await operated(site, f"/endpoints/{made['id']}/disable", reason="They move to another server")
    await endpoint(site, hook.url, "Operations")
    await cross(site, "carol")
    page = await looking(site, **look._asdict())
    await site.looks(page, "operator-deliveries")
    korean = look.language == "ko"
    await page.get_by_role("button", name="보낼 곳" if korean else "Endpoints", exact=True).click()
    await site.looks(page, "operator-deliveries-endpoints")
    await page.get_by_role("button", name="보낼 곳 추가" if korean else "New endpoint").click()
    await site.looks(page, "operator-deliveries-make")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Operations").click()
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name="테스트 보내기" if korean else "Send a test").click()
    await window.get_by_role("button", name="테스트 보내기" if korean else "Send a test").click()
    await expect(window.get_by_role("status")).to_contain_text("도착" if korean else "arrived")
    await site.looks(page, "operator-deliveries-test")
