"""The embedded PostgreSQL under real processes: who joins, who dies, who may, what is said."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.store.processes import NOBODY, User, keeper, kept, let_go, postmaster, query, running, until
from tokenhouse.errors import DatabaseTrouble, StartRefused
from tokenhouse.store import embedded
from tokenhouse.store.embedded import open_embedded
from tokenhouse.store.embedded.binaries import find_binaries

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def seen(*folders: Path) -> list[tuple]:
    """Return what would show that somebody changed a folder itself."""
    return [(each.stat().st_mode, each.stat().st_uid, each.stat().st_gid) for each in folders]


def test_a_second_process_joins(user, folder):
    first = user().heard()
    started = postmaster(folder)
    assert user().heard() == first
    assert postmaster(folder) == started


def test_processes_that_start_at_once_make_one_server(user, folder):
    users = [user() for _ in range(6)]
    assert len({each.heard()["dsn"] for each in users}) == 1
    log = (folder / "server.log").read_text()
    assert log.count("ready to accept connections") == 1


def test_the_first_user_may_be_killed_while_the_second_works(user, folder):
    first, second = user(), user()
    first.heard()
    dsn = second.heard()["dsn"]
    started = postmaster(folder)
    first.end(signal.SIGKILL)
    time.sleep(1.2)  # The one fixed wait, of a grace and a look: nothing must happen in it.
    assert query(dsn, "select 1") == 1
    assert postmaster(folder) == started


def test_the_server_stops_after_its_last_user(user, folder):
    first, second = user(), user()
    first.heard()
    second.heard()
    server, watcher = postmaster(folder), keeper(folder)
    first.end(signal.SIGKILL)
    second.end(signal.SIGTERM)
    until(lambda: not running(server) and not running(watcher))
    assert "database system is shut down" in (folder / "server.log").read_text()


def test_a_killed_server_is_back_with_what_was_committed(user, folder):
    with open_embedded(folder, throwaway=True) as lease:
        query(lease.dsn, "create table kept as select 7 as value")
        killed = postmaster(folder)
        os.kill(killed, signal.SIGKILL)
        lease.ensure()
        assert query(lease.dsn, "select value from kept") == 7
        assert postmaster(folder) != killed


def test_a_killed_keeper_takes_its_server_along_and_the_next_use_brings_both_back(folder):
    with open_embedded(folder, throwaway=True) as lease:
        query(lease.dsn, "create table kept as select 7 as value")
        killed, watcher = postmaster(folder), keeper(folder)
        os.kill(watcher, signal.SIGKILL)
        until(lambda: not running(killed))
        lease.ensure()
        assert query(lease.dsn, "select value from kept") == 7
        assert keeper(folder) != watcher


def test_everything_killed_at_once_recovers_at_the_next_start(user, folder):
    first = user()
    query(first.heard()["dsn"], "create table kept as select 7 as value")
    os.kill(keeper(folder), signal.SIGSTOP)  # So that it cannot restart what we kill.
    os.kill(postmaster(folder), signal.SIGKILL)
    os.kill(keeper(folder), signal.SIGKILL)
    first.end(signal.SIGKILL)
    with open_embedded(folder, throwaway=True) as lease:
        assert query(lease.dsn, "select value from kept") == 7


def test_a_process_id_that_now_belongs_to_another_does_not_stop_the_start(user, folder):
    with open_embedded(folder, throwaway=True) as lease:
        lease.close(wait=True)
    file = folder / "data" / "postmaster.pid"
    traces = f"{os.getpid()}\n{folder / 'data'}\n1\n5432\n{folder / 'run'}\n\n  1 1\nready   \n"
    file.write_text(traces)
    (folder / "run" / f"{embedded.SOCKET}.lock").write_text(traces)
    with open_embedded(folder, throwaway=True) as lease:
        assert query(lease.dsn, "select 1") == 1


def test_a_kept_service_that_is_told_to_end_waits_for_its_users(user, folder):
    first = user()
    dsn = first.heard()["dsn"]
    server, watcher = postmaster(folder), keeper(folder)
    os.kill(watcher, signal.SIGTERM)
    assert query(dsn, "select 1") == 1
    first.end(signal.SIGKILL)
    until(lambda: not running(server), wait_s=5)


def test_two_homes_work_side_by_side(folder):
    other = folder.with_name("other")
    with open_embedded(folder, throwaway=True) as one, open_embedded(other, throwaway=True) as two:
        assert one.dsn != two.dsn
        assert query(one.dsn, "show data_directory") != query(two.dsn, "show data_directory")
        assert query(one.dsn, "show listen_addresses") == ""
    let_go(other)


def test_a_copy_of_a_running_home_does_not_join_the_original(folder):
    other = folder.with_name("other")
    with open_embedded(folder, throwaway=True) as one:
        query(one.dsn, "checkpoint")
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns(".s.*"))
        with open_embedded(other, throwaway=True) as two:
            assert query(two.dsn, "show data_directory") == str(other / "data")
            assert postmaster(folder) != postmaster(other)
            two.close(wait=True)


def test_it_is_durable_unless_it_is_thrown_away(folder):
    with open_embedded(folder) as lease:
        asked = [
            query(lease.dsn, f"show {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")
        ]
        with pytest.raises(StartRefused, match="kept"):
            open_embedded(folder, throwaway=True)
        lease.close(wait=True)
    assert asked == ["on", "on", "on"]


def test_a_thrown_away_folder_is_never_taken_for_a_durable_one(folder):
    with open_embedded(folder, throwaway=True) as lease:
        assert query(lease.dsn, "show fsync") == "off"
        with pytest.raises(StartRefused) as refused:
            open_embedded(folder)
        lease.close(wait=True)
    assert refused.value.reason == "postgres_throwaway"


def test_its_log_is_bounded(folder):
    with open_embedded(folder, throwaway=True):
        with (folder / "server.log").open("ab") as log:
            log.write(b"x" * (4 * 1024 * 1024))
        until(lambda: (folder / "server.log").stat().st_size < 4 * 1024 * 1024)
        assert (folder / "server.log.1").stat().st_size > 4 * 1024 * 1024


def test_a_start_that_was_cut_off_is_begun_again(folder):
    (folder / "data.making").mkdir(parents=True)
    (folder / "data.making" / "PG_VERSION").write_text("18\n")
    with open_embedded(folder, throwaway=True) as lease:
        assert query(lease.dsn, "select 1") == 1


# --- where it may stand ---


def test_a_path_too_long_for_a_socket_gets_a_private_short_one(folder):
    long = folder.with_name("long" * 30) / "postgres"
    with open_embedded(long, throwaway=True) as lease:
        place = Path(query(lease.dsn, "show unix_socket_directories").strip('"'))
        assert place.parent == Path(tempfile.gettempdir())
        assert (place.stat().st_mode & 0o777, place.stat().st_uid) == (0o700, os.geteuid())
        with open_embedded(long, throwaway=True) as joined:
            assert joined.dsn == lease.dsn
        lease.close(wait=True)
    shutil.rmtree(place)


def test_a_path_that_the_driver_would_misread_works_too(folder):
    odd = folder.with_name("한국, 서울 100% 'a\"b") / "postgres"
    with open_embedded(odd, throwaway=True) as lease:
        place = Path(query(lease.dsn, "show unix_socket_directories").strip('"'))
        assert query(lease.dsn, "show data_directory") == str(odd / "data")
        lease.close(wait=True)
    shutil.rmtree(place)


def test_no_place_for_a_socket_is_said_in_one_line(folder, monkeypatch):
    long = folder.with_name("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(StartRefused, match=r"10[37].*TMPDIR") as refused:
        open_embedded(long / "postgres", throwaway=True)
    assert refused.value.reason == "postgres_socket_path_too_long"
    assert "\n" not in str(refused.value)


def test_a_socket_folder_that_somebody_else_may_enter_is_refused(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder.parent))
    long = folder.with_name("long" * 30)
    embedded._socket_folder(long).mkdir(mode=0o777)
    with pytest.raises(StartRefused) as refused:
        open_embedded(long, throwaway=True)
    assert refused.value.reason == "postgres_socket_folder"


def test_data_of_another_version_are_left_alone(folder):
    with open_embedded(folder, throwaway=True) as lease:
        lease.close(wait=True)
    (folder / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(StartRefused, match=r"PostgreSQL 14.*PostgreSQL 1[5-9]") as refused:
        open_embedded(folder, throwaway=True)
    assert refused.value.reason == "postgres_wrong_version"
    until(lambda: not kept(folder))


def test_an_error_of_the_server_is_quoted_with_its_log(folder):
    with open_embedded(folder, throwaway=True) as lease:
        lease.close(wait=True)
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")
    with pytest.raises(DatabaseTrouble, match=r"invalid value.*server\.log") as trouble:
        open_embedded(folder, throwaway=True)
    assert trouble.value.reason == "postgres_start_failed"
    assert "\n" not in str(trouble.value)


def test_a_full_disk_is_said_in_one_line(folder):
    """On a real file system of 24 MB, in a mount namespace of its own: too small for a database."""
    folder.parent.joinpath("small").mkdir()
    small = folder.parent / "small"
    apart = (
        ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    )
    script = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'
    if subprocess.run(
        [*apart, "sh", "-c", script, small, "true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("no file system may be mounted here")
    said = User(small / "postgres", before=(*apart, "sh", "-c", script, str(small)))
    try:
        heard = said.heard()
    finally:
        said.end()
    assert heard["reason"] == "postgres_disk_full"
    assert "No space left on device" in heard["message"]


def test_without_programs_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr("tokenhouse.store.embedded.binaries.DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartRefused, match="TOKENHOUSE_DATABASE_URL") as refused:
        find_binaries()
    assert refused.value.reason == "postgres_no_wheel"


def test_without_the_wheel_the_programs_of_the_machine_serve(monkeypatch, folder):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    try:
        find_binaries()
    except StartRefused:
        pytest.skip("this machine has no PostgreSQL of its own")
    with open_embedded(folder, throwaway=True) as lease:
        assert query(lease.dsn, "show server_version_num") >= "150000"
        lease.close(wait=True)


# --- who may run it ---


@as_root
def test_root_changes_nothing_outside_the_folder(folder):
    outside = [folder.parent, *folder.parent.parents]
    before, accounts = seen(*outside), Path("/etc/passwd").read_bytes()
    with open_embedded(folder, throwaway=True) as lease:
        assert folder.stat().st_uid == 0
        assert query(lease.dsn, "select 1") == 1
        lease.close(wait=True)
    assert seen(*outside) == before
    assert Path("/etc/passwd").read_bytes() == accounts


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["open parent", "closed parent"])
def test_root_without_user_namespaces_lends_the_folder_to_another_user(folder, mode):
    folder.parent.chmod(mode)
    outside = [folder.parent, *folder.parent.parents]
    before = seen(*outside)
    with open_embedded(folder, throwaway=True, ways=("other",)) as lease:
        server = Path(f"/proc/{postmaster(folder)}")
        assert server.stat().st_uid == folder.stat().st_uid != 0
        query(lease.dsn, "create table kept as select 7 as value")
        with open_embedded(folder, throwaway=True) as joined:
            assert joined.dsn == lease.dsn
        lease.close(wait=True)
    with open_embedded(
        folder, throwaway=True
    ) as lease:  # Namespaces are there again: its owner still runs it.
        assert query(lease.dsn, "select value from kept") == 7
        lease.close(wait=True)
    assert seen(*outside) == before


@as_root
def test_root_who_may_run_it_in_no_way_is_told_so(folder):
    with pytest.raises(StartRefused, match="normal user") as refused:
        open_embedded(folder, throwaway=True, ways=())
    assert refused.value.reason == "postgres_no_user"


@as_root
def test_a_normal_user_runs_it_and_root_joins(user, folder, nobody):
    os.chown(folder.parent, NOBODY.pw_uid, NOBODY.pw_gid)
    before = seen(folder.parent, *folder.parent.parents)
    heard = user(**nobody).heard()
    assert {path.stat().st_uid for path in folder.iterdir()} == {NOBODY.pw_uid}
    with open_embedded(folder, throwaway=True) as lease:
        assert lease.dsn == heard["dsn"]
        assert query(lease.dsn, "select 1") == 1
    assert seen(folder.parent, *folder.parent.parents) == before
    assert {path.stat().st_uid for path in folder.rglob("*")} == {NOBODY.pw_uid}


@as_root
def test_what_root_starts_in_a_users_home_stays_usable_for_that_user(user, folder, nobody):
    os.chown(folder.parent, NOBODY.pw_uid, NOBODY.pw_gid)
    with open_embedded(folder, throwaway=True) as lease:
        lease.close(wait=True)
    assert "dsn" in user(**nobody).heard()


@as_root
def test_no_permission_is_said_in_one_line(user, folder, nobody):
    heard = user(**nobody).heard()
    assert heard["reason"] == "postgres_no_permission"
    assert str(folder) in heard["message"]


@as_root
def test_another_users_folder_is_said_in_one_line(user, folder, nobody):
    with open_embedded(folder, throwaway=True) as lease:
        heard = user(**nobody).heard()
        lease.close(wait=True)
    assert heard["reason"] == "postgres_no_permission"
