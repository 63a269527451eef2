"""The spool: records kept on this machine's disk while the database cannot take them. No SQL.

A folder of append-only segments, one line a record: `<crc32> [n, record]`, and `<crc32> [n]` once it is done.
A segment belongs to whoever holds its lock (flock). The system lets go of the lock when a process dies,
however it dies, so the next one that looks adopts the segment; a living one's is never touched. A segment
whose records are all done is removed.
"""

import fcntl
import logging
import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from tokenhouse.errors import DatabaseTrouble, StartRefused

log: Final = logging.getLogger("tokenhouse.spool")

SUFFIX: Final = ".jsonl"
DAMAGED: Final = ".damaged"
REFUSED: Final = "refused.log"
"""Records that can never be carried out, with the reason: for a person, never deleted."""
SEGMENT_BYTES: Final = 1024 * 1024
"""From this size on a new segment is begun: a record that waits long holds up no more than its own."""
BYTES_MAX: Final = 64 * 1024 * 1024

Record = dict[str, Any]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[Any]).decode


class Kept(msgspec.Struct, frozen=True):
    """A record on disk: number `number` of segment `segment`."""

    segment: str
    number: int
    record: Record


class Found(msgspec.Struct, frozen=True):
    """What a segment says: records not done, bytes that are sound, next number, and what is not sound."""

    pending: dict[int, Record]
    size: int
    next: int
    torn: int
    """Bytes after the last line: a write that was not finished, and so was never answered for."""
    damaged: int
    """Whole lines that are not what was written: the disk's fault."""


def line(document: list[Any]) -> bytes:
    """Return one line of a segment."""
    text = _encode(document)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def read(content: bytes) -> Found:
    """Return what a segment says; what is not whole, or not what was written, is counted and not read."""
    pending: dict[int, Record] = {}
    size, following, damaged = content.rfind(b"\n") + 1, 0, 0
    for one in content[:size].split(b"\n")[:-1]:
        crc, _, text = one.partition(b" ")
        if crc != b"%08x" % zlib.crc32(text):
            damaged += 1
            continue
        number, *record = _decode(text)
        following = max(following, number + 1)
        if record:
            pending[number] = record[0]
        else:
            pending.pop(number, None)
    return Found(pending, size, following, len(content) - size, damaged)


class _Segment:
    """One file that this process has locked."""

    def __init__(self, path: Path, file: int, found: Found) -> None:
        self.path, self.file = path, file
        self.pending, self.size, self.next = dict(found.pending), found.size, found.next
        self.damaged = found.damaged
        self.open = True

    def append(self, lines: bytes, *, durable: bool) -> None:
        """Add lines, wholly or not at all. Raises: OSError."""
        try:
            _write_all(self.file, lines)
            if durable:
                os.fsync(self.file)
        except OSError:
            # What a failed fsync has left behind nobody knows: nothing is added here any more.
            self.open = False
            with suppress(OSError):
                os.ftruncate(self.file, self.size)
            raise
        self.size += len(lines)

    def remove(self) -> None:
        """Remove the file and let go; one with damaged lines stays, under a name that says so."""
        if self.damaged:
            self.path.rename(self.path.with_suffix(DAMAGED))
        else:
            self.path.unlink(missing_ok=True)
        os.close(self.file)


class Spool:
    """Records of this process, and of those that died on this home; from any thread. Its calls block on disk.

    Idempotent: nothing here is done twice by the spool, but a crash right after `done` may bring a record
    back. What it asks for must be harmless when repeated.
    """

    def __init__(
        self, folder: Path, *, bytes_max: int = BYTES_MAX, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.folder = folder
        self.torn = self.damaged = 0
        """Unfinished writes and damaged lines met in segments that were adopted."""
        self._bytes_max, self._segment_bytes = bytes_max, segment_bytes
        self._segments: dict[str, _Segment] = {}
        self._own: _Segment | None = None
        self._guard = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.adopt()
        except OSError as trouble:
            problem = trouble.strerror or str(trouble)
            raise StartRefused("spool_unusable", path=str(folder), problem=problem) from None

    def write(self, *records: Record) -> list[Kept]:
        """Keep records, all or none; on disk when this returns.

        Raises: DatabaseTrouble `spool_full`, `spool_failed`: nothing was kept.
        """
        with self._guard:
            try:
                return self._write(records)
            except OSError as trouble:
                facts = {"path": str(self.folder), "problem": trouble.strerror or str(trouble)}
                raise DatabaseTrouble("spool_failed", **facts) from trouble

    def _write(self, records: tuple[Record, ...]) -> list[Kept]:
        """Keep records in this process' own segment."""
        own = self._own
        if own is None or not own.open or own.size >= self._segment_bytes:
            own = self._own = self._new_segment()
        numbers = range(own.next, own.next + len(records))
        lines = b"".join(line([n, record]) for n, record in zip(numbers, records, strict=True))
        if self.size + len(lines) > self._bytes_max:
            raise DatabaseTrouble("spool_full", path=str(self.folder), size=self.size, most=self._bytes_max)
        own.append(lines, durable=True)
        own.next = numbers.stop
        own.pending.update(zip(numbers, records, strict=True))
        return [Kept(own.path.name, n, record) for n, record in zip(numbers, records, strict=True)]

    def pending(self) -> list[Kept]:
        """Return what is not done yet, oldest first as far as that is known."""
        with self._guard:
            return [
                Kept(name, number, record)
                for name, segment in self._segments.items()
                for number, record in segment.pending.items()
            ]

    def done(self, *kept: Kept) -> None:
        """Note that records are done; told again, nothing happens.

        Not flushed to disk: whatever a crash brings back is done once more, which is harmless.
        """
        with self._guard:
            for one in kept:
                segment = self._segments.get(one.segment)
                if segment is not None and segment.pending.pop(one.number, None) is not None:
                    self._note(segment, one.number)

    def refuse(self, kept: Kept, reason: str) -> None:
        """Take a record that can never be carried out off the list, and keep it for a person to look at."""
        with self._guard, suppress(KeyError):
            segment = self._segments[kept.segment]
            try:
                file = os.open(self.folder / REFUSED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                try:
                    _write_all(file, _encode({"reason": reason, "record": kept.record}) + b"\n")
                    os.fsync(file)
                finally:
                    os.close(file)
            except OSError as trouble:
                log.warning("a refused record stays in %s: %s", kept.segment, trouble)
                return
            del segment.pending[kept.number]
            self._note(segment, kept.number)

    def adopt(self) -> int:
        """Take over the segments of processes that died; return how many records came with them."""
        with self._guard:
            before = sum(len(segment.pending) for segment in self._segments.values())
            for path in sorted(self.folder.glob(f"*{SUFFIX}"), key=_age):
                if path.name in self._segments:
                    continue
                try:
                    self._adopt(path)
                except OSError as trouble:
                    log.warning("%s cannot be taken over: %s", path, trouble)
            return sum(len(segment.pending) for segment in self._segments.values()) - before

    @property
    def waiting(self) -> int:
        """Return how many records are not done; it only looks, and waits for nobody."""
        return sum(len(segment.pending) for segment in tuple(self._segments.values()))

    @property
    def size(self) -> int:
        """Return how many bytes this process' segments take."""
        return sum(segment.size for segment in tuple(self._segments.values()))

    def close(self) -> None:
        """Let go of everything; what is not done waits for whoever opens the folder next."""
        with self._guard:
            for segment in self._segments.values():
                if segment.pending:
                    os.close(segment.file)
                else:
                    segment.remove()
            self._segments.clear()
            self._own = None

    def _note(self, segment: _Segment, number: int) -> None:
        """Write that a record is done, and remove a segment that has nothing more to do."""
        if segment.pending:
            with suppress(OSError):  # Then it comes back after a crash, and is done again.
                segment.append(line([number]), durable=False)
            return
        del self._segments[segment.path.name]
        if segment is self._own:
            self._own = None
        segment.remove()

    def _new_segment(self) -> _Segment:
        """Begin a segment: it is locked before it has a name by which another process would look for it."""
        path = self.folder / f"{uuid4().hex}{SUFFIX}"
        unnamed = path.with_suffix(".new")
        file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(path)
        _flush(self.folder)
        segment = self._segments[path.name] = _Segment(path, file, read(b""))
        return segment

    def _adopt(self, path: Path) -> None:
        """Take over one segment, unless its process lives or somebody was faster."""
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = read(path.read_bytes())  # By its name: one that is gone by now had nothing more to do.
            if found.torn:
                os.ftruncate(file, found.size)
        except (BlockingIOError, FileNotFoundError):
            os.close(file)
            return
        if found.torn or found.damaged:
            self.torn += bool(found.torn)
            self.damaged += found.damaged
            facts = (path.name, found.torn, found.damaged)
            log.warning("%s: %d bytes of an unfinished write, %d damaged lines, left out", *facts)
        segment = _Segment(path, file, found)
        segment.open = False
        if segment.pending:
            self._segments[path.name] = segment
        else:
            segment.remove()


def _write_all(file: int, content: bytes) -> None:
    """Write everything; the system may take it in pieces."""
    while content:
        content = content[os.write(file, content) :]


def _age(path: Path) -> tuple[float, str]:
    """Return when a segment was last written, to take the oldest first; one that just went comes first."""
    try:
        return (path.stat().st_mtime, path.name)
    except FileNotFoundError:
        return (0.0, path.name)


def _flush(folder: Path) -> None:
    """Make a new name in a folder durable."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
