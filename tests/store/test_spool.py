"""The spool: what it says it keeps is there after any crash, once; a living process' file is its own."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.processes import SURROUNDINGS
from tokenhouse.errors import DatabaseTrouble, StartRefused
from tokenhouse.store import spool as store_spool
from tokenhouse.store.spool import REFUSED, Spool, line, read

pytestmark = pytest.mark.row("D8", "E2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "spool"


def records(spool: Spool) -> list[dict]:
    return [kept.record for kept in spool.pending()]


def files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def test_a_record_waits_until_it_is_done(folder: Path):
    spool = Spool(folder)
    assert files(folder) == []
    first, second = spool.write({"n": 1}, {"n": "둘"})
    assert records(spool) == [{"n": 1}, {"n": "둘"}]
    spool.done(first)
    spool.done(first)
    assert records(spool) == [{"n": "둘"}]
    spool.done(second)
    assert (records(spool), files(folder), spool.size) == ([], [], 0)
    spool.write({"n": 3})
    assert records(spool) == [{"n": 3}]


def test_what_waits_is_taken_over_by_the_next_and_by_one_alone(folder: Path):
    spool = Spool(folder)
    first, _ = spool.write({"n": 1}, {"n": 2})
    spool.done(first)
    other = Spool(folder)
    assert records(other) == [], "its owner lives"
    spool.close()
    assert other.adopt() == 1
    assert Spool(folder).pending() == []
    (kept,) = other.pending()
    assert kept.record == {"n": 2}
    other.write({"n": 3})
    other.done(kept)
    assert records(other) == [{"n": 3}]
    assert files(folder) == [".jsonl"]


def test_closing_leaves_nothing_behind_when_nothing_waits(folder: Path):
    spool = Spool(folder)
    spool.done(*spool.write({"n": 1}))
    spool.close()
    assert files(folder) == []


@given(st.lists(st.integers(1, 3), max_size=5), st.data())
def test_any_torn_end_gives_what_was_whole(sizes: list[int], data):
    content, ends, number = b"", [0], 0
    for size in sizes:
        for _ in range(size):
            content += line([number, {"n": number}])
            number += 1
            ends.append(len(content))
    cut = data.draw(st.integers(0, len(content)))
    found = read(content[:cut])
    whole = max(n for n, end in enumerate(ends) if end <= cut)
    assert found.pending == {n: {"n": n} for n in range(whole)}
    assert (found.size, found.torn, found.damaged) == (ends[whole], cut - ends[whole], 0)


def test_a_torn_end_is_reported_and_does_not_swallow_what_comes_after(folder: Path, caplog):
    spool = Spool(folder)
    spool.write({"n": 1}, {"n": 2})
    spool.close()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes() + line([2, {"n": 3}])[:-5])
    heir = Spool(folder)
    assert heir.torn == 1
    assert "unfinished write" in caplog.text
    heir.done(heir.pending()[0])
    heir.close()
    assert records(Spool(folder)) == [{"n": 2}]


def test_a_damaged_line_is_reported_and_its_file_stays(folder: Path):
    spool = Spool(folder)
    spool.write({"n": 1}, {"n": 2})
    spool.close()
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes().replace(b'{"n":1}', b'{"n":7}'))
    heir = Spool(folder)
    assert heir.damaged == 1
    assert records(heir) == [{"n": 2}]
    heir.done(*heir.pending())
    assert files(folder) == [".damaged"]


def test_what_can_never_be_done_is_kept_for_a_person(folder: Path):
    spool = Spool(folder)
    (kept,) = spool.write({"n": 1})
    spool.refuse(kept, "no such account")
    spool.refuse(kept, "no such account")
    assert records(spool) == []
    assert (folder / REFUSED).read_text() == '{"reason":"no such account","record":{"n":1}}\n'


def test_it_has_a_limit_and_says_so(folder: Path):
    spool = Spool(folder, bytes_max=200, segment_bytes=100)
    with pytest.raises(DatabaseTrouble, match="200 is the most"):
        spool.write({"text": "x" * 200})
    kept = [one for n in range(6) for one in spool.write({"n": n})]
    assert len(files(folder)) > 1
    with pytest.raises(DatabaseTrouble):
        spool.write(*({"n": n} for n in range(6)))
    spool.done(*kept)
    spool.write({"n": 10})


def test_a_full_disk_keeps_nothing_of_the_write_and_all_of_those_before(folder: Path, monkeypatch):
    spool = Spool(folder)
    spool.write({"n": 1})
    write = os.write

    def half(file: int, content: bytes) -> int:
        if len(content) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content[: len(content) // 2])

    monkeypatch.setattr(store_spool.os, "write", half)
    with pytest.raises(DatabaseTrouble, match="No space left"):
        spool.write({"n": 2})
    spool.refuse(spool.pending()[0], "never")
    assert records(spool) == [{"n": 1}]
    monkeypatch.undo()
    spool.write({"n": 3})
    spool.close()
    assert sorted(one["n"] for one in records(Spool(folder))) == [1, 3]


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path):
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(StartRefused, match="spool"):
        Spool(tmp_path / "spool")


def test_a_file_that_cannot_be_taken_over_stops_nobody(folder: Path, caplog):
    folder.mkdir(parents=True)
    (folder / "0.jsonl").mkdir()
    assert Spool(folder).write({"n": 1})
    assert "cannot be taken over" in caplog.text


WRITER = """
import os, sys
from pathlib import Path
from tokenhouse.store.spool import Spool

spool, n = Spool(Path(sys.argv[1])), 0
while True:
    kept = spool.write(*({"n": n + i, "text": "x" * 200} for i in range(20)))
    spool.done(*kept[:10])
    n += 20
    os.write(1, b"%d\\n" % n)
"""


@pytest.mark.fault
def test_killed_at_any_moment_it_has_what_it_said_it_kept(folder: Path):
    for lines in (1, 7, 40):
        command = [sys.executable, "-c", WRITER, str(folder)]
        with subprocess.Popen(command, env=SURROUNDINGS, stdout=subprocess.PIPE) as process:
            for _ in range(lines):
                said = process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            said = (process.stdout.read() or said).splitlines()[-1]
        spool = Spool(folder)
        found = {kept.record["n"] for kept in spool.pending()}
        promised = {n for n in range(int(said)) if n % 20 >= 10}
        assert promised <= found
        assert len(found) - len(promised) <= 30, "at most one write more, and what one `done` had not noted"
        spool.done(*spool.pending())
        assert spool.pending() == []
        spool.close()
        assert list(folder.iterdir()) == []
