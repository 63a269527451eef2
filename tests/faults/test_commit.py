"""A connection that is cut around a commit: whether it happened is found out, never guessed."""

import asyncio
import random
from typing import Any

import pytest

from tests.faults.books import assert_sound, noted
from tests.faults.cutter import Cut, Cutter
from tests.faults.driver import piece
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = [pytest.mark.fault, pytest.mark.row("E2", "E12")]
KINDS = {"pair": "charge", "charge": "charge", "grant": "grant", "release": "release"}


def said_nothing(**_: Any) -> None:
    """Log nothing: here every caller hears the end of everything that it began."""


@pytest.mark.parametrize("cut", ["before", "at", "after"])
@pytest.mark.parametrize("callers", [1, 40])
async def test_cut_commit_is_neither_lost_nor_doubled(durable: str, cut: Cut, callers: int, round_: int):
    chance = random.Random(round_)
    async with Cutter(durable, cut, every=3) as wire:
        async with Tokenhouse.open(wire.dsn, settings=Settings(plan="points", lanes=2)) as house:
            for ref in ("alice", "bora", "chulsoo"):
                await house.account(ref)
            works = [
                {"key": f"{n}", "ref": chance.choice(["alice", "bora", "chulsoo"]), "figure": n % 9 + 1}
                | {"kind": chance.choice(list(KINDS))}
                for n in range(24 if callers == 1 else 600)
            ]
            for one in works:
                one["figure"] *= one["kind"] != "release"
            wire.cutting = True
            for begin in range(0, len(works), callers):
                await asyncio.gather(
                    *(piece(house, said_nothing, one) for one in works[begin : begin + callers])
                )
        assert wire.cuts >= 8
    await assert_sound(durable)
    assert await noted(durable) == {one["key"]: (KINDS[one["kind"]], one["figure"]) for one in works}


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_operations_without_a_key_are_resolved_by_their_own_ids(durable: str, cut: Cut, round_: int):
    async with Cutter(durable, cut, every=2) as wire:
        async with Tokenhouse.open(wire.dsn, settings=Settings(plan="points")) as house:
            await house.account("alice")
            wire.cutting = True
            granted = await house.grant("alice", 500)
            charged = await house.charge("alice", 700)
            refunded = await house.refund("alice", charged.id, 200)
            clawed = await house.claw_back("alice", granted.id, 500)
            adjusted = await house.adjust("alice", -50)
            await house.amend("alice", state="suspended")
            await house.amend("alice", state="active")
            reserved = await house.reserve("alice", 100)
            await house.release("alice", reserved.id)
            wire.cutting = False  # An order is no operation of the ledger: whoever asks for it asks again.
            order = await house.order("alice", 1_000)
            wire.cutting = True
            completed = await house.complete_order("alice", order.id)
            await house.refund_order("alice", order.id)
            assert [one.amount for one in (charged, refunded, clawed, adjusted, completed)] == [
                700,
                200,
                500,
                -50,
                1_000,
            ]
            assert (await house.balance("alice")).remaining == 100_000 + 500 - 700 + 200 - 500 - 50
            kinds = [entry.kind for entry in reversed(await house.history("alice", rows_max=100))]
        assert wire.cuts >= 4
    assert kinds == [
        *("open", "signup", "grant", "charge", "refund", "claw_back", "adjust", "amend", "amend"),
        *("release", "grant", "claw_back"),
    ]
    await assert_sound(durable)
