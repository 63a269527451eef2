"""Figures against a brute-force sum: weeks of random calls, and every question about them asked afresh.

Three zones, over the days on which clocks change and months end; charged at once and after a reservation,
refunded days later, released, granted and adjusted between; folded now and then, or never.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse, Usage
from tokenhouse.settings import Settings

WIDE = {"name": "wide", "allowance": [{"amount": 10_000_000, "every": "month"}]}
MODELS = ("m", "n", "")
KEYS = ("th_one", "th_two", "")
PAYERS = {"a": ("a",), "b": ("b",), "team": ("team",), "c": ("c", "team")}
"""Each account, and all whose use a call of it is."""
AUTUMN, SPRING = datetime(2026, 10, 20, 9, tzinfo=UTC), datetime(2026, 2, 20, 9, tzinfo=UTC)
CASES = [
    ("Asia/Seoul", AUTUMN, True),
    ("Asia/Seoul", AUTUMN, False),
    ("America/New_York", AUTUMN, True),  # 1 November has 25 hours.
    ("America/New_York", SPRING, False),  # 8 March has 23.
    ("Australia/Lord_Howe", datetime(2026, 3, 20, 9, tzinfo=UTC), True),  # Half an hour, on 5 April.
]
"""A zone, when it begins, and whether it is folded now and then meanwhile."""
DAYS = 24


class Seen(NamedTuple):
    """Something that counts: a call, or what was given back of one."""

    at: datetime
    account: str
    model: str
    key: str
    turns: int
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: int


class World:
    """A house in which things happen, and a plain list of them."""

    def __init__(self, house: Tokenhouse, clock: Clock, chance: random.Random) -> None:
        self.house, self.clock, self.chance = house, clock, chance
        self.seen: list[Seen] = []
        self._calls: list[tuple[Seen, str, int]] = []

    async def happen(self, folds: bool) -> None:
        """Let one thing happen."""
        what = self.chance.choices((self._call, self._reserved, self._give_back, self._beside), (10, 5, 4, 3))
        await what[0]()
        if folds and self.chance.random() < 0.06:
            await self.house.fold()

    async def _call(self) -> None:
        account, model, key = self._who()
        amount, usage = self._much()
        receipt = await self.house.charge(
            account, amount, usage=usage, model=model, actor=f"key:{key}" if key else "person:1"
        )
        self._note(account, model, key, amount, usage, receipt.id)

    async def _reserved(self) -> None:
        """Reserve, and settle or release minutes later: it counts when it is settled."""
        account, model, key = self._who()
        amount, usage = self._much()
        held = await self.house.reserve(account, amount + 50, model=model)
        self.clock.move(minutes=self.chance.randrange(10))
        if self.chance.random() < 0.3:
            await self.house.release(account, held.id)
            return
        actor = f"key:{key}" if key else "person:1"
        receipt = await self.house.settle(account, held.id, amount, usage=usage, model=model, actor=actor)
        self._note(account, model, key, amount, usage, receipt.id)

    async def _give_back(self) -> None:
        """Refund a part of an earlier call: of its model and key, on the day on which it is given back."""
        if not self._calls:
            return
        nth = self.chance.randrange(len(self._calls))
        call, charge, left = self._calls[nth]
        part = self.chance.randint(1, left)
        await self.house.refund(call.account, charge, part)
        none = {"turns": 0, "tokens": 0, "tokens_input": 0, "tokens_output": 0}
        self.seen.append(call._replace(at=self.clock.now, charged=-part, **none))
        del self._calls[nth]
        if left > part:
            self._calls.append((call, charge, left - part))

    async def _beside(self) -> None:
        """Move credit in ways that are no use of it."""
        account = self.chance.choice(("a", "b", "team"))
        if self.chance.random() < 0.5:
            await self.house.grant(account, self.chance.randint(1, 5_000))
        else:
            await self.house.adjust(account, self.chance.randint(-500, 500) or 1)

    def _who(self) -> tuple[str, str, str]:
        return self.chance.choice(list(PAYERS)), self.chance.choice(MODELS), self.chance.choice(KEYS)

    def _much(self) -> tuple[int, Usage]:
        usage = Usage(input=self.chance.randint(1, 900), output=self.chance.randint(0, 300))
        return self.chance.randint(1, 2_000), usage

    def _note(self, account: str, model: str, key: str, amount: int, usage: Usage, charge: str) -> None:
        read, written = usage.input, usage.output
        call = Seen(self.clock.now, account, model, key, 1, read + written, read, written, amount)
        self.seen.append(call)
        self._calls.append((call, charge, amount))

    def summed(
        self, by: Callable[[Seen], Hashable], *, of: Callable[[Seen], bool] = lambda _: True
    ) -> dict[Any, tuple[int, ...]]:
        """Return the sums of what was seen: turns, tokens, input, output, charged."""
        sums: dict[Any, list[int]] = defaultdict(lambda: [0] * 5)
        for one in self.seen:
            if of(one):
                for nth, value in enumerate(one[4:]):
                    sums[by(one)][nth] += value
        return {name: tuple(values) for name, values in sums.items() if any(values)}


def five(one: Any) -> tuple[int, ...]:
    return one.turns, one.tokens, one.tokens_input, one.tokens_output, one.charged


def used(lines: Any, by: Callable[[Any], Hashable]) -> dict[Any, tuple[int, ...]]:
    """Return the figures of an answer that are not all zero."""
    found = {by(one): five(one) for one in lines}
    assert len(found) == len(lines), "a line stands there twice"
    return {name: values for name, values in found.items() if any(values)}


def cut(zone: ZoneInfo, grain: str) -> Callable[[datetime], Hashable]:
    """Return by what hour, day or month of a clock on the wall a moment is counted."""
    if grain == "hour":  # One that strikes twice is two; half an hour that comes twice belongs to its hour.
        return lambda at: at.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    form = {"day": "%Y-%m-%d", "month": "%Y-%m"}[grain]
    return lambda at: at.astimezone(zone).strftime(form)


async def lived(house: Tokenhouse, clock: Clock, seed: int, *, folds: bool) -> World:
    """Return a world in which some weeks went by."""
    world = World(house, clock, random.Random(seed))
    await house.write_plan(WIDE)
    for account in ("a", "b"):
        await house.account(account, plan="wide")
    await house.account("team", kind="team", plan="wide")
    await house.account("c", parent="team", plan="wide")
    end = clock.now + timedelta(days=DAYS)
    while clock.now < end:
        await world.happen(folds)
        clock.move(minutes=world.chance.choice((1, 7, 30, 59, 60, 240, 600)))
    return world


@pytest.mark.row("C9", "D11", "B8")
@pytest.mark.parametrize(("zone", "began", "folds"), CASES)
async def test_every_figure_is_the_sum_of_what_happened(
    database: str, clock: Clock, zone: str, began: datetime, folds: bool
):
    clock.now = began
    async with Tokenhouse.open(database, settings=Settings(time_zone=zone), clock=clock) as house:
        world = await lived(house, clock, 11, folds=folds)
        for _ in range(2):  # As it is, and once more when all is folded.
            await the_deployment_agrees(world, ZoneInfo(zone))
            await each_account_agrees(world, ZoneInfo(zone))
            await the_patterns_agree(world, ZoneInfo(zone))
            await house.fold()
            await house.forget_statistics()


async def the_deployment_agrees(world: World, zone: ZoneInfo) -> None:
    for grain, last in (("hour", 744), ("day", 40), ("month", 3)):
        name = cut(zone, grain)
        points = (await world.house.curve(every=grain, last=last)).value.points
        assert used(points, lambda one, name=name: name(one.start_at)) == world.summed(
            lambda one, name=name: name(one.at)
        )
        assert all(one.end_at == after.start_at for one, after in pairwise(points))
        lines = (await world.house.costs(every=grain, last=last)).value.lines
        assert {(name(one.start_at), one.model): (one.turns, one.tokens, one.charged) for one in lines} == {
            key: (turns, tokens, charged)
            for key, (turns, tokens, _, _, charged) in world.summed(
                lambda one, name=name: (name(one.at), one.model)
            ).items()
            if turns or charged
        }


async def each_account_agrees(world: World, zone: ZoneInfo) -> None:
    since = world.clock.now - timedelta(days=9, hours=3)
    for account in PAYERS:
        for grain, last in (("hour", 744), ("day", 40), ("month", 3)):
            name = cut(zone, grain)

            def mine(one: Seen, account: str = account) -> bool:
                return account in PAYERS[one.account]

            for by, part in (
                ("all", lambda _: None),
                ("model", lambda one: one.model),
                ("key", lambda one: getattr(one, "api_key", None) if hasattr(one, "api_key") else one.key),
            ):
                found = await world.house.use_between(account, every=grain, last=last, by=by)
                expected = world.summed(lambda one, n=name, p=part: (n(one.at), p(one)), of=mine)
                assert used(found.lines, lambda one, n=name, p=part: (n(one.start_at), p(one))) == expected
                whole = world.summed(lambda _: None, of=mine).get(None, (0,) * 5)
                assert five(found.total) == whole
                if by != "all":
                    assert used(found.parts, part) == world.summed(part, of=mine)
                    assert [one.charged for one in found.parts] == sorted(
                        (one.charged for one in found.parts), reverse=True
                    )
            late = await world.house.use_between(
                account, every=grain, since=since, by="model", model="m", api_key="th_one"
            )
            begin = late.starts[0]
            assert begin <= since
            assert five(late.total) == world.summed(
                lambda _: None,
                of=lambda one, mine=mine, begin=begin: (
                    mine(one) and one.at >= begin and (one.model, one.key) == ("m", "th_one")
                ),
            ).get(None, (0,) * 5)


async def the_patterns_agree(world: World, zone: ZoneInfo) -> None:
    found = (await world.house.patterns(days=31, users=10)).value
    assert found.start_at <= world.seen[0].at

    def hour_of(one: Seen) -> tuple[int, int]:
        local = one.at.astimezone(zone)
        return local.weekday(), local.hour

    hours = {
        key: (turns, tokens, charged) for key, (turns, tokens, _, _, charged) in world.summed(hour_of).items()
    }
    assert {
        (one.weekday, one.hour): (one.turns, one.tokens, one.charged)
        for one in found.hours
        if one.turns or one.charged
    } == hours
    models = {
        key: (turns, tokens, charged)
        for key, (turns, tokens, _, _, charged) in world.summed(lambda one: one.model).items()
    }
    assert {one.model: (one.turns, one.tokens, one.charged) for one in found.models} == models
    day = cut(zone, "day")
    for one in found.users:
        own = [seen for seen in world.seen if one.account in PAYERS[seen.account]]
        assert (one.turns, one.tokens, one.charged, one.days) == (
            sum(seen.turns for seen in own),
            sum(seen.tokens for seen in own),
            sum(seen.charged for seen in own),
            len({day(seen.at) for seen in own if seen.turns}),
        ), one.account
    assert {one.account for one in found.users} == set(PAYERS)


@pytest.mark.parametrize(
    ("began", "lasting"),
    [
        (datetime(2026, 4, 4, 13, tzinfo=UTC), [60, 90, 60, 60, 60]),  # 02:00 is 01:30 again.
        (datetime(2026, 10, 3, 13, 30, tzinfo=UTC), [60, 90, 60, 60, 60]),  # 02:00 is 02:30 at once.
    ],
)
async def test_an_hour_in_which_the_clock_moves_by_half_of_one(
    database: str, clock: Clock, began: datetime, lasting: list[int]
):
    clock.now = began
    async with Tokenhouse.open(
        database, settings=Settings(time_zone="Australia/Lord_Howe"), clock=clock
    ) as house:
        await house.write_plan(WIDE)
        await house.account("a", plan="wide")
        charged = []
        for quarter in range(sum(lasting) // 15):
            charged.append((clock.now, 1 + quarter))
            await house.charge("a", 1 + quarter)
            clock.move(minutes=15)
        clock.move(minutes=-1)
        for _ in range(2):
            points = (await house.curve(every="hour", last=5)).value.points
            assert [(one.end_at - one.start_at) // timedelta(minutes=1) for one in points] == lasting
            assert [one.charged for one in points] == [
                sum(much for at, much in charged if one.start_at <= at < one.end_at) for one in points
            ]
            await house.fold()
            await house.forget_statistics()


async def test_the_hour_under_way_holds_this_moment_while_its_half_comes_again(database: str, clock: Clock):
    clock.now = datetime(2026, 4, 4, 15, 15, tzinfo=UTC)  # 01:45, for the second time.
    async with Tokenhouse.open(
        database, settings=Settings(time_zone="Australia/Lord_Howe"), clock=clock
    ) as house:
        await house.write_plan(WIDE)
        await house.account("a", plan="wide")
        await house.charge("a", 7)
        (last,) = (await house.curve(every="hour", last=1)).value.points
        assert (last.start_at, last.end_at, last.charged) == (
            datetime(2026, 4, 4, 14, tzinfo=UTC),
            datetime(2026, 4, 4, 15, 30, tzinfo=UTC),
            7,
        )
