"""Peers: other gateways, installed from the public registries, as their users have them.

Each module has `start(upstream_port)`, a context manager that yields a `Peer`; what it needs is installed
the first time, under `.venv/peers`, in the version that it names.
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv" / "peers"
START_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A gateway that runs: where it listens, its process, and the headers that it wants."""

    port: int
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as any_:
        any_.bind(("127.0.0.1", 0))
        return any_.getsockname()[1]


@contextmanager
def running(
    command: list[str | Path], port: int, surroundings: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the block ends; what it says goes to a file, and is quoted if it does not start."""
    with tempfile.TemporaryFile("w+") as said:
        environment = {**os.environ, **surroundings}
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        try:
            deadline = time.monotonic() + START_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"{command[0]} did not start: {said.read()[-2_000:]}")
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    """Whether somebody takes connections at a port."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
