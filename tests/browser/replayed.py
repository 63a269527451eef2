"""A real trace, replayed through the engine, so that the pages have true figures to show."""

from collections import Counter
from datetime import timedelta

from tests.browser.site import Person, Site
from tokenhouse import Tokenhouse
from tokenhouse.flow.documents import sample_plan
from tokenhouse.flow.replay import Replay, TraceClock, start_of
from tokenhouse.flow.simulate import Assumptions
from tokenhouse.flow.traces import Trace, sample_trace

BUSY = 30
"""Requests at most of each account that is taken: enough for every figure, soon made."""


def part() -> Trace:
    """Return what one account of each model did in two weeks, as if one account had done it all."""
    whole = sample_trace()
    counted = Counter((one.model, one.account) for one in whole.requests)
    taken = {model: account for (model, account), count in counted.items() if count <= BUSY}
    requests = [one for one in whole.requests if taken.get(one.model) == one.account]
    return Trace(name="part", layout=whole.layout, requests=requests).pooled()


async def replayed(site: Site) -> Person:
    """Replay a part of the sample, up to now, and return who may look at it."""
    trace = part()
    span = timedelta(microseconds=trace.requests[-1].at - trace.requests[0].at)
    given = Assumptions(start_at=site.clock() - span)
    clock = TraceClock(start_of(trace, given))
    async with Tokenhouse.open(settings=site.house.desk.settings, clock=clock) as house:
        plan = sample_plan(house.desk.settings.time_zone)
        replay = Replay(desk=house.desk, trace=trace, plan=plan, given=given, callers=4, clock=clock)
        await replay.prepare()
        await replay.drive()
        assert (await replay.audit()).sound
    return await site.person("trace@example.com", account=replay.ref(trace.accounts[0]))
