"""The desk: what a process remembers of accounts is bounded, and forgetting it costs nobody anything."""

from tokenhouse import Tokenhouse
from tokenhouse.flow import desk


async def test_addresses_are_bounded_and_a_forgotten_account_is_found_again(database, clock, monkeypatch):
    monkeypatch.setattr(desk, "ADDRESSES_MAX", 2)
    async with Tokenhouse.open(database, clock=clock) as house:
        for ref in ("a", "b", "c"):
            await house.account(ref)
            await house.charge(ref, 10)
        assert set(house.desk.addresses) == {"c"}
        assert [(await house.balance(ref)).used for ref in ("a", "b", "c")] == [10, 10, 10]
        assert len(house.desk.addresses) <= 2
