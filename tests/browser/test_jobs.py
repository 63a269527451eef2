"""Jobs: how each went and when it runs next, its runs, and to run one now; what failed says why."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Person, Site
from tokenhouse.store.pool import connect

JOBS = "/operator/jobs"
WORDS = {
    "en": {
        "watch": "Watch all accounts",
        "go": "Run now",
        "well": "well",
    },
    "ko": {"watch": "전체 계정 감시", "go": "지금 실행", "well": "정상"},
}


async def operator(site: Site, role: str = "operator") -> Person:
    return await site.person(f"{role}@example.com", role)


def row(page: Page, name: str):
    """Return the line of a job in the table of all."""
    return page.get_by_role("table").first.get_by_role("row").filter(has_text=name)


@pytest.mark.row("E10")
async def test_an_operator_runs_a_job_and_sees_what_it_did(site: Site, look: Any):
    words = WORDS[look.language]
    await site.house.account("bora")
    page = await site.page(await operator(site), **look._asdict(), path=JOBS)
    listed = (await site.service.ok("GET", "/api/v1/jobs", who="auditor"))["items"]
    await expect(page.get_by_role("table").get_by_role("row")).to_have_count(len(listed) + 1)
    await page.get_by_role("button", name=f"{words['go']}: {words['watch']}").click()
    await page.get_by_role("dialog").get_by_role("button", name=words["go"]).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row(page, words["watch"])).to_contain_text(words["well"])
    await row(page, words["watch"]).get_by_role("link").click()
    runs = page.get_by_role("table").last
    [run] = (await site.service.ok("GET", "/api/v1/jobs/watch/runs", who="auditor"))["items"]
    await expect(runs.get_by_role("row")).to_have_count(2)
    await expect(runs).to_contain_text(f"accounts {run['result']['accounts']}")
    await expect(runs).to_contain_text("person:operator@example.com")
    await site.looks(page, "jobs-runs")
    [change] = (await site.service.ok("GET", "/api/v1/audit-log?action=job", who="auditor"))["items"]
    assert (change["action"], change["subject"]) == ("job.run", "watch")


@pytest.mark.row("E10")
async def test_what_failed_says_why(site: Site, database: str, look: Any):
    said = look.said
    page = await site.page(await operator(site), path=JOBS, **look._asdict())
    connection = await connect(database)
    await connection.execute("drop table tokenhouse.subscriptions cascade")
    await connection.close()
    await page.get_by_role(
        "button", name=said("jobs.runNamed", name=said("jobs.names.subscriptions"))
    ).click()
    await page.get_by_role("dialog").get_by_role("button", name=said("jobs.run")).click()
    await expect(
        page.get_by_text(said("jobs.ranBadly", name=said("jobs.names.subscriptions")))
    ).to_be_visible()
    [run] = (await site.service.ok("GET", "/api/v1/jobs/subscriptions/runs", who="auditor"))["items"]
    assert run["outcome"] == "failed"
    await expect(row(page, said("jobs.names.subscriptions"))).to_contain_text(run["error"])


@pytest.mark.row("E10")
async def test_many_runs_are_paged_and_an_auditor_only_looks(site: Site):
    for _ in range(21):
        await site.house.run_job("sessions")
        site.clock.move(seconds=1)
    page = await site.page(await operator(site, "auditor"), path=f"{JOBS}?job=sessions")
    runs = page.get_by_role("table").last
    await expect(runs.get_by_role("row")).to_have_count(21)
    await page.get_by_role("button", name="Show more").click()
    await expect(runs.get_by_role("row")).to_have_count(22)
    await expect(page.get_by_role("button", name="Run now")).to_have_count(0)
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("table")).to_have_count(1)
    await expect(row(page, "Renew periods")).to_contain_text("not yet")


async def test_one_at_work_cannot_be_run_twice(site: Site, database: str, look: Any):
    said = look.said
    page = await site.page(await operator(site), path=JOBS, **look._asdict())
    connection = await connect(database)
    await connection.execute("insert into tokenhouse.jobs (name) values ('watch') on conflict do nothing")
    await connection.execute(
        "insert into tokenhouse.job_runs (id, job, slot, attempt, node, asked_by, started_at, lease_until,"
        " outcome) values (gen_random_uuid(), 'watch', $1::timestamptz, 1, 'elsewhere', 'x', $1,"
        " $1 + interval '1 hour', 'running')",
        site.clock(),
    )
    await connection.close()
    site.expect("409")
    await page.get_by_role("button", name=said("jobs.runNamed", name=said("jobs.names.watch"))).click()
    await page.get_by_role("dialog").get_by_role("button", name=said("jobs.run")).click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
