"""Neighbours: the processes of one crew, which share a port, tell each other their figures.

A scrape reaches whichever worker the system picks, and must hold the figures of all of them: each listens on
a socket of its own in the crew's folder and answers whoever connects. So they are of the moment, nothing of
a dead worker is left to be told, and calls pay nothing for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from tokenhouse.edges.metrics.catalogue import Family

log: Final = logging.getLogger("tokenhouse.metrics")

WITHIN_S: Final = 1.0
"""How long a neighbour may take; one that hangs is left out."""
BYTES_MAX: Final = 16 * 1024 * 1024

Tell = Callable[[], list[Family]]

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Family]).decode


@asynccontextmanager
async def telling(folder: Path, worker: int, tell: Tell) -> AsyncIterator[None]:
    """Tell this process's figures to its neighbours while the block runs."""

    async def answer(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            out.write(_encode(tell()))
            await out.drain()
        out.close()

    place = folder / str(worker)
    place.unlink(missing_ok=True)  # Left by one that was killed; it is this worker's place now.
    server = await asyncio.start_unix_server(answer, place)
    try:
        yield
    finally:
        server.close()
        place.unlink(missing_ok=True)


async def gather(folder: Path, but: int) -> list[Family]:
    """Return the figures of all processes but one; of those that do not answer, none."""
    places = [place for place in await asyncio.to_thread(_listed, folder) if place.name != str(but)]
    found = await asyncio.gather(*(_ask(place) for place in places))
    return [family for families in found for family in families]


def _listed(folder: Path) -> list[Path]:
    """Return where processes of a crew tell their figures."""
    return sorted(folder.iterdir())


async def _ask(place: Path) -> list[Family]:
    """Return what one neighbour says."""
    try:
        async with asyncio.timeout(WITHIN_S):
            said, out = await asyncio.open_unix_connection(place)
            try:
                told = await said.read(BYTES_MAX)
                while more := await said.read(BYTES_MAX):
                    told += more
            finally:
                out.close()
        return _decode(told)
    except (OSError, TimeoutError, msgspec.DecodeError) as trouble:
        log.info("worker %s tells no figures: %r", place.name, trouble)
        return []
