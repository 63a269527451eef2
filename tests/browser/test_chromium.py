"""What sets the browser up: nothing where all is there, and one line on what it cannot do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import CHROMIUM, browser, leave, missing

SAYS = "#!/bin/sh\necho \"$0 $@\" | sed 's:.*/::' >> {log}\n{work}\n"


@pytest.fixture
def machine(tmp_path):
    """Return what puts programs on a machine that has none, and the environment of that machine."""
    programs = tmp_path / "bin"
    programs.mkdir()

    def put(name, work=""):
        program = programs / name
        program.write_text(SAYS.format(log=tmp_path / "log", work=work))
        program.chmod(0o755)

    for name in ("sh", "sed", "env", "chmod"):
        (programs / name).symlink_to(f"/bin/{name}")
    return put, {"PATH": str(programs), "LOG": str(tmp_path / "log")}


def ran(environ):
    return subprocess.run(
        [sys.executable, "-m", "tests.browser.chromium"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_all_is_there_nothing_is_done(machine):
    put, environ = machine
    put("chromium")
    put("fc-list", "echo Noto")
    put("apt-get", "exit 1")
    assert missing(environ) == []
    assert ran(environ).returncode == 0
    assert missing(environ | {CHROMIUM: "/nowhere/chromium"}) == ["chromium-headless-shell"]


def test_a_browser_without_windows_is_taken_before_one_that_has_them(machine):
    put, environ = machine
    assert browser(environ) == ""
    for name in ("chromium", "chromium-headless-shell"):
        put(name)
        assert browser(environ).endswith(f"/{name}")


def test_only_what_is_missing_is_installed(machine):
    put, environ = machine
    put("chromium")
    put("fc-list")
    folder = environ["PATH"]
    install = f'case "$*" in *install*) echo "echo Noto" >> {folder}/fc-list;; esac'
    put("apt-get", install)
    put("sudo", 'shift; "$@"')
    done = ran(environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Installing fonts-noto-cjk, once …\n"
    log = Path(environ["LOG"]).read_text(encoding="utf-8").splitlines()
    assert [line for line in log if line.startswith("apt-get")] == [
        "apt-get update --quiet --quiet",
        "apt-get install --yes --quiet --quiet --no-install-recommends fonts-noto-cjk",
    ]


def test_who_may_not_install_is_told_what_to_install(machine):
    _, environ = machine
    done = ran(environ)
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert "apt-get install chromium-headless-shell fonts-noto-cjk" in done.stdout


def test_root_installs_and_others_by_a_sudo_that_asks_nothing(machine):
    put, environ = machine
    assert leave(0, environ) is None
    put("apt-get")
    assert leave(0, environ) == []
    assert leave(1000, environ) is None
    put("sudo", "exit 1")
    assert leave(1000, environ) is None
    put("sudo")
    assert leave(1000, environ) == ["sudo", "-n"]


def test_this_machine_has_what_the_tests_need():
    assert missing(os.environ) == []
