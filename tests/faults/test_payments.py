"""Payments while things break: two nodes at once, and a database that is cut around each commit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.faults.books import assert_sound
from tests.faults.cutter import Cut, Cutter
from tokenhouse.errors import Busy, DatabaseTrouble
from tokenhouse.flow.payments import Heard, Told
from tokenhouse.flow.refunding import Returned
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import clawed_by
from tokenhouse.settings import Callback, Payments, Settings
from tokenhouse.testing import Clock

pytestmark = [pytest.mark.fault, pytest.mark.row("E2", "E9")]

SETTINGS = Settings(plan="points", payments=Payments(callback=Callback(secret="x" * 40)))
PACKAGE = {"name": "large", "credit": 1_000, "prices": {"KRW": 9_900}}


def told(order: str, event: str, **other: object) -> Told:
    facts = {"kind": "paid", "payments": (f"pay-{order}",), "price_minor": 9_900, "currency": "KRW"} | other
    return Told(
        provider="callback", event=event, digest=sha256(event.encode()).digest(), order=order, **facts
    )


@pytest.fixture
async def houses(database: str, clock: Clock) -> AsyncIterator[tuple[Tokenhouse, Tokenhouse]]:
    async with (
        Tokenhouse.open(database, settings=SETTINGS, clock=clock) as one,
        Tokenhouse.open(database, settings=SETTINGS, clock=clock) as other,
    ):
        await one.account("alice")
        await one.write_package(PACKAGE)
        yield one, other
    await assert_sound(database)


async def test_two_nodes_that_hear_the_same_at_once_give_it_once(houses):
    for nth in range(5):
        before = (await houses[0].balance("alice")).available
        order = await houses[0].buy("alice", "large", currency="KRW", provider="callback")
        heard = await asyncio.gather(
            *(house.hear_payment(told(order.id, f"e{nth}")) for house in houses for _ in range(4))
        )
        assert sorted(one.verdict for one in heard) == ["accepted"] + ["duplicate"] * 7
        assert (await houses[1].balance("alice")).available == before + 1_000


async def test_two_nodes_of_which_one_hears_of_the_payment_and_one_of_its_refund(houses):
    for nth in range(8):
        before = (await houses[0].balance("alice")).available
        order = await houses[0].buy("alice", "large", currency="KRW", provider="callback")
        both = [told(order.id, f"p{nth}"), told(order.id, f"r{nth}", kind="refunded")]
        if nth % 2:
            both.reverse()
        await asyncio.gather(*(house.hear_payment(one) for house, one in zip(houses, both, strict=True)))
        after = await houses[1].find_order(order.id)
        assert after.state in ("failed", "refunded")
        assert (await houses[1].balance("alice")).available == before


async def test_an_order_that_one_node_gives_up_while_the_other_hears_that_it_is_paid_gives_once(houses):
    for nth in range(8):
        before = (await houses[0].balance("alice")).available
        order = await houses[0].buy("alice", "large", currency="KRW", provider="callback")
        both = [houses[0].fail_order("alice", order.id), houses[1].hear_payment(told(order.id, f"p{nth}"))]
        if nth % 2:
            both.reverse()
        await asyncio.gather(*both, return_exceptions=True)
        assert (await houses[0].find_order(order.id)).state == "completed"
        assert (await houses[1].balance("alice")).available == before + 1_000


async def test_two_nodes_that_hear_at_once_that_a_refund_was_made_and_that_it_failed_take_nothing(houses):
    stays = Returned(ref="stays", minor=900)
    for nth in range(8):
        before = (await houses[0].balance("alice")).available
        order = await houses[0].buy("alice", "large", currency="KRW", provider="callback")
        await houses[0].hear_payment(told(order.id, f"p{nth}"))
        kept = replace(stays, ref=f"stays {nth}")
        made = Returned(ref=f"r{nth}", minor=3_300)
        states = [(made,), (replace(made, failed=True),), (kept, made), (kept, replace(made, failed=True))]
        heard = [
            house.hear_payment(told(order.id, f"r{nth} {many} {which}", kind="refunded", refunds=state))
            for which, house in enumerate(houses)
            for many, state in enumerate(states)
        ]
        if nth % 2:
            heard.reverse()
        for one in await asyncio.gather(*heard, return_exceptions=True):
            assert isinstance(one, Heard | Busy), "a node may be told to listen again, and nothing else"
        last = told(order.id, f"last {nth}", kind="refunded", refunds=states[-1])
        assert (await houses[0].hear_payment(last)).error is None
        after = await houses[1].find_order(order.id)
        assert (after.state, after.refunded_minor) == ("completed", 900)
        taken = clawed_by(1_000, 9_900, 900)
        assert (await houses[1].balance("alice")).available == before + 1_000 - taken


@pytest.mark.parametrize("cut", ["before", "at", "after"])
async def test_a_callback_while_the_database_is_cut_gives_once_and_is_told_again(durable: str, cut: Cut):
    async with Cutter(durable, cut, every=2) as wire:  # noqa: SIM117 -- the house needs its address
        async with Tokenhouse.open(wire.dsn, settings=SETTINGS) as house:
            await house.account("alice")
            await house.write_package(PACKAGE)
            placed = [
                await house.buy("alice", "large", currency="KRW", provider="callback") for _ in range(12)
            ]
            for one in placed[::2]:
                await house.fail_order("alice", one.id)
            wire.cutting = True

            async def heard(order: str) -> None:
                for again in range(20):
                    try:
                        await house.hear_payment(told(order, f"e-{order}"))
                        if again >= 1:
                            return
                    except (DatabaseTrouble, Busy):
                        continue

            for one in placed:
                await asyncio.gather(heard(one.id), heard(one.id))
            wire.cutting = False
            assert wire.cuts >= 4
            assert {(await house.find_order(one.id)).state for one in placed} == {"completed"}
            assert (await house.balance("alice")).available == 100_000 + 12_000
            events = await house.payment_events(rows_max=1_000)
            accepted = [one.event for one in events if one.verdict == "accepted"]
            assert sorted(accepted) == sorted(f"e-{one.id}" for one in placed)
            assert {one.verdict for one in events} <= {"accepted", "duplicate", "received"}
    await assert_sound(durable)
