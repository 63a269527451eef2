"""Plans ahead: a version holds from its instant on, on every node, by the clock alone."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Clock
from tokenhouse import InvalidInput, NotFound, Tokenhouse

OLD = {"name": "team", "allowance": [{"amount": 1_000, "every": "month"}]}
NEW = {"name": "team", "allowance": [{"amount": 5_000, "every": "month"}]}


@pytest.mark.row("E13", "C6")
async def test_every_node_goes_by_a_version_from_its_very_instant_on(database: str, clock: Clock):
    async with (
        Tokenhouse.open(database, clock=clock) as house,
        Tokenhouse.open(database, clock=clock) as other,
    ):
        await house.write_plan(OLD)
        for name in ("looked-at", "idle", "on-the-other"):
            await house.account(name, plan="team")
        start = clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=62)
        start = start.replace(day=1)
        written = await house.write_plan(NEW, starts_at=start)
        assert written.version == 2
        assert (await other.plans())["team"].version == 1
        assert [(one.plan.version, one.starts_at) for one in await other.planned()] == [(2, start)]

        clock.now = start - timedelta(microseconds=1)
        assert (await house.balance("looked-at")).remaining == 1_000
        assert (await other.charge("on-the-other", 10)).amount == 10
        assert (await other.balance("on-the-other")).remaining == 990

        clock.now = start
        for node in (house, other):
            assert (await node.plans())["team"].version == 2
            assert await node.planned() == []
        assert (await other.charge("on-the-other", 10)).amount == 10
        assert (await other.balance("on-the-other")).remaining == 4_990
        assert (await house.balance("idle")).remaining == 5_000
        assert (await house.verify()).findings == ()


async def test_a_call_that_was_let_in_before_the_start_is_charged_as_it_was_let_in(
    database: str, clock: Clock
):
    by = {"name": "team", "signup": {"amount": 1_000}, "limit": []}
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(by)
        await house.account("a", plan="team")
        start = clock() + timedelta(minutes=1)
        await house.write_plan({**by, "models": {"allow": ["other"]}}, starts_at=start)
        held = await house.reserve("a", 100, model="one")
        clock.now = start
        assert (await house.settle("a", held.id, 60)).amount == 60


async def test_a_version_is_written_once_and_called_off_once(database: str, clock: Clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(OLD)
        start = clock() + timedelta(days=3)
        assert (await house.write_plan(NEW, starts_at=start)).version == 2
        assert (await house.write_plan(NEW, starts_at=start)).version == 2
        assert (await house.write_plan(NEW, starts_at=start + timedelta(days=1))).version == 2
        assert (await house.write_plan(OLD)).version == 1
        for _ in range(2):
            gone = await house.withdraw_plan("team", 2, actor="kim")
            assert (gone.state, gone.withdrawn_by, gone.withdrawn_at) == ("withdrawn", "kim", clock())
        assert (await house.write_plan(NEW, starts_at=start)).version == 3
        states = [(one.plan.version, one.state, one.follows) for one in await house.plan_versions("team")]
        assert states == [(3, "planned", 1), (2, "withdrawn", 1), (1, "in_force", None)]
        clock.now = start
        states = [(one.plan.version, one.state) for one in await house.plan_versions("team")]
        assert states == [(3, "in_force"), (2, "withdrawn"), (1, "past")]


async def test_what_has_started_stays(database: str, clock: Clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(OLD)
        start = clock() + timedelta(days=3)
        await house.write_plan(NEW, starts_at=start)
        for gone, version in (("plan_version_unknown", 7), ("plan_unknown", 1)):
            with pytest.raises(NotFound) as missing:
                await house.withdraw_plan("team" if version == 7 else "none", version)
            assert missing.value.reason == gone
        clock.now = start
        for version in (1, 2):
            with pytest.raises(InvalidInput) as no:
                await house.withdraw_plan("team", version)
            assert no.value.reason == "plan_version_started"


@pytest.mark.parametrize(
    ("name", "starts_at", "reason"),
    [
        pytest.param("team", timedelta(0), "start_past", id="now"),
        pytest.param("team", -timedelta(days=1), "start_past", id="past"),
        pytest.param("fresh", timedelta(days=1), "start_first", id="a plan that is new"),
        pytest.param(
            "team",
            datetime(2030, 1, 1),  # noqa: DTZ001 -- it is refused
            "instant_naive",
            id="nobody knows where",
        ),
        pytest.param(
            "team", datetime(9995, 1, 1, tzinfo=UTC), "instant_out_of_range", id="beyond the calendar"
        ),
    ],
)
async def test_a_start_that_cannot_be(database: str, clock: Clock, name, starts_at, reason):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(OLD)
        start = clock() + starts_at if isinstance(starts_at, timedelta) else starts_at
        with pytest.raises(InvalidInput) as no:
            await house.write_plan({**NEW, "name": name}, starts_at=start)
        assert no.value.reason == reason
        assert await house.planned() == []


async def test_a_charge_is_explained_by_what_held_when_it_was_made(database: str, clock: Clock):
    from tokenhouse.rules.usage import Usage

    def terms(multiplier: int):
        return {
            "name": "team",
            "signup": {"amount": 10_000},
            "rate": {"by": "tokens", "multiplier": multiplier},
        }

    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(terms(2))
        await house.account("a", plan="team")
        start = clock() + timedelta(days=1)
        await house.write_plan(terms(3), starts_at=start)
        first = await house.charge("a", usage=Usage(input=10), model="demo-small")
        clock.now = start
        second = await house.charge("a", usage=Usage(input=10), model="demo-small")
        assert (first.amount, second.amount) == (20, 30)
        said = [one for one in await house.history("a") if one.kind == "charge"]
        versions = [(await house.entry("a", one.seq)).plan_version for one in said]
        assert versions == [2, 1]
