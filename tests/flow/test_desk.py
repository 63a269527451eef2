"""The desk: what a process remembers of accounts is bounded; what a no says to its caller."""

from datetime import UTC, datetime

import pytest

from tokenhouse import InsufficientCredit, InvalidInput, LimitReached, Settings, Tokenhouse
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


@pytest.mark.row("E7", "E8")
async def test_a_full_limit_of_an_account_above_says_whose_it_is_and_until_when(database, clock):
    settings = Settings(purchase_url="https://example.com/buy")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        limits = [
            {"what": "requests", "amount": 1, "every": "day"},
            {"what": "credit", "amount": 50, "every": "hour"},
        ]
        for name, limit in zip(("calls", "credit"), limits, strict=True):
            await house.write_plan({"name": name, "signup": {"amount": 100}, "limit": [limit]})
            await house.account(name, plan=name)
            await house.account(f"{name} user", parent=name)
        await house.charge("calls user", 10)
        with pytest.raises(LimitReached) as calls:
            await house.charge("calls user", 1)
        with pytest.raises(LimitReached) as credit:
            await house.charge("credit user", 51)
    assert (calls.value.facts["account"], calls.value.facts["limit"]) == ("calls", "requests/day")
    assert calls.value.facts["resets_at"] == datetime(2026, 11, 22, tzinfo=UTC)
    assert (credit.value.facts["account"], credit.value.facts["limit"]) == ("credit", "credit/hour")
    assert ("unit" in calls.value.facts, credit.value.facts["unit"]) == (False, "token")
    assert "example.com" not in calls.value.message() + credit.value.message()


async def test_a_no_for_want_of_credit_says_how_much_and_where_to_buy(database, clock):
    settings = Settings(purchase_url="https://example.com/buy")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.write_plan({"name": "prepaid", "signup": {"amount": 100}})
        await house.account("a", plan="prepaid")
        with pytest.raises(InsufficientCredit) as no:
            await house.charge("a", 130)
        assert no.value.facts["purchase_url"] == "https://example.com/buy"
        for locale in ("en", "ko"):
            assert "30" in no.value.message(locale)
            assert "100" in no.value.message(locale)


async def test_a_no_about_the_value_itself_is_no_refusal_that_waiting_lifts(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan({"name": "small", "credit": {"maximum": 1_000}})
        await house.account("a", plan="small")
        given = await house.grant("a", 900)
        for no_such, reason in (
            (house.grant("a", 101), "credit_maximum"),
            (house.claw_back("a", given.id, 901), "more_than_given"),
        ):
            with pytest.raises(InvalidInput) as no:
                await no_such
            assert (no.value.reason, no.value.facts["short_by"]) == (reason, 1)
        assert (await house.balance("a")).available == 900


async def test_a_refusal_of_an_account_that_was_forgotten_meanwhile_is_counted_all_the_same(database, clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("alice")
        with pytest.raises(InsufficientCredit) as no:
            await house.charge("alice", 10**9)
        house.desk.addresses.clear()
        house.desk.refused("alice", no.value)
        assert house.desk.counts.refusals["insufficient_credit"] == 2
        assert (await house.lately()).refused == 2
