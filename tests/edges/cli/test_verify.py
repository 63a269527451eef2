"""`tokenhouse verify` tells people and programs the same, and its exit code says whether every law holds."""

import pytest

from tests.conftest import Clock, Postgres
from tests.edges.cli.conftest import Run
from tests.flow.breaks import damage
from tokenhouse.edges.cli import frame
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.audit import CHECKS
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("A2", "A5")


@pytest.fixture
def ledger(postgres: Postgres, database: str, clock: Clock) -> str:
    async def two_accounts() -> None:
        async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
            for ref in ("ann", "bob"):
                await house.account(ref)
                await house.charge(ref, 500)

    postgres.run(two_accounts())
    return database


def test_a_clean_ledger(cli: Run, ledger: str):
    told = cli("verify")
    assert "Every law holds." in told.out
    assert "6 entries of 2 accounts" in told.out
    assert all(name in told.out for name in CHECKS)
    assert "Entries 6 / 6" in told.err
    assert cli("verify", "--quiet").err == ""


def test_a_broken_ledger(cli: Run, postgres: Postgres, ledger: str):
    postgres.run(damage(ledger, "update tokenhouse.balances set used = 501, turns = 3 where cell = 1"))
    told = cli("verify", code=frame.FOUND)
    assert "2 findings" in told.out
    line = next(line for line in told.out.splitlines() if " used " in line and "ann" in line)
    assert line.split() == ["ann", "usage", "used", "–", "500", "501"]  # noqa: RUF001
    short = cli("verify", "--findings", "1", code=frame.FOUND)
    assert "1 more findings" in short.out
    assert cli("verify", "--account", "bob").code == 0
    assert cli("verify", "--cell", "2").code == 0
    assert cli("verify", "--cell", "1", code=frame.FOUND).code == frame.FOUND


def test_a_program_reads_one_document(cli: Run, postgres: Postgres, ledger: str):
    clean = cli("verify", "--json").document
    assert (clean["clean"], clean["found"], clean["findings"]) == (True, 0, [])
    assert (clean["entries"], clean["accounts"]) == (6, 2)
    assert [check["name"] for check in clean["checks"]] == list(CHECKS)
    postgres.run(damage(ledger, "update tokenhouse.balances set used = 501 where cell = 1"))
    found = cli("verify", "--json", code=frame.FOUND).document
    assert found["findings"] == [
        {"account": "ann", "check": "usage", "figure": "used", "expected": 500, "found": 501, "seq": 0}
    ]
    assert {"name": "usage", "checked": 2, "failed": 1, "held": False} in found["checks"]


def test_it_speaks_korean(cli: Run, ledger: str):
    told = cli("verify", "--locale", "ko")
    assert "모든 법칙이 지켜집니다." in told.out


def test_what_cannot_be_verified_is_refused(cli: Run, ledger: str):
    cli("verify", "--account", "nobody", code=4)
    cli("verify", "--cell", "64", code=2)
    cli("verify", "--findings", "-1", code=2)
