"""What tests of the store share: a folder for an embedded PostgreSQL, and processes that use it."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.processes import NOBODY, SURROUNDINGS, User, let_go


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that is not there yet, in a short place that anybody may enter."""
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        yield Path(place) / "postgres"
        let_go(Path(place) / "postgres")


@pytest.fixture
def user(folder: Path) -> Iterator[Callable[..., User]]:
    """Return a function that starts a process which uses `folder`."""
    users: list[User] = []

    def start(**how) -> User:
        users.append(User(folder, **how))
        return users[-1]

    yield start
    for each in users:
        if each.process.returncode is None:
            each.end()


@pytest.fixture(scope="session")
def nobody() -> dict[str, object]:
    """Return how to start a process as a user without rights, with a Python that this user may run."""
    how = {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid, "extra_groups": []}
    command = ["-c", "from tokenhouse.store.embedded.binaries import find_binaries; find_binaries()"]
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(
                [python, *command], env=SURROUNDINGS, capture_output=True, check=True, cwd="/", **how
            )
            return {"python": python, "cwd": "/", **how}
    pytest.skip("no Python here that another user may run")
