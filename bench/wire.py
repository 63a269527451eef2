"""The wire: HTTP/1.1 over kept connections, at so little cost that the caller is not what is measured.

An answer counts if it is a 200 that holds what the static upstream says; any other ends the measurement.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import TypeVar

HOST = "127.0.0.1"
HEAD_ENDS = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def post(path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the bytes of a request."""
    told = {"host": HOST, "content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**told, **(headers or {})}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body


@dataclass(slots=True)
class Heard:
    """An answer: when it was asked for, its bytes as they came, and when each lot of them did."""

    asked_at: float
    parts: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def whole(self) -> bytes:
        """Return all of it, head and body."""
        return b"".join(part for _, part in self.parts)

    @property
    def body_at(self) -> float:
        """Return when the first byte behind the head came."""
        head, so_far = self.whole.index(HEAD_ENDS) + len(HEAD_ENDS), 0
        return next(at for at, part in self.parts if (so_far := so_far + len(part)) > head)

    @property
    def took(self) -> float:
        """Return how long the whole answer took."""
        return self.parts[-1][0] - self.asked_at


class Connection(asyncio.Protocol):
    """One kept connection, for one request at a time."""

    def connection_made(self, transport):
        self.transport = transport
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Heard] | None = None

    async def ask(self, request: bytes) -> Heard:
        """Send a request and return its answer. Raises: ConnectionError, AssertionError for a wrong one."""
        self._heard, self._tail, self._length = Heard(time.perf_counter()), b"", -1
        self._answer = self._loop.create_future()
        self.transport.write(request)
        heard = await self._answer
        self.sound(heard.whole)
        return heard

    def sound(self, whole: bytes) -> None:
        """Return if an answer is what it should be. Raises: AssertionError that shows it."""
        assert whole.startswith(b"HTTP/1.1 200 "), whole[:2_000]
        assert b"bench-" in whole, whole[:2_000]

    def data_received(self, data: bytes) -> None:
        self._heard.parts.append((time.perf_counter(), data))
        if self._length < 0:
            self._begin()
        if self._length > 0:
            ended = sum(len(part) for _, part in self._heard.parts) >= self._length
        else:
            self._tail = (self._tail + data)[-len(LAST_CHUNK) :]
            ended = self._length == 0 and self._tail == LAST_CHUNK
        if ended and self._answer is not None and not self._answer.done():
            self._answer.set_result(self._heard)

    def connection_lost(self, trouble: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(trouble or ConnectionResetError("closed in the middle"))

    def _begin(self) -> None:
        """Learn from the head, once it is there, how the answer will end."""
        head, there, _ = self._heard.whole.partition(HEAD_ENDS)
        if there:
            _, named, length = head.lower().partition(b"content-length:")
            self._length = len(head) + len(HEAD_ENDS) + int(length.split(b"\r")[0]) if named else 0


Wired = TypeVar("Wired", bound=Connection)


@asynccontextmanager
async def connections(port: int, count: int, kind: type[Wired] = Connection) -> AsyncIterator[list[Wired]]:
    """Open so many connections; close them at the end."""
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(kind, HOST, port))[1] for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            each.transport.close()


async def all_at_once(
    port: int,
    work: Callable[[Wired, float], Awaitable[None]],
    count: int,
    seconds: float,
    *,
    kind: type[Wired] = Connection,
) -> float:
    """Let each of so many connections work until a time has come; return how long all of them took."""
    async with connections(port, count, kind) as opened:
        begin = time.perf_counter()
        await asyncio.gather(*(work(one, begin + seconds) for one in opened))
        return time.perf_counter() - begin


async def closed_loop(port: int, requests: Sequence[bytes], count: int, seconds: float) -> list[float]:
    """Let each connection ask again as soon as it is answered; return what each answer took, in seconds.

    The connections go through `requests` in turn, one each.
    """
    waits: list[float] = []

    async def caller(connection: Connection, request: bytes, until: float) -> None:
        while time.perf_counter() < until:
            waits.append((await connection.ask(request)).took)

    async with connections(port, count) as opened:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(caller(*pair, until) for pair in zip(opened, cycle(requests), strict=False)))
    return waits


async def open_loop(port: int, request: bytes, rate: float, seconds: float, count: int = 16) -> list[Heard]:
    """Send `rate` requests a second in a steady beat, over `count` connections in turn."""
    begin = time.perf_counter()

    async def caller(connection: Connection, first: int) -> list[Heard]:
        heard = []
        for number in range(first, int(rate * seconds), count):
            await asyncio.sleep(max(begin + number / rate - time.perf_counter(), 0))
            heard.append(await connection.ask(request))
        return heard

    async with connections(port, count) as opened:
        each = await asyncio.gather(*(caller(one, first) for first, one in enumerate(opened)))
    return [heard for some in each for heard in some]
