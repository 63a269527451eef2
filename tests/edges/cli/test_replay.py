"""`tokenhouse replay`: the sample ends with a report that says whether the books are right."""

import os
import pty
from contextlib import suppress

import pytest

from tokenhouse.flow.replay import Replay

pytestmark = pytest.mark.row("E11", "E12")

TRACE = "time,account,model,input,output\n" + "".join(f"{n},u{n % 3},m,900,{n}\n" for n in range(60))


@pytest.fixture
def trace(tmp_path):
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    return str(file)


def test_the_sample_is_replayed_again_and_again_and_ends_well(cli):
    told = cli("replay", "--sample")
    assert "by: too little credit" in told.out
    assert "by: requests/day" in told.out
    assert "lost: told to callers, not in the journal    0 tokens" in told.out
    assert "All is well" in told.out
    assert "accounts show replay/" in told.out
    assert "4,981 / 4,981 requests" in told.err
    again = cli("replay", "--sample", "--json", "--quiet")
    assert again.err == ""
    report = again.document
    assert (report["sound"], report["lost"], report["double"], report["false_refusals"]) == (True, 0, 0, 0)
    assert report["totals"]["refused_by"].keys() == {"insufficient_credit", "requests/day"}


def test_a_plan_of_the_house_a_preset_and_a_file(cli, trace, tmp_path):
    (tmp_path / "own.toml").write_text('name = "own"\nsignup = { amount = 1_000 }\n')
    for plan, refused in (("chat-tokens", 0), ("quota", 30), (str(tmp_path / "own.toml"), 57)):
        report = cli("replay", trace, "--plan", plan, "--output-cap", "10", "--json").document
        assert report["sound"]
        assert report["totals"]["refused"] >= refused


def test_our_time_instead_of_the_traces(cli, trace):
    told = cli("replay", trace, "--wall", "--callers", "2", "--locale", "ko")
    assert "이상 없습니다" in told.out


def test_what_is_off_is_said_and_told_by_the_exit_code(cli, trace, monkeypatch):
    whole = Replay.audit

    async def damaged(self):
        next(iter(self.known.values()))["f" * 32] = 5
        return await whole(self)

    monkeypatch.setattr(Replay, "audit", damaged)
    told = cli("replay", trace, code=1)
    assert "lost: told to callers, not in the journal    5 tokens" in told.out
    assert "SOMETHING IS OFF" in told.out


def test_a_terminal_shows_a_live_screen(process):
    screen, slave = pty.openpty()
    running = process("replay", "--sample", stderr=slave)
    os.close(slave)
    drawn = b""
    with suppress(OSError):  # Linux says EIO when the last writer has gone
        while more := os.read(screen, 65_536):
            drawn += more
    os.close(screen)
    report, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "All is well" in report
    assert b"peak use" in drawn, "the table of who uses most was drawn while it ran"
    assert b"deepseek-r1/35" in drawn


def test_a_trace_that_is_not_there_is_one_line(cli):
    told = cli("replay", "none.csv", code=2)
    assert told.err.count("\n") == 1
