"""A house that sells packages and a subscription, for the tests of the shop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tokenhouse import InvalidInput, Settings, Tokenhouse
from tokenhouse.flow.payments import Told
from tokenhouse.settings import Callback, Payments
from tokenhouse.store.orders import Order

UNIT = {"name": "point", "symbol": "P", "decimals": 0}
PLANS = (
    {"name": "plain", "unit": UNIT},
    {"name": "vip", "unit": UNIT, "rate": {"discount": 0.5, "minimum": 0}},
    {"name": "pro", "unit": UNIT, "allowance": [{"amount": 1_000, "every": "month"}]},
    {"name": "daily", "unit": UNIT, "allowance": [{"amount": 50, "every": "day"}]},
    {"name": "small", "unit": UNIT, "credit": {"maximum": 100}},
)
LARGE = {"name": "large", "credit": 1_000, "bonus": "0.1", "prices": {"KRW": 9_900, "USD": 799}}
PRO = {"name": "pro", "plan": "pro", "prices": {"KRW": 5_000}}
PAYMENTS = Payments(callback=Callback(secret="q8Zt1Lw5Xn3Vb7Mk2Jp9Hs4Gf6Dd0CaYe"))


@asynccontextmanager
async def open_shop(database: str, clock: Any) -> AsyncIterator[Tokenhouse]:
    """Open a house with plans, packages and alice; at the end its books must be in order."""
    settings = Settings(plan="points", payments=PAYMENTS)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as opened:
        for plan in PLANS:
            await opened.write_plan(plan)
        for package in (LARGE, PRO):
            await opened.write_package(package)
        await opened.account("alice", plan="plain")
        yield opened
        assert (await opened.verify()).clean


async def credit(house: Tokenhouse, ref: str = "alice") -> int:
    return (await house.balance(ref)).available


async def refused(work: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        await work
    return caught.value.reason


async def paid_for(house: Tokenhouse, one: Order, kind: str = "paid", **other: Any) -> tuple[str, str]:
    """Have the shop say something of an order; return what was made of it."""
    told = Told(
        provider="callback",
        event=house.desk.new_id(),
        kind=kind,
        digest=bytes(32),
        order=one.id,
        price_minor=one.price_minor,
        currency="KRW",
        **{"payments": (f"pay-{one.id}",)} | other,
    )
    heard = await house.hear_payment(told)
    return heard.verdict, heard.reason
