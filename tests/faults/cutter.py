"""A wire between a house and its PostgreSQL that breaks around a commit, where it hurts most."""

import asyncio
import struct
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

Cut = Literal["before", "at", "after"]
"""The commit is never sent; it is sent and nobody waits; it is answered, and the answer is lost."""


class Cutter:
    """Passes on what house and server say, message by message; every `every`th commit is cut."""

    def __init__(self, dsn: str, cut: Cut, *, every: int) -> None:
        parts = urlsplit(dsn)
        self._database, self._user = parts.path, parts.username
        self._place = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parse_qs(parts.query)['port'][0]}"
        self._cut, self._every = cut, every
        self.cutting = False
        self.commits = self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.dsn = f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _joined(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_unix_connection(self._place)
        relay = asyncio.create_task(self._relay(answers, back))
        try:
            await self._messages(client, server, relay, answers)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            relay.cancel()
            server.transport.abort()
            back.transport.abort()

    async def _messages(
        self,
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        relay: asyncio.Task[None],
        answers: asyncio.StreamReader,
    ) -> None:
        """Pass on what the client says, up to the commit that is to be cut."""
        head = await client.readexactly(4)  # The first message has no type, only its length.
        server.write(head + await client.readexactly(struct.unpack("!i", head)[0] - 4))
        writes, inside = set[bytes](), False
        while True:
            head = await client.readexactly(5)
            body = await client.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            kind, words = head[:1], body.split(b"\0")
            if kind == b"P" and b"insert into tokenhouse.entries" in body:
                writes.add(words[0])
            said = body[:6] if kind == b"Q" else b""
            commits = said == b"COMMIT" if inside else kind == b"B" and words[1] in writes
            inside = said == b"BEGIN;" or (inside and said not in (b"COMMIT", b"ROLLBA"))
            if not (commits and self._due()):
                server.write(head + body)
                continue
            if self._cut != "before":
                relay.cancel()
                await asyncio.wait([relay])
                server.write(head + body + (b"" if kind == b"Q" else await self._rest(client)))
                await server.drain()
            if self._cut == "after":
                await answers.read(1)
            return

    async def _rest(self, client: asyncio.StreamReader) -> bytes:
        """Return what follows a Bind up to its Sync: without it the server would not carry it out."""
        said = b""
        while True:
            head = await client.readexactly(5)
            said += head + await client.readexactly(struct.unpack("!i", head[1:])[0] - 4)
            if head[:1] == b"S":
                return said

    def _due(self) -> bool:
        self.commits += self.cutting
        due = self.cutting and self.commits % self._every == 0
        self.cuts += due
        return due

    @staticmethod
    async def _relay(answers: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await answers.read(65_536):
            back.write(data)
        back.close()
