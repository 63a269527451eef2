"""Calls in an application's own hands: the request as it goes to the provider, and a block around it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tokenhouse import InvalidInput, Tokenhouse, Usage
from tokenhouse.settings import Settings

ASKS = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def house(database: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(home=tmp_path), clock=clock) as opened:
        await opened.write_plan({"name": "prepaid", "signup": {"amount": 1_000}})
        await opened.account("a", plan="prepaid")
        yield opened


@pytest.mark.row("E1", "E6")
@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("openai-chat", ASKS),
        ("anthropic-messages", {**ASKS, "max_tokens": 4_000}),
        ("openai-completions", {"model": "gpt-4o", "prompt": "hi", "max_tokens": 4_000}),
    ],
)
async def test_a_request_is_read_in_its_own_wire_format(house: Tokenhouse, dialect: str, request_: Any):
    async with house.call("a", request_, dialect=dialect) as call:
        assert call.cap is not None
        assert 900 < call.cap < 1_000
        assert (await house.balance("a")).held == 1_000
        call.record(Usage(input=8, output=2))
    assert (await house.balance("a")).available == 990


async def test_a_block_that_asks_its_provider_twice_is_charged_both(house: Tokenhouse):
    async with house.call("a", ASKS) as call:
        call.record(Usage(input=8, output=2))
        call.record(Usage(input=10, cached_input=5))
        call.record(text="of which the usage is known")
    (entry, *_) = await house.history("a")
    assert (entry.usage, entry.charge) == ({"input": 18, "cached_input": 5, "output": 2}, 25)
    async with house.call("a", ASKS) as call:
        call.record(text="hello ")
        call.record(text="there")
    assert (await house.history("a"))[0].usage == {"input": 8, "output": 2}


@pytest.mark.row("E2")
async def test_a_block_that_fails_after_it_recorded_is_charged_what_it_recorded(house: Tokenhouse):
    async def failing() -> None:
        async with house.call("a", ASKS) as call:
            call.record(text="hello there")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    (entry, *_) = await house.history("a")
    assert (entry.charge, entry.source, entry.facts["ended"]) == (10, "estimated", "error")
    assert (await house.balance("a")).held == 0


@pytest.mark.parametrize(
    ("request_", "dialect", "reason", "field"),
    [
        (ASKS, "telex", "choice_unknown", "dialect"),
        (["hi"], "openai-chat", "table_wanted", "request"),
        ({"model": {1, 2}, "messages": object()}, "openai-chat", "value_unstorable", "request"),
        ({**ASKS, "user": "\ud800"}, "openai-chat", "value_unstorable", "request"),
        ({"messages": []}, "openai-chat", None, "model"),
    ],
)
async def test_a_request_that_cannot_be_read_is_told_by_field(house, request_, dialect, reason, field):
    with pytest.raises(InvalidInput) as no:
        async with house.call("a", request_, dialect=dialect):
            pass
    assert reason in (None, no.value.reason)
    assert no.value.facts["field"] == field
    assert (await house.balance("a")).held == 0


@pytest.mark.row("E6")
async def test_an_account_may_call_what_every_plan_above_it_allows_and_prices(house: Tokenhouse):
    await house.write_plan(
        {"name": "company", "rate": {"by": "rates"}, "models": {"allow": ["small*", "large"]}}
    )
    await house.write_plan({"name": "user", "models": {"allow": ["small*", "other"]}})
    for model in ("small-1", "other"):
        await house.write_rate({"model": model, "input": 1, "output": 1, "per": 1})
    await house.account("acme", plan="company")
    await house.account("kim", parent="acme", plan="user")
    every = ["large", "other", "small-1", "small-2"]
    assert await house.callable_models("kim", every) == ["small-1"]
    assert await house.callable_models("acme", every) == ["small-1"]
    assert await house.callable_models("a", every) == every
