"""A worker: one server process of a crew, as `python -m tokenhouse.edges.worker`; see `crew`.

Its order is the first line of its standard input; the end of its input is the end of its parent.
"""

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from tokenhouse import settings as settings_of
from tokenhouse.edges import server
from tokenhouse.edges.crew import Order
from tokenhouse.edges.listening import Listener
from tokenhouse.edges.logs import log_to_stderr
from tokenhouse.edges.metrics import Place
from tokenhouse.errors import TokenhouseError

log: Final = logging.getLogger("tokenhouse.worker")


async def work(order: Order) -> None:
    """Serve until told to stop, or until the parent is gone."""
    settings = settings_of.checked(order.settings)
    place = Place(folder=Path(order.folder), worker=order.place)
    application = server.build(settings, upkeep=False, crew=place)  # The parent keeps the schedule.
    listener = Listener(application, settings, _tell_ready)

    def orphaned() -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        log.error("the parent is gone; stopping")
        listener.should_exit = True

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), orphaned)
    async with application.opened():
        await listener.serve([socket.socket(fileno=order.socket)])


def _tell_ready() -> None:
    """Say that we serve; nobody listens to our output after that."""
    os.write(sys.stdout.fileno(), b"ready\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def main() -> int:
    """Read the order, carry it out, and return how it ended."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    log_to_stderr(order.log_level, order.settings["log_format"])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(order))
    except TokenhouseError as trouble:
        log.critical("%s", trouble)
        return trouble.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
