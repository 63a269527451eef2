"""Many callers at once, on one process and on four: exactly as many pass as the budget pays for."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.books import assert_sound
from tests.faults.conftest import Client
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = pytest.mark.fault
N = 40
AMOUNT = 7
UNIT = {"name": "point", "symbol": "P"}


async def run_at_once(start: Callable[..., Client], dsn: str, processes: int, **order) -> Counter[str]:
    """Have that many processes spend at the same moment, and return what came of it in all."""
    callers = 20 * N // processes
    clients = [
        start(dsn=dsn, work="spend", amount=AMOUNT, callers=callers, **order) for _ in range(processes)
    ]
    for each in clients:
        each.opened()
    for each in clients:
        each.tell()
    return sum((Counter(each.answer()) for each in clients), Counter())


@pytest.mark.row("E1", "E3")
@pytest.mark.parametrize("processes", [1, 4])
async def test_budget_for_n_lets_exactly_n_pass(client, durable: str, processes: int, round_: int):
    async with Tokenhouse.open(durable, settings=Settings(plan="points")) as house:
        await house.account("alice")
        await house.adjust("alice", N * AMOUNT - 100_000)
        came = await run_at_once(client, durable, processes, refs=["alice"])
        assert came == {"passed": N, "insufficient_credit": 19 * N}
        assert (await house.balance("alice")).used == N * AMOUNT
    await assert_sound(durable)


@pytest.mark.row("E3")
async def test_nobody_is_refused_where_there_is_enough_for_all(client, durable: str, round_: int):
    async with Tokenhouse.open(durable, settings=Settings(plan="points")) as house:
        await house.account("alice")
        await house.adjust("alice", 20 * N * AMOUNT - 100_000)
        assert await run_at_once(client, durable, 4, refs=["alice"]) == {"passed": 20 * N}
        assert (await house.balance("alice")).available == 0
    await assert_sound(durable)


@pytest.mark.row("E1", "E8")
async def test_users_of_a_company_share_exactly_its_budget(client, durable: str, round_: int):
    async with Tokenhouse.open(durable, settings=Settings(plan="points")) as house:
        await house.write_plan(
            {"name": "shared", "unit": UNIT, "signup": {"amount": N * AMOUNT + AMOUNT - 1}}
        )
        refs = await open_tree(house, "shared", users=100)
        came = await run_at_once(client, durable, 4, refs=refs)
        assert came == {"passed": N, "insufficient_credit": 19 * N}
        company = await house.balance("company")
        assert (company.available, company.held, company.used) == (AMOUNT - 1, 0, N * AMOUNT)
        assert sum([(await house.balance(ref)).used for ref in refs]) == N * AMOUNT
    await assert_sound(durable)


@pytest.mark.row("E1", "E8")
async def test_limit_of_a_company_lets_exactly_as_many_through(client, durable: str, round_: int):
    limit = {"what": "requests", "amount": N, "every": "month"}
    async with Tokenhouse.open(durable, settings=Settings(plan="points")) as house:
        plan = {"name": "limited", "unit": UNIT, "signup": {"amount": 10**9}, "limit": [limit]}
        await house.write_plan(plan)
        refs = await open_tree(house, "limited", users=100)
        came = await run_at_once(client, durable, 4, refs=refs)
        assert came == {"passed": N, "limit_reached": 19 * N}
    await assert_sound(durable)


async def open_tree(house: Tokenhouse, plan: str, *, users: int) -> list[str]:
    """Open a company, two teams and their users, who all draw on the company; return the users."""
    await house.account("company", kind="company", plan=plan)
    for team in range(2):
        await house.account(f"team{team}", kind="team", parent="company")
    for user in range(users):
        await house.account(f"user{user}", parent=f"team{user % 2}")
    return [f"user{user}" for user in range(users)]
