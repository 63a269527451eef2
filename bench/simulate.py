"""Simulate: requests a second of one core, reading the trace included, beside a loop that only adds up."""

import csv
import gzip
import io
import time
from collections import defaultdict
from pathlib import Path

from bench.frame import Figure, Findings, Form, in_turn
from tokenhouse.flow.simulate import Assumptions
from tokenhouse.flow.simulate import simulate as simulated
from tokenhouse.flow.terms import preset
from tokenhouse.flow.traces import read_trace
from tokenhouse.rules.plans import parse_plan

PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "traces" / "servegen_sampled_requests.csv.gz"
SAMPLE = Path(__file__).parents[1] / "src" / "tokenhouse" / "samples" / "servegen-sample.csv.gz"
COLUMNS = {"t_s": ("client", "input_tokens", "output_tokens"), "time": ("account", "input", "output")}
AMPLE = {"name": "ample", "allowance": [{"amount": 10**12, "every": "month"}]}
"""Refuses nobody: the most work that a plan of one lot can be."""


async def simulate(form: Form, found: Findings) -> None:
    """Measure a plan that refuses many and one that refuses nobody, on the published trace or the sample.

    In seconds of this process on a core: that is what the promise says, and neighbours count for less.
    """
    file = PUBLISHED if PUBLISHED.exists() else SAMPLE
    quota, ample = parse_plan(preset("quota")), parse_plan(AMPLE)

    async def run(plan):
        begin = time.process_time()
        trace = read_trace(file)
        simulated(trace, plan, Assumptions())
        return len(trace.requests) / (time.process_time() - begin)

    async def bare():
        begin = time.process_time()
        return _add_up(file) / (time.process_time() - begin)

    taken = await in_turn(form, {"bare": bare, "quota": lambda: run(quota), "ample": lambda: run(ample)})
    line = {"unit": "requests/s", "reference": "read CSV, add up", "references": taken["bare"]}
    line |= {"target": 50_000, "absolute": True}
    found.figures += [
        Figure(name="simulate, preset quota", values=taken["quota"], note=f"of {file.name}", **line),
        Figure(name="simulate, nobody refused", values=taken["ample"], note="every request settled", **line),
    ]


def _add_up(file: Path) -> int:
    """Read a trace with the standard library alone and add up; return how many requests it has."""
    with gzip.open(file) as packed:
        rows = csv.reader(io.StringIO(packed.read().decode()))
    header = next(rows)
    account, input_, output = (header.index(name) for name in COLUMNS[header[0]])
    totals: defaultdict[str, int] = defaultdict(int)
    count = 0
    for row in rows:
        totals[row[account]] += int(row[input_]) + int(row[output])
        count += 1
    assert totals
    return count
