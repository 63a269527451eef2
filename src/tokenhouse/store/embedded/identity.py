"""Who runs the embedded PostgreSQL: it refuses to run as root, and nothing outside its folder may change.

Each identity is what a child process does between fork and exec. Standard library alone, as `files`.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tokenhouse.store.embedded.files import give

Identity = Callable[[], None]

_LIBC = ctypes.CDLL(None, use_errno=True)

# From the kernel's headers sched.h, prctl.h and capability.h.
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def identities(folder: Path, ways: Sequence[str]) -> Iterator[Identity]:
    """Yield who could run the server of a folder, the best first; the caller tries each.

    Root runs it as the folder's owner. If that is root itself, then in a user namespace; and where those are
    forbidden, as in most containers, it gives the folder to a user without rights.
    """
    if os.geteuid() != 0:
        if known_user(os.geteuid()) is not None:
            yield as_we_are
        yield in_namespace
        return
    if folder.stat().st_uid == 0:
        if "namespace" in ways:
            yield in_namespace
        spare = spare_user()
        if spare is None or "other" not in ways:
            return
        try:
            os.chown(folder, spare.pw_uid, spare.pw_gid)
        except OSError:  # A root without the right to give files away, or without that user in its namespace.
            return
        for path in folder.rglob("*"):
            give(folder, path)
    owner = known_user(folder.stat().st_uid)
    if owner is not None:
        yield as_other(owner, reaching=False)
        yield as_other(owner, reaching=True)


def as_we_are() -> None:
    """Run as the keeper's own user."""
    _end_with_keeper()


def in_namespace() -> None:
    """Be `nobody` inside a user namespace and the keeper's user outside: no file changes hands."""
    inside = pwd.getpwnam("nobody").pw_uid
    uid, gid = os.geteuid(), os.getegid()
    _checked(_LIBC.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{inside} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{inside} {gid} 1", encoding="ascii")
    _end_with_keeper()


def as_other(user: pwd.struct_passwd, *, reaching: bool) -> Identity:
    """Return the identity of another user, from root.

    Args:
        user: who to be.
        reaching: keep the capability to pass folders that are closed to that user, such as /root.
    """

    def become() -> None:
        if reaching:
            _checked(_LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if reaching:
            bit = 1 << _CAP_DAC_OVERRIDE
            header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
            _checked(_LIBC.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)))
            _checked(_LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))
        _end_with_keeper()

    return become


def known_user(uid: int) -> pwd.struct_passwd | None:
    """Return the user of an id; initdb refuses one without a name."""
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def spare_user() -> pwd.struct_passwd | None:
    """Return the user whom root lets run the server where user namespaces are forbidden."""
    by_name = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid != 0}
    return by_name.get("postgres") or by_name.get("nobody") or next(iter(by_name.values()), None)


def _end_with_keeper() -> None:
    """Have the kernel stop this process (fast shutdown) when the keeper dies; Linux alone can.

    Order: after every change of rights, which would clear it.
    """
    if sys.platform == "linux":
        _checked(_LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0))


def _checked(outcome: int) -> None:
    """Raise OSError if a call of the C library failed."""
    if outcome != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
