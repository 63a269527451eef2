"""The crew: several server processes on one port, kept by a parent that serves nobody itself.

The parent holds the house open, and with it the embedded database: workers come and go. One that dies is
replaced; its port's queue is the parent's, so that callers wait for the next one instead of being refused.
Workers end with their parent, however it dies: each watches the pipe that it was started with.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tokenhouse import settings as settings_of
from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings

log: Final = logging.getLogger("tokenhouse.crew")

CLOSING_S: Final = 25.0
"""How much longer than `stop_s` a worker may take to settle and to close, before it is killed."""
PAUSE_FIRST_S: Final = 0.1
PAUSE_MOST_S: Final = 10.0
"""How long a place stays empty after workers that died young, one after the other."""
GROWN_UP_S: Final = 30.0


class Order(msgspec.Struct, kw_only=True):
    """What a worker is told: a line of JSON on its standard input."""

    settings: dict[str, Any]
    socket: int
    log_level: str
    place: int
    folder: str
    """Where the crew's processes tell each other their figures."""


class Crew:
    """The workers of one server. `run` returns when all have stopped."""

    def __init__(
        self, settings: Settings, sockets: Sequence[socket.socket], log_level: str, folder: Path
    ) -> None:
        self._settings, self._sockets, self._log_level, self._folder = settings, sockets, log_level, folder
        self._stop = asyncio.Event()
        self._ready = [asyncio.Event() for _ in sockets]
        self._processes: dict[int, Process] = {}

    async def run(self, told: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C; `told` is called when every worker serves. Raises: StartRefused."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled, number)
        places = [asyncio.create_task(self._fill(number)) for number in range(len(self._sockets))]
        serving = asyncio.create_task(self._all_serve(told))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({stopping, *places}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            stopping.cancel()
            self._stop.set()
            await self._end(places)
        for place in places:
            place.result()

    async def _all_serve(self, told: Callable[[], None]) -> None:
        """Tell when every worker serves."""
        for ready in self._ready:
            await ready.wait()
        told()

    async def _fill(self, number: int) -> None:
        """Keep one place filled until we stop. Raises: StartRefused, if its first worker cannot start."""
        loop, pause_s = asyncio.get_running_loop(), PAUSE_FIRST_S
        while not self._stop.is_set():
            began = loop.time()
            process = await self._start(number)
            if await self._heard(process) == b"ready\n":
                self._ready[number].set()
            code = await process.wait()
            del self._processes[number]
            if self._stop.is_set():
                return
            if not self._ready[number].is_set():
                raise StartRefused("worker_failed", number=number + 1, code=code)
            lived_s = loop.time() - began
            pause_s = PAUSE_FIRST_S if lived_s > GROWN_UP_S else min(2 * pause_s, PAUSE_MOST_S)
            log.error(
                "worker %d (pid %d) ended with %d; another takes its place", number + 1, process.pid, code
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._stop.wait()

    async def _start(self, number: int) -> Process:
        """Start a worker, in a session of its own: a terminal's Ctrl-C is for us. Tell it what to do."""
        listens = self._sockets[number].fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tokenhouse.edges.worker"),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(listens,),
            start_new_session=True,
        )
        self._processes[number] = process
        order = Order(
            settings=settings_of.plain(self._settings),
            socket=listens,
            log_level=self._log_level,
            place=number + 1,
            folder=str(self._folder),
        )
        assert process.stdin is not None  # noqa: S101 -- it was asked for
        with contextlib.suppress(ConnectionError):  # It died already, which its end will tell.
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            await process.stdin.drain()
        if self._stop.is_set():  # The word came too early for it.
            process.terminate()
        return process

    @staticmethod
    async def _heard(process: Process) -> bytes:
        """Return the word of a worker: that it serves, or nothing, if it never will."""
        assert process.stdout is not None  # noqa: S101 -- it was asked for
        return await process.stdout.readline()

    def _signalled(self, number: int) -> None:
        """Stop; a second Ctrl-C lets nothing under way go on."""
        if self._stop.is_set() and number == signal.SIGINT:
            self._tell(signal.SIGINT)
        self._stop.set()

    def _tell(self, number: int) -> None:
        """Send a signal to every worker."""
        for process in list(self._processes.values()):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def _end(self, places: Sequence[asyncio.Task[None]]) -> None:
        """Take no more callers, let workers settle and close, and kill whoever does not come to an end."""
        for one in self._sockets:
            one.close()
        self._tell(signal.SIGTERM)
        _, late = await asyncio.wait(places, timeout=self._settings.stop_s + CLOSING_S)
        if late:
            log.error("%d workers did not stop in time and are killed; their calls lapse", len(late))
            self._tell(signal.SIGKILL)
            await asyncio.wait(places)
