"""Processes that use an embedded PostgreSQL, and a look at who runs."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

import tokenhouse

USER = """
import json, sys
from pathlib import Path
from tokenhouse.errors import TokenhouseError
from tokenhouse.store import embedded
from tokenhouse.store.embedded import open_embedded

embedded.GRACE_S = 0.3
try:
    lease = open_embedded(Path(sys.argv[1]), throwaway=True)
except TokenhouseError as trouble:
    print(json.dumps({"reason": trouble.reason, "message": str(trouble)}), flush=True)
    sys.exit(trouble.exit_code)
print(json.dumps({"dsn": lease.dsn}), flush=True)
for _ in sys.stdin:
    lease.ensure()
    print(json.dumps({"dsn": lease.dsn}), flush=True)
"""
"""A process that uses the server until its input ends or it is killed; each line of input is one `ensure`."""

SOURCE = Path(tokenhouse.__file__).parents[1]
SURROUNDINGS = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), *sys.path]))}
NOBODY = pwd.getpwnam("nobody")


class User:
    """A process of its own that uses the server of a folder."""

    def __init__(
        self, folder: Path, *, before: tuple[str, ...] = (), python: str = sys.executable, **how
    ) -> None:
        self.process = subprocess.Popen(
            [*before, python, "-c", USER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=SURROUNDINGS,
            **how,
        )

    def heard(self) -> dict[str, str]:
        return json.loads(self.process.stdout.readline())

    def ensure(self) -> dict[str, str]:
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self.heard()

    def end(self, kind: int = signal.SIGKILL) -> None:
        self.process.send_signal(kind)
        self.process.communicate()


def let_go(folder: Path) -> None:
    """Wait until nothing runs in a folder any more, without its grace."""
    if kept(folder):
        os.kill(keeper(folder), signal.SIGUSR1)
        until(lambda: not kept(folder))


def kept(folder: Path) -> bool:
    try:
        return b"keeper.py" in running(keeper(folder))
    except (OSError, ValueError):
        return False


def running(process: int) -> bytes:
    """Return the command of a process: nothing for one that is gone, or dead and not yet buried."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def keeper(folder: Path) -> int:
    return int((folder / "keeper.lock").read_text())


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().partition("\n")[0])


def until(condition: Callable[[], bool], wait_s: float = 15.0) -> None:
    """Return as soon as a condition holds; fail when it takes too long."""
    deadline = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def query(dsn: str, sql: str):
    """Return the one value that a query gives."""

    async def asked():
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asked())
    finally:
        loop.close()
