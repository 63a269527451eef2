"""`tokenhouse jobs`: the list, a run by hand, its history, in both languages."""

import pytest

from tokenhouse import messages
from tokenhouse.flow import schedule
from tokenhouse.flow.schedule import JOBS, Job


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_all_jobs_are_listed_and_any_can_be_run(cli, locale):
    listed = cli("jobs", "list", "--locale", locale).out
    assert all(job.name in listed for job in JOBS)
    assert messages.say("jobs.never", locale) in listed
    ran = cli("jobs", "run", "periods", "--locale", locale).out
    assert messages.say("jobs.done", locale) in ran
    assert "accounts 0" in cli("jobs", "list", "--locale", locale).out
    assert "cli:" in cli("jobs", "runs", "periods", "--locale", locale).out
    assert "lapse" in cli("jobs", "runs", "lapse", "--locale", locale).out


@pytest.mark.row("B7")
def test_a_program_gets_all_of_it(cli):
    run = cli("jobs", "run", "watch", "--actor", "dana", "--json").document
    assert (run["outcome"], run["asked_by"], run["took_s"], run["result"]["stuck"]) == ("done", "dana", 0, 0)
    jobs = cli("jobs", "list", "--json", TOKENHOUSE_TIME_ZONE="Asia/Seoul").document["jobs"]
    assert [job["name"] for job in jobs] == [job.name for job in JOBS]
    [watch] = [job for job in jobs if job["name"] == "watch"]
    assert (watch["last"]["id"], watch["time_zone"]) == (run["id"], "Asia/Seoul")
    assert cli("jobs", "runs", "watch", "--json").document["runs"] == [run]


def test_what_fails_is_told_and_by_the_exit_code(cli, monkeypatch):
    async def broken(_):
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(schedule, "JOBS", (Job(name="broken", when=5, work=broken),))
    assert "ZeroDivisionError" in cli("jobs", "run", "broken", code=1).out
    assert "There is no job" in cli("jobs", "run", "nothing", code=4).err
