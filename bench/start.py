"""Start: what importing, helping, opening a house and the first line of `make run` take."""

import asyncio
import compileall
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import tokenhouse
from bench.frame import Figure, Findings, Form, in_turn

SOURCE = Path(tokenhouse.__file__).parent
COMMAND = Path(sys.executable).with_name("tokenhouse")

OPEN = """
import asyncio, resource, sys, time
begin = time.perf_counter()
from tokenhouse import Tokenhouse
async def main():
    async with Tokenhouse.open():
        taken_ms = (time.perf_counter() - begin) * 1000
        pages = int(open("/proc/self/statm").read().split()[1])
        print(taken_ms, pages * resource.getpagesize() // 1024, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""
"""Opens the house of TOKENHOUSE_HOME, says how long that took and how much memory, and waits to be let go."""


async def start(form: Form, found: Findings) -> None:
    """Measure each kind of start; bytecode is compiled first, as set-up leaves it."""
    compileall.compile_dir(SOURCE, quiet=2)
    with TemporaryDirectory(prefix="tokenhouse-bench-") as folder:
        homes, number = Path(folder), count()
        memory: list[float] = []
        server_memory: list[float] = []

        async def opened(home: str) -> float:
            async with _opened(homes / home) as (taken_ms, peak_kb):
                memory.append(peak_kb / 1024)
                return taken_ms

        async with _opened(homes / "warm"):
            taken = await in_turn(
                form,
                {
                    "python": lambda: _wall_ms(sys.executable, "-c", "pass"),
                    "import": lambda: _wall_ms(sys.executable, "-c", "import tokenhouse"),
                    "help": lambda: _wall_ms(COMMAND, "--help"),
                    "cold": lambda: opened(f"cold-{next(number)}"),
                    "warm": lambda: opened("warm"),
                    "first line": lambda: _first_line_ms(homes / f"run-{next(number)}", server_memory),
                },
            )
    own = [whole - bare for whole, bare in zip(taken["import"], taken["python"], strict=True)]
    most = {"unit": "ms", "most": True, "absolute": True}
    bare = {"unit": "ms", "reference": "python -c pass", "references": taken["python"]}
    found.figures += [
        Figure(name="import tokenhouse, less Python's own start", values=own, target=300, **most),
        Figure(name="tokenhouse --help", values=taken["help"], **bare),
        Figure(name="open a house: cold, initdb and migrations", values=taken["cold"], target=5_000, **most),
        Figure(name="open a house: its server runs", values=taken["warm"], target=2_000, **most),
        Figure(name="memory of an idle house", values=memory, target=150, **most | {"unit": "MB"}),
        Figure(name="make run, cold, to its first line", values=taken["first line"], target=5_000, **most),
        Figure(name="memory of an idle server", values=server_memory, target=150, **most | {"unit": "MB"}),
    ]


async def _wall_ms(*command: str | Path) -> float:
    """Return how long a command takes."""
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0, command
    return (time.perf_counter() - begin) * 1_000


@asynccontextmanager
async def _opened(home: Path) -> AsyncIterator[tuple[float, float]]:
    """Open a house in a process of its own; yield its milliseconds and its peak memory in kilobytes."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", OPEN)
    process = await asyncio.create_subprocess_exec(*command, env=_at(home), stdin=pipe, stdout=pipe)
    taken_ms, peak_kb = (await process.stdout.readline()).split()
    try:
        yield float(taken_ms), float(peak_kb)
    finally:
        await process.communicate(b"\n")


async def _first_line_ms(home: Path, memory: list[float]) -> float:
    """Return how long the command of `make run` takes to serve and say so, in a new home; note its memory."""
    begin = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "serve", "--port", "0", "--log-level", "warning"),
        env=_at(home),
        stdout=asyncio.subprocess.PIPE,
    )
    assert await process.stdout.readline()
    taken_ms = (time.perf_counter() - begin) * 1_000
    memory.append(_memory_mb(process.pid))
    process.terminate()
    await process.communicate()
    assert process.returncode == 0
    return taken_ms


def _memory_mb(pid: int) -> float:
    """Return what a process holds in memory, as Linux tells."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1_024


def _at(home: Path) -> dict[str, str]:
    """Return our surroundings with another home, and nothing that slows Python down."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TOKENHOUSE_", "PYTHON"))
    }
    return kept | {"TOKENHOUSE_HOME": str(home)}
