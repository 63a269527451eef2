"""The parts of the pages by themselves: their types, and what Vitest says of each."""

import re
import subprocess
from pathlib import Path

from dashboard.build import node

DASHBOARD = Path(__file__).parents[2] / "dashboard"
PROGRAMS = DASHBOARD / "node_modules" / ".bin"
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def said(program, *words):
    """Return whether a program of the pages ends well, and what it says."""
    assert (PROGRAMS / program).exists(), f"no {program} in dashboard/node_modules: `make pages` installs it"
    folder = node() / "bin"
    surroundings = {"PATH": f"{folder}:{PROGRAMS}:/usr/bin:/bin", "CI": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        [PROGRAMS / program, *words],
        cwd=DASHBOARD,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode == 0, COLOURS.sub("", done.stdout)


def test_every_part_does_what_its_tests_say(record_property):
    well, told = said("vitest", "run")
    assert well, told
    files, tests = re.findall(r"(?:Test Files|Tests) +(\d+) passed", told)
    assert int(tests) > int(files) > 0
    record_property("shown", f"Vitest: {tests} tests in {files} files passed")


def test_types_hold():
    well, told = said("tsc", "--noEmit")
    assert well, told
