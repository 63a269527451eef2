"""A PostgreSQL of our own under one folder: the first process starts it, the last one lets it go.

    with open_embedded(settings.folder / "postgres") as lease:
        pool = await open_pool(lease.dsn)

It listens on a unix socket alone, so two homes never meet on a port. `keeper.py` says how it is kept.
Import this module when it is needed and not before: where its locks do not exist (Windows), importing it
refuses the start.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tokenhouse.errors import DatabaseTrouble, StartRefused

if sys.platform == "win32":
    raise StartRefused("postgres_not_here", platform=sys.platform)

import fcntl

from tokenhouse.store.embedded.binaries import find_binaries
from tokenhouse.store.embedded.files import Failure, failure_met, locked, open_own, serving
from tokenhouse.store.embedded.identity import known_user

SOCKET = ".s.PGSQL.5432"
SOCKET_BYTES_MAX = 107 if sys.platform == "linux" else 103
"""What fits into the kernel's sockaddr_un, less its closing zero."""

GRACE_S = 2.5
"""How long a server without users waits for the next one: a script of short commands starts it once."""

WAIT_S = 120.0
"""How long to wait for a server that is starting, recovering or stopping under another's hand."""

ANSWER_S = 5.0

WAYS = ("namespace", "other")
"""How root may run PostgreSQL, which refuses to run as root: in a user namespace, or as another user."""

_TROUBLES = frozenset({"postgres_disk_full", "postgres_start_failed"})
"""Failures that pass; all others are a matter of the surroundings and refuse the start."""


def open_embedded(folder: Path, *, throwaway: bool = False, ways: Sequence[str] = WAYS) -> "Lease":
    """Start the PostgreSQL of a folder, or join it if it runs; it runs until its last lease ends.

    Args:
        folder: everything is in here, and it is made if missing; only a socket whose path would be too long
            goes to a private folder of the system's temporary one, named after a hash of this path.
        throwaway: for tests: nothing is flushed to disk. A folder is so from its first start, or never.
        ways: how root may run it.

    Raises:
        StartRefused: no permission, another version's data, no programs for this platform, or no user to run
            them.
        DatabaseTrouble: the disk is full, or the server ended with an error of its own, which is quoted.
    """
    return Lease(folder.expanduser().absolute(), throwaway=throwaway, ways=ways)


class Lease:
    """The right to use an embedded PostgreSQL, held by this process until `close` or its death."""

    def __init__(self, folder: Path, *, throwaway: bool, ways: Sequence[str]) -> None:
        self.folder = folder
        self._throwaway = throwaway
        self._ways = ways
        self._guard = threading.Lock()
        self._users: int | None = None
        self._dsn = ""
        try:
            self._make_folder()
            self._users = open_own(folder, "users.lock")
            for _ in _waiting(self.folder):
                if locked(self._users, fcntl.LOCK_SH):
                    break
            self.ensure()
        except OSError as trouble:
            self.close()
            raise _raised(failure_met(trouble, folder=folder)) from None
        except BaseException:
            self.close()
            raise

    @property
    def dsn(self) -> str:
        """Return the address of the database; the folder's permissions are what guards it."""
        return self._dsn

    def ensure(self) -> None:
        """Return once the server takes connections, starting it again if it was killed.

        Idempotent and cheap while it runs (3 ms), so that whoever loses a connection may call it first.
        Blocks: call it in a thread from a running loop.
        """
        with self._guard:
            if self._joined():
                return
            start = open_own(self.folder, "start.lock")
            try:
                self._start(start)
            finally:
                os.close(start)

    def close(self, *, wait: bool = False) -> None:
        """Give the right back. Idempotent.

        Args:
            wait: return only when the server has stopped, unless somebody else uses it.
        """
        if self._users is None:
            return
        os.close(self._users)
        self._users = None
        if wait:
            self._see_off()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, caught: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_folder(self) -> None:
        """Make the folder, closed to others; root makes it for the owner of the place where it stands."""
        if not self.folder.exists():
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            owner = self.folder.parent.stat()
            if os.geteuid() == 0 and known_user(owner.st_uid) is not None:
                os.chown(self.folder, owner.st_uid, owner.st_gid)
        is_throwaway = (self.folder / "throwaway").exists()
        if (self.folder / "data").exists() and is_throwaway != self._throwaway:
            raise StartRefused(
                "postgres_throwaway" if is_throwaway else "postgres_not_throwaway", path=str(self.folder)
            )

    def _joined(self) -> bool:
        """Tell whether the server of this folder takes connections; if so, its address is known."""
        found = serving(self.folder)
        if found is None or found[2] != "ready":
            return False
        if not _answers(Path(found[1]) / SOCKET):
            return False
        self._dsn = f"postgresql://tokenhouse@/postgres?host={quote(found[1], safe='/')}&port=5432"
        return True

    def _start(self, start: int) -> None:
        """Start a keeper, or wait for the one that is there; `start` lets one process at a time do so."""
        for _ in _waiting(self.folder):
            if self._joined():
                return
            if locked(start, fcntl.LOCK_EX) and not self._kept():
                self._start_keeper()

    def _kept(self) -> bool:
        """Tell whether a keeper lives. Order: with `start.lock`, lest the question be in a starter's way."""
        keeper = open_own(self.folder, "keeper.lock")
        try:
            return not locked(keeper, fcntl.LOCK_EX)
        finally:
            os.close(keeper)

    def _start_keeper(self) -> None:
        """Start a keeper and wait for its word. Raises: what keeps it from starting the server."""
        order = {
            "folder": str(self.folder),
            "binaries": str(find_binaries()),
            "socket_folder": str(_socket_folder(self.folder)),
            "throwaway": self._throwaway,
            "grace_s": GRACE_S,
            "ways": list(self._ways),
        }
        keeper = Path(__file__).with_name("keeper.py")
        log = open_own(self.folder, "keeper.log")
        try:
            os.ftruncate(log, 0)
            with subprocess.Popen(
                [sys.executable, "-I", "-S", keeper, json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            ) as started:
                said = started.stdout.readline() if started.stdout else b""
        finally:
            os.close(log)
        if not said:
            why, where = "its keeper died", str(self.folder / "keeper.log")
            raise DatabaseTrouble("postgres_start_failed", path=str(self.folder), problem=why, log=where)
        outcome = json.loads(said)
        if outcome["reason"] is not None:
            raise _raised(Failure(outcome["reason"], **outcome["facts"]))

    def _see_off(self) -> None:
        """Ask the keeper to stop the server if nobody uses it, and wait for that."""
        start, users = open_own(self.folder, "start.lock"), open_own(self.folder, "users.lock")
        others_seen = 0
        try:
            for _ in _waiting(self.folder):
                if locked(start, fcntl.LOCK_EX) and not self._kept():
                    return
                if locked(users, fcntl.LOCK_EX):
                    fcntl.flock(users, fcntl.LOCK_UN)
                    with contextlib.suppress(OSError, ValueError):
                        os.kill(
                            int((self.folder / "keeper.lock").read_text(encoding="ascii")), signal.SIGUSR1
                        )
                elif locked(
                    users, fcntl.LOCK_SH
                ):  # Not the keeper, who is stopping when it keeps the lock for long.
                    fcntl.flock(users, fcntl.LOCK_UN)
                    others_seen += 1
                    if others_seen > 2:
                        return
        finally:
            os.close(users)
            os.close(start)


def _waiting(folder: Path) -> Iterator[None]:
    """Yield until the caller is content. Raises: DatabaseTrouble when that takes too long."""
    deadline = time.monotonic() + WAIT_S
    pause_s = 0.005
    while time.monotonic() < deadline:
        yield
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, 0.1)
    raise DatabaseTrouble(
        "postgres_start_slow", path=str(folder), wait_s=WAIT_S, log=str(folder / "server.log")
    )


def _answers(place: Path) -> bool:
    """Tell whether a server begins a session here: one that just died, starts or recovers does not."""
    words = b"user\0tokenhouse\0database\0postgres\0\0"
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(ANSWER_S)
            asked.connect(str(place))
            asked.sendall(
                struct.pack("!ii", 8 + len(words), 3 << 16) + words
            )  # StartupMessage of protocol 3.0.
            said = asked.recv(4096)
            asked.sendall(b"X\0\0\0\4")  # Terminate.
    except OSError:
        return False
    cannot_connect_now = b"C57P03\0"
    return said != b"" and cannot_connect_now not in said


def _socket_folder(folder: Path) -> Path:
    """Return where the socket goes: `run` in the folder, unless its path is too long for a socket.

    The driver takes a comma for the end of a host name, so a path with one will not do either.
    """
    inside = folder / "run"
    if (
        len(os.fsencode(inside / SOCKET)) <= SOCKET_BYTES_MAX
        and "," not in str(inside)
        and '"' not in str(inside)
    ):
        return inside
    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    outside = Path(tempfile.gettempdir()) / f"tokenhouse-{short}"
    length = len(os.fsencode(outside / SOCKET))
    if length > SOCKET_BYTES_MAX:
        raise StartRefused(
            "postgres_socket_path_too_long", path=str(folder), length=length, limit=SOCKET_BYTES_MAX
        )
    return outside


def _raised(failure: Failure) -> DatabaseTrouble | StartRefused:
    """Return the error that a failure is."""
    kind = DatabaseTrouble if failure.reason in _TROUBLES else StartRefused
    return kind(failure.reason, **failure.facts)
