"""Installs the browser and the Korean font of the tests, where missing: `python -m tests.browser.chromium`.

They come from Debian's packages, by root or by a `sudo` that asks nothing; where neither goes, one line says
what to install. Nothing happens where both are there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

CHROMIUM: Final = "TOKENHOUSE_TEST_CHROMIUM"
"""The variable that names another browser of Chromium's kind."""
PROGRAMS: Final = ("chromium-headless-shell", "chromium")
"""The best first: without its windows, Chromium takes half the processor time for the same pages."""
PACKAGES: Final = {"browser": "chromium-headless-shell", "font": "fonts-noto-cjk"}
INSTALL: Final = ("apt-get", "install", "--yes", "--quiet", "--quiet", "--no-install-recommends")


def browser(environ: Mapping[str, str] = os.environ) -> str:
    """Return the program of the browser; "" where there is none."""
    given = environ.get(CHROMIUM)
    found = (shutil.which(name, path=environ.get("PATH")) for name in ((given,) if given else PROGRAMS))
    return next(filter(None, found), "")


def speaks_korean(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a font can show Korean."""
    program = shutil.which("fc-list", path=environ.get("PATH"))
    if program is None:
        return False
    said = subprocess.run([program, ":lang=ko", "family"], capture_output=True, check=False, env=environ)
    return bool(said.stdout.strip())


def missing(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the packages that are missing."""
    there = {"browser": bool(browser(environ)), "font": speaks_korean(environ)}
    return [package for need, package in PACKAGES.items() if not there[need]]


def leave(user: int, environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the words that stand before a command which may install; None where nothing may."""
    path = environ.get("PATH")
    if shutil.which("apt-get", path=path) is None:
        return None
    if user == 0:
        return []
    sudo = shutil.which("sudo", path=path)
    asked = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False, env=environ)
    return ["sudo", "-n"] if asked and asked.returncode == 0 else None


def main() -> int:
    """Install what is missing."""
    wanted = missing()
    if not wanted:
        return 0
    before = leave(os.geteuid())
    if before is None:
        how = f"On Debian, `apt-get install {' '.join(wanted)}`; {CHROMIUM} may name another browser."
        print(f"The tests of the pages need a browser and a Korean font. {how}")
        return 1
    print(f"Installing {' and '.join(wanted)}, once …", flush=True)
    for command in (("apt-get", "update", "--quiet", "--quiet"), (*INSTALL, *wanted)):
        subprocess.run(
            [*before, "env", "DEBIAN_FRONTEND=noninteractive", *command],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return 0 if not missing() else 1


if __name__ == "__main__":
    sys.exit(main())
