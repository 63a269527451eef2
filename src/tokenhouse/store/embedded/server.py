"""The PostgreSQL of one folder, as its keeper handles it: make, start, recover, stop.

Standard library alone, as `files`.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tokenhouse.store.embedded.files import Failure, failure_said, give, open_own, serving
from tokenhouse.store.embedded.identity import Identity, as_we_are, identities, known_user

STOP_S = 60.0
"""How long a fast shutdown may take, with its last checkpoint, before the server is stopped the hard way."""

TAKEOVER_S = 10.0
"""How long a start waits for what a killed server left behind: its last sessions, its shared memory."""

LOG_BYTES_MAX = 4 * 1024 * 1024
VERSION_MIN = 15

CONFIGURATION = """
# tokenhouse: a small machine, bulk loads, many short transactions. Yours to tune.
shared_buffers = 128MB
max_connections = 100
max_locks_per_transaction = 128      # Monthly partitions: a statement may touch many tables.
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_level = minimal                  # Nobody replicates from here: a bulk load need not pass through the log.
max_wal_senders = 0
wal_compression = off                # pglz, all that this build has, costs a third of the rate and more.
jit = off                            # Plans here are short; compiling one costs more than it saves.
dynamic_shared_memory_type = mmap    # In the data folder: /dev/shm of a container is often 64 MB.
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
lc_messages = 'C'                    # Our clear errors are recognised by PostgreSQL's English ones.
"""

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
THROWAWAY = DURABLE | {"fsync": "off", "full_page_writes": "off"}
"""What it commits outlives a kill -9, as tests of crashes need, but not a power cut."""

_LEFT_BEHIND = ("pre-existing shared memory block", "is already in use", "lock file")
_MAJOR = re.compile(rb"\(PostgreSQL\) (\d+)")


class Server:
    """One PostgreSQL and its folder: `data`, `run` (its socket), `server.log`, and the locks."""

    def __init__(
        self, folder: Path, *, binaries: Path, socket_folder: Path, throwaway: bool, ways: Sequence[str]
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self._binaries = binaries
        self._socket_folder = socket_folder
        self._throwaway = throwaway
        self._ways = ways
        self._identity: Identity = as_we_are
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Choose who runs the server, and make its data folder if there is none.

        Raises: Failure, if no one can, or the data are of another version.
        """
        self._identity, major = self._choose()
        if major < VERSION_MIN:
            raise Failure("postgres_too_old", found=str(major), needed=VERSION_MIN)
        self._make_socket_folder()
        if not self.data.exists():
            self._make_data(major)
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(major):
            raise Failure("postgres_wrong_version", path=str(self.data), found=found, needed=str(major))

    def start(self) -> None:
        """Start the server and return once it takes connections, after its recovery if it needs one."""
        deadline = time.monotonic() + TAKEOVER_S
        while True:
            self._end_leftover()
            said = self._start_once()
            if said is None:
                return
            if not any(words in said for words in _LEFT_BEHIND) or time.monotonic() > deadline:
                raise failure_said(said, folder=self.folder)
            time.sleep(0.05)

    def died(self) -> bool:
        """Tell whether the server was started and is no more."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """Stop the server: fast, or hard if that takes too long. What was committed stays either way."""
        hard = [(signal.SIGINT, STOP_S), (signal.SIGQUIT, TAKEOVER_S), (signal.SIGKILL, TAKEOVER_S)]
        for kind, wait_s in hard:
            if self._process is None or self._process.poll() is not None:
                return
            self._process.send_signal(kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)

    def bound_log(self) -> None:
        """Move the log away when it has grown, so that two files of a limited size are all there ever is."""
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(self.log, self.folder / "server.log.1")
                os.truncate(self.log, 0)  # The server appends, so it goes on at the new beginning.

    def _choose(self) -> tuple[Identity, int]:
        """Return the first identity that can run PostgreSQL and reach our folder, and its major version."""
        problem = ""
        for identity in identities(self.folder, self._ways):
            try:
                return identity, self._tried(identity)
            except (OSError, subprocess.SubprocessError) as refused:
                problem = str(refused)
        if os.geteuid() == 0 or known_user(os.geteuid()) is None:
            raise Failure("postgres_no_user", path=str(self.folder))
        raise Failure("postgres_no_binaries", path=str(self._binaries), problem=problem)

    def _tried(self, identity: Identity) -> int:
        """Return PostgreSQL's major version as that identity, standing in our folder, is told it."""

        def stand_in_folder() -> None:
            identity()
            os.close(os.open(self.folder / "users.lock", os.O_RDWR))

        said = subprocess.run(
            [self._binaries / "postgres", "--version"],
            capture_output=True,
            check=True,
            env=_environment(),
            preexec_fn=stand_in_folder,
            timeout=TAKEOVER_S,
        )
        major = _MAJOR.search(said.stdout)  # "postgres (PostgreSQL) 18.6", "… 15.14 (Debian …)", "… 19beta1"
        return int(major[1]) if major else 0

    def _make_socket_folder(self) -> None:
        """Make the socket's folder. Raises: Failure if somebody else's stands there, who could pose as us."""
        path = self._socket_folder
        path.mkdir(mode=0o700, exist_ok=True)
        seen = path.lstat()
        owners = {os.geteuid(), self.folder.stat().st_uid}
        if path.is_symlink() or seen.st_uid not in owners or seen.st_mode & 0o077:
            raise Failure("postgres_socket_folder", path=str(path))
        give(self.folder, path)

    def _make_data(self, major: int) -> None:
        """Make a data folder, aside and then moved into place: half of one is never taken for a whole."""
        making = self.folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        give(self.folder, making)
        command: list[str | Path] = [self._binaries / "initdb", "--pgdata", making]
        command += ["--username=tokenhouse", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        command += (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else ["--locale=C"]
        )
        command += ["--no-sync"] if self._throwaway else []
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                env=_environment(),
                preexec_fn=self._identity,
            )
            if done.returncode != 0:
                raise failure_said(done.stdout.decode(errors="replace"), folder=self.folder)
            with (making / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write(CONFIGURATION)
                file.flush()
                os.fsync(file.fileno())
            if self._throwaway:
                os.close(open_own(self.folder, "throwaway"))
            making.rename(self.data)
        except (OSError, Failure):
            shutil.rmtree(making, ignore_errors=True)
            raise

    def _start_once(self) -> str | None:
        """Start the server; return None once it is ready, and what it said if it ended instead."""
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{self._socket_folder}"',
            "unix_socket_permissions": "0700",
            **(THROWAWAY if self._throwaway else DURABLE),
        }
        command: list[str | Path] = [self._binaries / "postgres", "-D", self.data]
        log = open_own(self.folder, "server.log")
        try:
            said_from = os.fstat(log).st_size
            self._process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in settings.items())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                preexec_fn=self._identity,  # noqa: PLW1509  # The keeper has one thread.
            )
        finally:
            os.close(log)
        while self._process.poll() is None:
            found = serving(self.folder)
            if found is not None and found[0] == self._process.pid and found[2] == "ready":
                return None
            time.sleep(0.005)
        return self.log.read_bytes()[said_from:].decode(errors="replace")

    def _end_leftover(self) -> None:
        """End a server that outlived its keeper, and step around the traces of a dead one.

        We hold `keeper.lock`, so a running server is nobody's. After a restart of the machine or its
        container the recorded process id may belong to any process of ours, which makes PostgreSQL refuse to
        start. It takes no offence at its parent's id, so we put in our own; its check for shared memory in
        use still stands. The lock beside the socket guards nothing that `keeper.lock` does not.
        """
        file = self.data / "postmaster.pid"
        try:
            first, _, rest = file.read_text(encoding="utf-8").partition("\n")
            self._end_postmaster(int(first))
            if file.exists():
                file.write_text(f"{os.getpid()}\n{rest}", encoding="utf-8")
        except (FileNotFoundError, ValueError):
            pass  # It was stopped in order, or died as it wrote this, which PostgreSQL understands.
        for trace in self._socket_folder.glob(".s.PGSQL.*"):
            trace.unlink(missing_ok=True)

    def _end_postmaster(self, pid: int) -> None:
        """Stop a server that is not our child, if it is one: fast, or hard if that takes too long."""
        deadline = time.monotonic() + STOP_S
        kind = signal.SIGINT
        while self._is_postmaster(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)
            kind = signal.SIGINT if time.monotonic() < deadline else signal.SIGKILL
            time.sleep(0.02)

    def _is_postmaster(self, pid: int) -> bool:
        """Tell whether a process is a PostgreSQL that was started on our data folder."""
        if not Path("/proc/self/cmdline").exists():
            ask = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
            return (
                f"postgres -D {self.data} ".encode()
                in subprocess.run(ask, capture_output=True, check=False).stdout
            )
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return words[0].endswith(b"postgres") and os.fsencode(self.data) in words


def _environment() -> dict[str, str]:
    """Return the surroundings of PostgreSQL's programs: nothing of ours may steer them."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}
