"""`python -m bench [NAME …] [--quick] [--json]`: take the figures, print one table, judge nothing."""

import argparse
from contextlib import AsyncExitStack

import uvloop

from bench.frame import Findings, Form, machine, show
from bench.gateway import gateway
from bench.growth import growth
from bench.init import init
from bench.ledger import hot, ledger
from bench.lone import lone
from bench.middleware import middleware
from bench.notices import notices
from bench.pages import pages
from bench.seed import place, seed, state_settings
from bench.service import service
from bench.simulate import simulate
from bench.start import start
from bench.statistics import statistics
from bench.tokens import tokens
from bench.verify import check_all, verify

LOADS = {"ledger": ledger, "hot": hot, "lone": lone}
"""Figures over one house of many accounts, which is verified afterwards."""
PLACES = {
    "growth": growth,
    "verify": verify,
    "init": init,
    "statistics": statistics,
    "notices": notices,
    "gateway": gateway,
    "middleware": middleware,
    "service": service,
    "pages": pages,
}
"""Figures that make houses of their own, each on a fresh server."""
NAMES = (*LOADS, *PLACES, "simulate", "tokens", "start")


async def measure(names: list[str], form: Form, accounts: int) -> Findings:
    """Take the figures of these names, in their order."""
    found = Findings(surroundings=machine())
    loads = [name for name in LOADS if name in names]
    if loads:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(place())
            house = await stack.enter_async_context(server.house())
            refs = await seed(house, accounts)
            await state_settings(house, found)
            for name in loads:
                await LOADS[name](server, house, refs, form, found)
            await check_all(house, found)
    for name, take in PLACES.items():
        if name in names:
            async with place() as server:
                await take(server, form, found)
    if "simulate" in names:
        await simulate(form, found)
    if "tokens" in names:
        await tokens(form, found)
    if "start" in names:
        await start(form, found)
    return found


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="three short turns and small ledgers")
    parser.add_argument("--json", action="store_true", help="one document instead of the table")
    parser.add_argument("--turns", type=int, help="turns of each contender (5, or 3 with --quick)")
    parser.add_argument("--accounts", type=int, default=100_000, help="accounts of the house under load")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(NAMES))
    if unknown:
        parser.error(f"no such figures: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    turns = given.turns or (3 if given.quick else 5)
    form = Form(turns=turns, seconds=1.0 if given.quick else 3.0, quick=given.quick)
    found = uvloop.run(measure(given.names or list(NAMES), form, given.accounts))
    show(found, as_json=given.json)


if __name__ == "__main__":
    main()
