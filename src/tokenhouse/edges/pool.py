"""The pool: connections to providers, and the way of one request over one of them.

The client library opens, keeps and secures connections and reads what comes over them. What it does around a
request (cookies, redirects, proxies, forms, a task to write the body) has no place here and cost more than
all the rest: a request is written here, head and body in one piece.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

CONNECTIONS_MAX: Final = 4_096
"""Connections of one process to all upstreams; past it calls wait, and time out as if none were there."""
BUFFER_BYTES: Final = 64 * 1024
"""What is read ahead of a slow client, on each connection; twice that much, and the provider waits too."""
DNS_KEPT_S: Final = 300
TARGETS_MAX: Final = 1_000
CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What would end a line of a head, or its reader."""
FAILURES: Final = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
"""What is raised where no answer comes; where it comes too late, it is a TimeoutError."""


class Pool:
    """The connections of one process. Make it within the event loop that it is used in."""

    def __init__(self) -> None:
        self._connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, ttl_dns_cache=DNS_KEPT_S)
        self._targets: dict[URL, _Target] = {}

    async def close(self) -> None:
        """Let all connections go."""
        await self._connector.close()

    async def ask(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        waits: aiohttp.ClientTimeout,
        sent: Callable[[], None] | None = None,
    ) -> "Fetched":
        """Send a request and return its answer as soon as that begins; `sent` is told when it leaves.

        Raises: TimeoutError, aiohttp's own where no connection was found in time; and `FAILURES`.
        """
        target = self._target(url)
        head = target.head(method, headers, len(body))
        connection = await self._connect(target, waits)
        try:
            if sent is not None:
                sent()
            return await _exchange(connection, head, body, waits.sock_read)
        except BaseException:
            connection.close()
            raise

    async def _connect(self, target: "_Target", waits: aiohttp.ClientTimeout) -> Connection:
        """Return a connection on which nothing waits: what came unasked would pass for an answer."""
        while True:
            try:
                connection = await self._connector.connect(target, [], waits)
            except TimeoutError as late:
                raise aiohttp.ConnectionTimeoutError from late
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()

    def _target(self, url: URL) -> "_Target":
        """Return what is known of an address."""
        known = self._targets.get(url)
        if known is None:
            if len(self._targets) >= TARGETS_MAX:
                self._targets.clear()
            known = self._targets[url] = _Target("POST", url, loop=asyncio.get_running_loop())
        return known


class Fetched:
    """An answer that comes over the network. `close` it in any case; `silence_s` bounds the next pause."""

    __slots__ = ("_connection", "_content", "headers", "status")

    def __init__(
        self, connection: Connection, content: StreamReader, status: int, headers: Iterable[tuple[str, str]]
    ) -> None:
        self._connection, self._content = connection, content
        self.status, self.headers = status, headers

    def wait(self, silence_s: float) -> None:
        """Bound the time between two pieces from now on."""
        protocol = self._connection.protocol
        if protocol is not None and not self._content.is_eof():
            protocol.read_timeout = silence_s
            protocol.start_timeout()

    async def chunk(self) -> bytes:
        """Return the next bytes; none at the end. Raises: TimeoutError, aiohttp's ClientError and OSError."""
        return await self._content.readany()

    def close(self) -> None:
        """Give the connection back to the pool, or cut it where the answer has not ended."""
        if self._content.at_eof():
            self._connection.release()
        else:
            self._connection.close()


async def _exchange(connection: Connection, head: bytes, body: bytes, wait_s: float | None) -> Fetched:
    """Write a request and wait for the head of its answer."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(
        read_until_eof=True, auto_decompress=True, read_timeout=wait_s, read_bufsize=BUFFER_BYTES
    )
    transport.writelines((head, body) if body else (head,))  # Of an empty piece asyncio never gets rid.
    protocol.start_timeout()
    while True:
        message, content = await protocol.read()
        if message.code >= HTTPStatus.OK or message.code == HTTPStatus.SWITCHING_PROTOCOLS:
            headers: Iterable[tuple[str, str]] = message.headers.items()
            if message.compression:  # Nobody asked for it; it is unpacked as it is read.
                headers = [pair for pair in headers if pair[0].lower() != "content-encoding"]
            return Fetched(connection, content, message.code, headers)


class _Target(aiohttp.ClientRequest):
    """Where requests go, as the client library wants to be told. One serves them all, at the same time."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """Return what connections there have in common."""
        return super().connection_key

    @cached_property
    def _line(self) -> tuple[str, str]:
        """Return the path as it is asked for, and the host's own line."""
        return self.url.raw_path_qs, f"host: {self.headers['host']}"

    def head(self, method: str, headers: Mapping[str, Any], size: int) -> bytes:
        """Return the head of a request with a body of so many bytes. Raises: ValueError."""
        path, host = self._line
        lines = [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"content-length: {size}")
        if not (told := "".join(lines)).isprintable() and CONTROLS.search(told):
            raise ValueError("a header holds what would end its line")
        own = "" if "host" in headers else f"{host}\r\n"
        text = "\r\n".join(lines)
        return f"{method} {path} HTTP/1.1\r\n{own}{text}\r\n\r\n".encode()
