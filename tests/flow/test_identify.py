"""Accounts: how deep a tree may be, and what is said of one whose rows are gone."""

import pytest

from tests.flow.breaks import damage, gone
from tokenhouse import InvalidInput, NotFound, Tokenhouse
from tokenhouse.flow.identify import DEPTH_MAX


@pytest.mark.row("E8")
async def test_a_tree_is_as_deep_as_one_call_can_lock_and_no_deeper(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        parent = None
        for depth in range(DEPTH_MAX):
            await house.account(f"a{depth}", parent=parent)
            parent = f"a{depth}"
        assert (await house.reserve(parent, 5)).held == 5
        with pytest.raises(InvalidInput) as no:
            await house.account("below", parent=parent)
        assert no.value.reason == "tree_too_deep"
        assert f"{DEPTH_MAX}" in no.value.message()
        assert await house.children(parent) == []


@pytest.mark.parametrize("look", ["describe", "account"])
async def test_a_name_that_leads_to_no_account_is_told_and_not_made_anew(database, clock, look):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.account("a")
        await damage(database, gone("accounts", "ref = 'a'"))
        with pytest.raises(NotFound) as no:
            await getattr(house, look)("a")
        assert no.value.facts["account"] == "a"
        assert {one.figure for one in (await house.verify()).findings} >= {"account"}
