"""The schema of the embedded database is seen and brought up to date without a house."""

from pathlib import Path

import pytest

from tokenhouse.flow.examine import database, in_force
from tokenhouse.flow.schema import bring_up, connected, standings
from tokenhouse.house import system_clock
from tokenhouse.settings import Settings


@pytest.mark.row("E13")
async def test_the_embedded_database_is_started_for_it_and_stopped_after(tmp_path: Path):
    settings = Settings(home=tmp_path)
    before = await standings(settings)
    assert {one.state for one in before} == {"pending"}
    after, applied = await bring_up(settings)
    assert [one.version for one in applied] == [one.version for one in before]
    assert {one.state for one in after} == {"applied"}
    async with connected(settings, name="test") as connection:
        found = {one.subject: one async for one in database(settings, system_clock, connection)}
    assert found["postgres"].facts["where"] == str(tmp_path / "postgres")
    assert found["durability"].verdict == found["clock"].verdict == "ok"
    assert in_force(settings)["database_url"] is None
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
