"""The folder of an embedded PostgreSQL: its locks, what its server says of itself, and what goes wrong there.

Standard library alone: the keeper runs without anything else.
"""

import errno
import fcntl
import os
import re
import shutil
from pathlib import Path
from typing import Any

_STAMP = re.compile(r"^\d{4}-\S+ \S+ \S+ \[\d+\] ")
_TELLING = re.compile(r"FATAL|PANIC|ERROR|error:|could not|invalid|unrecognized")


class Failure(Exception):
    """The server cannot be started: the name of the sentence and its facts, for the starter to raise."""

    def __init__(self, reason: str, **facts: Any) -> None:
        self.reason = reason
        self.facts = facts
        super().__init__(reason, facts)


def open_own(folder: Path, name: str) -> int:
    """Return a descriptor of a file, made if missing; one that root makes belongs to the folder's owner."""
    file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_APPEND, 0o600)
    give(folder, file)
    return file


def give(folder: Path, made: Path | int) -> None:
    """Give what root has made to the folder's owner."""
    if os.geteuid() == 0:
        owner = folder.stat()
        if isinstance(made, int):
            os.fchown(made, owner.st_uid, owner.st_gid)
        else:
            os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)


def locked(lock: int, how: int) -> bool:
    """Try for a lock (`fcntl.LOCK_SH` or `LOCK_EX`) without waiting; True if we have it now."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def serving(folder: Path) -> tuple[int, str, str] | None:
    """Return the postmaster's process id, socket folder and state, as its own file tells; None without one.

    The file stays behind after a kill -9, and a copied folder has a copy of it: so it counts only if it names
    this folder, and whoever needs to know asks the socket as well.
    """
    try:
        # Its lines, from PostgreSQL's miscadmin.h.
        pid, data, _start, _port, socket_folder, _address, _memory, state, *_ = (
            _postmaster_file(folder).read_text().splitlines()
        )
        ours = Path(data).samefile(folder / "data")
    except (OSError, ValueError):
        return None
    return (int(pid), socket_folder, state.strip()) if ours else None


def _postmaster_file(folder: Path) -> Path:
    return folder / "data" / "postmaster.pid"


def failure_said(said: str, *, folder: Path) -> Failure:
    """Return what PostgreSQL's own words mean."""
    lines = [_STAMP.sub("", line).strip() for line in said.splitlines() if line.strip()]
    problem = "; ".join([line for line in lines if _TELLING.search(line)][:3] or lines[-1:] or ["not a word"])
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return Failure("postgres_disk_full", problem=problem)
    if shutil.disk_usage(folder).free < 1024 * 1024:  # A full disk takes no log either.
        return Failure("postgres_disk_full", problem=problem)
    if "Permission denied" in said or "wrong ownership" in said or "Read-only file system" in said:
        return Failure("postgres_no_permission", path=str(folder), problem=problem)
    return Failure("postgres_start_failed", path=str(folder), problem=problem, log=str(folder / "server.log"))


def failure_met(trouble: OSError, *, folder: Path) -> Failure:
    """Return what an error of the operating system about our own files means."""
    path = str(trouble.filename or folder)
    problem = trouble.strerror or str(trouble)
    if trouble.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Failure("postgres_disk_full", problem=f"{path}: {problem}")
    if trouble.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Failure("postgres_no_permission", path=path, problem=problem)
    return Failure("postgres_start_failed", path=path, problem=problem, log=str(folder / "server.log"))
