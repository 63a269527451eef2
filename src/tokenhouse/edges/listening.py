"""Listening: the sockets of a port, and a server on one of them that stops without losing a charge."""

import asyncio
import errno
import gc
import re
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings

BACKLOG: Final = 2_048
IDLE_S: Final = 75
"""How long a connection may wait for its next request: longer than clients keep theirs, so that it is they
who end it, and no request meets a connection that is just being closed."""
HEAD_BYTES_MAX: Final = 256 * 1024
HEAD_S: Final = 60.0
"""What the head of a request may take: bytes, give or take one read, and time."""
H2C: Final = re.compile(rb"(\r\n)upgrade:(\s*h2c\s*\r\n)", re.IGNORECASE)
"""An offer to go on in HTTP/2 without TLS."""
GC_THRESHOLD: Final = (50_000, 20, 50)
SPREADS: Final = sys.platform == "linux"
"""Whether the system spreads connections over sockets of one port; elsewhere one socket serves all."""

_REASONS: Final = {
    errno.EADDRINUSE: "port_in_use",
    errno.EACCES: "port_not_allowed",
    errno.EPERM: "port_not_allowed",
}


def bind(host: str, port: int, count: int) -> list[socket.socket]:
    """Return `count` sockets that listen on one port, one for each process that will serve it.

    They listen from now on: who connects early waits, and a second server is refused before it opens
    anything. Each worker has a queue of its own, which outlives it: nobody is turned away while another
    takes its place.

    Raises: StartRefused `port_in_use`, `port_not_allowed`, `host_unusable`.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        first = _listening(family, kind, place, shared=False)
        if count == 1:
            return [first]
        if not SPREADS:
            return [first] * count
        first.close()  # It has shown that the port is free, which sockets that share it cannot.
        sockets = [_listening(family, kind, place, shared=True)]
        taken = sockets[0].getsockname()
        return [*sockets, *(_listening(family, kind, taken, shared=True) for _ in range(count - 1))]
    except OSError as trouble:
        reason = _REASONS.get(trouble.errno or 0, "host_unusable")
        problem = trouble.strerror or str(trouble)
        raise StartRefused(reason, host=host, port=port, problem=problem) from None


def _listening(family: int, kind: int, place: Any, *, shared: bool) -> socket.socket:
    """Return one socket that listens."""
    made = socket.socket(family, kind)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(place)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def url(host: str, port: int) -> str:
    """Return the address by which a client on this machine reaches a server that listens on `host`."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- named, not bound
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


class Together:
    """A transport that sends in one piece what is written in one turn of the loop.

    Uvicorn writes the head of an answer by itself and its body after that: two ways into the system, and two
    wakings of whoever reads. Nothing waits longer than until the loop comes round again.
    """

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Take what is to be sent."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        """Send what was taken, and close."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Do anything else as the transport itself does."""
        return getattr(self._transport, name)

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))


def _without_h2c(data: bytes) -> bytes:
    """Return the beginning of a request without its offer to speak HTTP/2, which a server may pass over.

    The JDK's client, and so Spring's, makes it with each first request in plain text; the parser would take
    what follows the head for the other protocol, and the body would be lost.
    """
    head, blank, body = data.partition(b"\r\n\r\n")
    return H2C.sub(rb"\1x-upgrade-offered:\2", head + blank, count=1) + body


class Connection(HttpToolsProtocol):
    """A caller's connection. Uvicorn bounds neither how long the head of a request is nor how long it takes.

    A body is bounded by whoever reads it; a head is held in memory before anybody is asked.
    """

    _late: asyncio.TimerHandle | None = None
    """Ends a connection whose head does not come."""
    _head_bytes = 0
    """What came of a head that is not whole yet; -1 while there is none."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(Together(transport, self.loop))  # type: ignore[arg-type]
        self._head_bytes = 0
        self._await_head()

    def on_message_begin(self) -> None:
        """Count the bytes of a head; most come whole."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Wait no more: whatever comes now is a body."""
        self._await_nothing()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._await_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless a head has grown too long; wait for the rest of one."""
        if self._head_bytes > HEAD_BYTES_MAX:
            self.transport.abort()
            return
        if b"h2c" in data and not getattr(self.cycle, "more_body", False):  # None before the first request.
            data = _without_h2c(data)
        super().data_received(data)
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
            self._await_head()

    def _await_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self.transport.abort)

    def _await_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._head_bytes = -1


class Listener(uvicorn.Server):
    """One server process. SIGTERM and Ctrl-C stop it: calls under way go on for `stop_s`, then they are cut.

    The application is opened and closed by the caller, around `serve`; it is told to stop from the moment
    that this is made, also while it still opens.
    """

    def __init__(self, application: Any, settings: Settings, told: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=settings.stop_s,
            )
        )
        self._told = told
        # The server itself takes these signals only while it serves, and raises them once more when it has
        # stopped; with nobody to hear them, the second time would be the end before anything is closed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and tell so."""
        await super().startup(sockets)
        if not self.should_exit:
            settle_memory()
            self._told()


def settle_memory() -> None:
    """Let the garbage collector pass over what lives as long as the process.

    A start leaves some 50,000 containers that never go, and a call makes a few hundred that go with it.
    Looking through all of them again and again, for nothing, took 6 to 28 per cent of the server's time, and
    held it up for 20 to 150 ms at once (6,000 calls of 64 callers); like this it took none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
