"""The keeper of an embedded PostgreSQL: starts it, restarts it, and stops it when nobody uses it any more.

No user of the server owns it. Each holds a shared lock on `users.lock` for as long as it lives; the kernel
lets go of it even after kill -9. The keeper is a small process of its own that tries for the exclusive lock
twice a second: once it has it, and a grace has passed, it stops the server.

It runs as `python -I -S keeper.py ORDER`, with the standard library and its neighbours alone, so that it
starts in 30 ms and nothing in its starter's surroundings can shadow what it imports.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

if __name__ == "__main__":  # Our neighbours, without the whole house that their packages would import.
    for _name, _place in zip(
        ("tokenhouse.store.embedded", "tokenhouse.store", "tokenhouse"), Path(__file__).parents, strict=False
    ):
        sys.modules[_name] = ModuleType(_name)
        sys.modules[_name].__path__ = [str(_place)]

from tokenhouse.store.embedded.files import Failure, failure_met, failure_said, locked, open_own
from tokenhouse.store.embedded.server import Server

POLL_S = 0.5
TERM_S = 8.0
"""After SIGTERM (an init system stops the whole service) users may finish for this long."""

RESTARTS_MAX = 5
RESTARTS_S = 60.0


class Keeper:
    """Holds the server for its users and lets it go after the last one."""

    def __init__(self, server: Server, *, grace_s: float) -> None:
        self._server = server
        self._grace_s = grace_s
        self._users = open_own(server.folder, "users.lock")
        self._alone_since: float | None = None
        self._leave_at: float | None = None
        self._restarts: list[float] = []

    def keep(self) -> None:
        """Return when nobody uses the server, or we are told to leave. Raises: Failure if it keeps dying."""
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signals = b""
        while not self._finished(told=signal.SIGTERM in signals, hurried=signal.SIGUSR1 in signals):
            self._server.bound_log()
            self._restart_if_dead()
            readable, _, _ = select.select([wake], [], [], POLL_S)
            signals = os.read(wake, 1024) if readable else b""

    def _finished(self, *, told: bool, hurried: bool) -> bool:
        """Tell whether to stop. If nobody uses it, the exclusive lock stays: newcomers wait for our end."""
        now = time.monotonic()
        if told and self._leave_at is None:
            self._leave_at = now + TERM_S
        if self._leave_at is not None and now > self._leave_at:
            return True
        if not locked(self._users, fcntl.LOCK_EX):
            self._alone_since = None
            return False
        self._alone_since = now if self._alone_since is None else self._alone_since
        if hurried or self._leave_at is not None or now - self._alone_since >= self._grace_s:
            return True
        fcntl.flock(self._users, fcntl.LOCK_UN)
        return False

    def _restart_if_dead(self) -> None:
        """Start a server that died. One that keeps dying is left to whoever asks for it next."""
        if not self._server.died():
            return
        now = time.monotonic()
        self._restarts = [*(each for each in self._restarts if now - each < RESTARTS_S), now]
        if len(self._restarts) > RESTARTS_MAX:
            problem = f"it died {len(self._restarts)} times in {RESTARTS_S:.0f} s"
            raise failure_said(problem, folder=self._server.folder)
        self._server.start()


def report(reason: str | None, facts: dict[str, Any]) -> None:
    """Tell the starter how it went, if it still listens, and `keeper.log` what it would not hear."""
    if reason is not None:
        sys.stderr.write(f"{reason} {facts}\n")
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps({"reason": reason, "facts": facts}).encode() + b"\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def main(order: dict[str, Any]) -> NoReturn:
    """Keep the server that `order` describes, as nobody's child: its starter need not wait for it."""
    if os.fork() != 0:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    folder = Path(order["folder"])
    server = Server(
        folder,
        binaries=Path(order["binaries"]),
        socket_folder=Path(order["socket_folder"]),
        throwaway=order["throwaway"],
        ways=order["ways"],
    )
    try:
        os.chdir(folder)
        lock = open_own(folder, "keeper.lock")
        if locked(lock, fcntl.LOCK_EX):
            os.ftruncate(lock, 0)
            os.write(lock, str(os.getpid()).encode())
            server.prepare()
            server.start()
            report(None, {})
            Keeper(server, grace_s=order["grace_s"]).keep()
    except Failure as failure:
        report(failure.reason, failure.facts)
    except OSError as trouble:
        met = failure_met(trouble, folder=folder)
        report(met.reason, met.facts)
    finally:
        server.stop()
    sys.exit()  # The locks go with us.


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
