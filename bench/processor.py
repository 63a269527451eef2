"""Processor time: what a request costs, also where a machine is shared and every rate is too low."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def busy() -> tuple[float, float]:
    """Return for how long all cores together have worked so far, and could have, in seconds."""
    fields = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()[1:9]
    spent = [int(field) / TICKS for field in fields]
    idle = spent[3] + spent[4]
    return sum(spent) - idle, sum(spent)


def seconds(pid: int) -> float:
    """Return the processor time of a process and of its living descendants, in user's and system's mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(seconds(int(child)) for child in children)
