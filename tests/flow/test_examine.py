"""The doctor's findings that no healthy machine shows: no room, no package, no primary, no address."""

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import Clock, Postgres
from tokenhouse import Tokenhouse
from tokenhouse.flow import examine
from tokenhouse.settings import Settings


@pytest.mark.parametrize(
    ("warn", "fail", "verdict"), [(0, 0, "ok"), (2**80, 0, "warn"), (2**80, 2**80, "fail")]
)
def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch, warn: int, fail: int, verdict: str):
    monkeypatch.setattr(examine, "FREE_WARN", warn)
    monkeypatch.setattr(examine, "FREE_FAIL", fail)
    found = examine.home(tmp_path / "to" / "come")
    assert found.verdict == verdict
    assert (found.facts["writable"], found.facts["exists"]) == (True, False)
    assert found.facts["free_bytes"] > 0


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(examine, "PACKAGES", ("asyncpg", "no-such-package"))
    assert examine.packages() == {"asyncpg": version("asyncpg")}


def test_an_address_that_cannot_be_read_shows_no_secret():
    assert examine.without_secret("postgresql://joe:s3cret@[::1") == "postgresql://@the given address"


async def test_a_database_that_takes_no_writes_fails(database: str, postgres: Postgres, clock: Clock):
    settings = Settings(database_url=database)
    async with Tokenhouse.open(database, settings=settings, clock=clock):
        pass
    name = database.partition("?")[0].rpartition("/")[2]
    async with examine.connected(settings, name="test") as connection:
        await connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
    found = {one.subject: one async for one in examine.examine(settings, clock)}
    assert found["round_trip"].verdict == "fail"
    assert found["round_trip"].facts["error"].reason == "postgres_read_only"
    assert found["partitions"].verdict == "ok"
