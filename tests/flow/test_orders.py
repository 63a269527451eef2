"""Orders: credit that is bought, given or returned comes exactly once, and its order ends with it."""

import asyncio

import asyncpg
import pytest

from tokenhouse import InvalidInput, NotFound, Price, Settings, Tokenhouse
from tokenhouse.store.pool import connect

pytestmark = pytest.mark.row("C2")


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as opened:
        await opened.account("alice")
        yield opened


async def states(house, ref="alice"):
    return {order.id: order.state for order in await house.orders(ref)}


@pytest.mark.parametrize("order_type", ["purchase", "bonus", "refund"])
@pytest.mark.parametrize("currency", ["KRW", "USD", "EUR", "JPY"])
async def test_an_order_gives_its_credit_when_it_is_completed_and_not_before(house, order_type, currency):
    price = Price(minor=9_900, currency=currency, method="card", transaction_id=f"t-{order_type}-{currency}")
    order = await house.order("alice", 50_000, order_type=order_type, price=price)
    assert (order.state, order.ended_at, order.credit, order.price_minor) == ("pending", None, 50_000, 9_900)
    assert (await house.balance("alice")).available == 100_000

    receipt = await house.complete_order("alice", order.id, actor="shop")

    assert receipt.balance.available == 150_000
    assert await states(house) == {order.id: "completed"}
    [entry] = await house.history("alice", kinds=("grant",))
    assert (entry.operation, entry.lots[0][2], entry.facts["order"]) == (order.id, order_type, order.id)


async def test_completed_twice_and_by_two_callers_at_once_it_gives_once(house):
    order = await house.order("alice", 50_000)
    receipts = await asyncio.gather(*(house.complete_order("alice", order.id) for _ in range(20)))
    assert sorted(receipt.replayed for receipt in receipts) == [False] + [True] * 19
    assert (await house.balance("alice")).available == 150_000


async def test_a_failed_order_gives_nothing_ever(house):
    order = await house.order("alice", 50_000)
    assert (await house.fail_order("alice", order.id)).state == "failed"
    assert (await house.fail_order("alice", order.id)).state == "failed"
    with pytest.raises(NotFound, match="pending"):
        await house.complete_order("alice", order.id)
    assert (await house.balance("alice")).available == 100_000
    assert await states(house) == {order.id: "failed"}


async def test_a_completed_order_cannot_fail(house):
    order = await house.order("alice", 50_000)
    await house.complete_order("alice", order.id)
    with pytest.raises(NotFound, match="pending"):
        await house.fail_order("alice", order.id)


async def test_fail_and_complete_at_once_end_in_one_of_both(house):
    for _ in range(10):
        before = (await house.balance("alice")).available
        order = await house.order("alice", 10)
        await asyncio.gather(
            house.complete_order("alice", order.id),
            house.fail_order("alice", order.id),
            return_exceptions=True,
        )
        gained = (await house.balance("alice")).available - before
        assert ((await states(house))[order.id], gained) in [("completed", 10), ("failed", 0)]


async def test_a_refund_takes_back_what_is_unspent_and_the_rest_becomes_debt(house):
    order = await house.order("alice", 50_000)
    await house.complete_order("alice", order.id)
    await house.charge("alice", 120_000)
    receipt = await house.refund_order("alice", order.id, note="returned")
    assert (receipt.amount, receipt.uncovered) == (50_000, 20_000)
    assert receipt.balance.available == -20_000
    assert await states(house) == {order.id: "refunded"}
    assert (await house.refund_order("alice", order.id)).replayed
    assert (await house.verify()).clean


async def test_a_pending_order_cannot_be_refunded(house):
    order = await house.order("alice", 50_000)
    with pytest.raises(NotFound):
        await house.refund_order("alice", order.id)
    assert await states(house) == {order.id: "pending"}


async def test_one_payment_opens_one_order(house):
    price = Price(minor=9_900, currency="KRW", method="card", transaction_id="pay-1")
    first = await house.order("alice", 50_000, price=price)
    assert (await house.order("alice", 50_000, price=price)).id == first.id
    with pytest.raises(InvalidInput, match=r"pay-1.*another"):
        await house.order("alice", 60_000, price=price)


async def test_an_order_belongs_to_its_account(house):
    await house.account("bob")
    order = await house.order("alice", 50_000)
    with pytest.raises(NotFound):
        await house.complete_order("bob", order.id)


@pytest.mark.row("C3")
async def test_the_service_for_python_code_opens_consumes_and_buys(house):
    assert (await house.account("carol")).ref == (await house.account("carol")).ref == "carol"
    assert (await house.charge("carol", 3_500, key="call-1")).balance.used == 3_500
    assert (await house.charge("carol", 3_500, key="call-1")).replayed
    order = await house.order("carol", 5_000, order_type="bonus", note="compensation")
    await house.complete_order("carol", order.id)
    balance = await house.balance("carol")
    assert (balance.used, balance.available) == (3_500, 101_500)


async def logged(house) -> list[tuple[str, str, str]]:
    lines = await house.audit_log(action="order")
    return [(line.action, line.before["state"], line.after["state"]) for line in lines][::-1]


@pytest.mark.row("C10", "E2")
async def test_what_somebody_decides_of_an_order_is_on_record_with_it_or_neither_is(house, database):
    bought, given, free = [await house.order("alice", 50_000, price=Price(minor=9_900)) for _ in range(3)]
    decided = {"actor": "kim", "address": "10.0.0.1"}
    for _ in range(2):
        await house.complete_order("alice", bought.id, **decided, reason="transfer")
        await house.fail_order("alice", free.id, **decided, reason="nobody paid")
        await house.refund_order("alice", bought.id, refunded_minor=100, **decided, note="a part")
    await house.complete_order("alice", given.id, actor="a program")
    done = [
        ("order.complete", "pending", "completed"),
        ("order.fail", "pending", "failed"),
        ("order.refund", "completed", "completed"),
    ]
    assert await logged(house) == done
    connection = await connect(database)
    await connection.execute(
        "create function refuse_record() returns trigger language plpgsql as $$ "
        "begin raise exception 'no record' using errcode = 'check_violation'; end $$; "
        "create trigger refuse before insert on tokenhouse.audit_log execute function refuse_record()"
    )
    waiting, before = await house.order("alice", 7), (await house.balance("alice")).available
    for change in (
        house.complete_order("alice", waiting.id, **decided),
        house.fail_order("alice", waiting.id, **decided),
        house.refund_order("alice", bought.id, **decided),
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await change
    assert (await house.find_order(waiting.id)).state == "pending"
    assert (await house.find_order(bought.id)).refunded_minor == 100
    assert (await house.balance("alice")).available == before
    await connection.execute("drop trigger refuse on tokenhouse.audit_log")
    await connection.close()
    await house.refund_order("alice", bought.id, **decided)
    assert await logged(house) == [*done, ("order.refund", "completed", "refunded")]
