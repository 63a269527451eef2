"""A wire to PostgreSQL that can stall: it takes connections and words, and passes nothing on."""

import asyncio
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Passes on what house and server say, until it stalls; stalled, it is silent and closes nothing."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        asked = parse_qs(parts.query)
        self._database, self._user = parts.path, parts.username
        self._place = f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}"
        self._flows = asyncio.Event()
        self._flows.set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.dsn = f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._flows.set()
        for end in tuple(self._ends):
            end.transport.abort()

    def stall(self) -> None:
        """Pass nothing on."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass on what has been said meanwhile, and everything from now on."""
        self._flows.set()

    async def _joined(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._ends.add(back)
        await self._flows.wait()
        answers, server = await asyncio.open_unix_connection(self._place)
        self._ends.add(server)
        try:
            await asyncio.gather(self._pass_on(client, server), self._pass_on(answers, back))
        except OSError:
            pass
        finally:
            for end in (server, back):
                end.transport.abort()
                self._ends.discard(end)

    async def _pass_on(self, said: asyncio.StreamReader, heard: asyncio.StreamWriter) -> None:
        while data := await said.read(65_536):
            await self._flows.wait()
            heard.write(data)
        heard.transport.abort()
