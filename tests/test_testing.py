"""What we give our users for their tests: a throw-away house that is real, and leaves nothing behind."""

from datetime import UTC, datetime
from pathlib import Path

from tokenhouse import testing
from tokenhouse.settings import Settings


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


async def test_throwaway_house_renews_a_month_when_its_clock_is_moved():
    clock = testing.Clock(datetime(2026, 1, 31, 23, tzinfo=UTC))
    async with testing.throwaway_house(clock=clock) as house:
        home = house.desk.settings.home
        await house.account("alice")
        await house.charge("alice", 70_000)
        assert (await house.balance("alice")).remaining == 30_000
        clock.move(hours=2)
        assert (await house.balance("alice")).remaining == 100_000
        assert names_in(home) == ["postgres"]
    assert names_in(home) == []


async def test_throwaway_house_takes_settings_but_not_its_place(tmp_path: Path):
    async with testing.throwaway_house(settings=Settings(home=tmp_path, plan="points", lanes=1)) as house:
        await house.account("bora")
        assert (await house.balance("bora")).unit.name == "point"
        assert len(house.desk.writer.lanes) == 1
    assert names_in(tmp_path) == []


def test_clock_stands_until_it_is_moved():
    clock = testing.Clock()
    assert clock() == clock() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.move(days=-1) == clock() == datetime(2025, 12, 31, tzinfo=UTC)
