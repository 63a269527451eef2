"""A call, from its estimate to its charge: what is set aside, capped, charged and said."""

from typing import Any

import msgspec
import pytest

from tokenhouse import InsufficientCredit, LimitReached, ModelRefused, Tokenhouse
from tokenhouse.errors import AccountClosed
from tokenhouse.flow import call as flow_call
from tokenhouse.flow.call import COUNTED_AT_ONCE, Needs
from tokenhouse.providers import tokens
from tokenhouse.providers.base import Measured
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.tokens import Counted
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

PREPAID = {"name": "prepaid", "signup": {"amount": 1_000}}
SAID = Measured(usage=Usage(input=9, output=25), finished=True)


def needs(body: bytes = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}') -> Needs:
    return Needs.of(DIALECTS["openai-chat"].read(body))


def wants(tokens: int, output: int | None, choices: int = 1) -> Needs:
    return Needs(
        model="gpt-4o", bound=tokens * 4, count=lambda: Counted(tokens), output=output, choices=choices
    )


@pytest.fixture
async def house(database: str, clock: Any, tmp_path):
    async with Tokenhouse.open(database, settings=Settings(home=tmp_path), clock=clock) as opened:
        await opened.write_plan(PREPAID)
        await opened.account("a", plan="prepaid")
        yield opened


@pytest.mark.row("E1", "E6")
async def test_the_worst_case_is_set_aside_and_what_was_used_is_charged(house: Tokenhouse):
    call = await house.begin("a", wants(100, 400))
    assert call.reservation.held == 500
    assert call.cap is None
    receipt = await call.settle(SAID)
    assert receipt is not None
    assert (receipt.amount, receipt.balance.available, receipt.balance.held) == (34, 966, 0)
    entry = (await house.history("a"))[0]
    assert (entry.source, entry.usage, entry.facts) == (
        "provider",
        {"input": 9, "output": 25},
        {"reserved": 500},
    )


@pytest.mark.row("E6")
async def test_the_output_is_capped_at_what_the_account_can_pay_and_the_entry_says_so(house: Tokenhouse):
    call = await house.begin("a", wants(100, 4_000, choices=2))
    assert call.cap == 450
    await call.settle(SAID)
    assert (await house.history("a"))[0].facts == {"cap": 450, "reserved": 1_000}
    with pytest.raises(InsufficientCredit):
        await house.begin("a", wants(966 - 15, 4_000))


async def test_a_caller_who_names_no_cap_gets_the_plans(house: Tokenhouse):
    await house.write_plan({**PREPAID, "call": {"output": 200}})
    call = await house.begin("a", needs())
    assert call.cap == 200
    assert call.reservation.held == 208
    await call.release()
    assert (await house.balance("a")).available == 1_000


@pytest.mark.row("D8")
@pytest.mark.parametrize("text", ["", "hello there"])
async def test_without_the_providers_usage_what_was_relayed_is_counted(house: Tokenhouse, text: str):
    call = await house.begin("a", needs())
    await call.settle(Measured(text=text), "disconnect")
    entry = (await house.history("a"))[0]
    assert entry.source == "estimated"
    assert entry.usage == ({"input": 8, "output": 2} if text else {"input": 8})
    assert entry.facts["ended"] == "disconnect"
    assert entry.facts["on_disconnect"] == "charge-delivered"


async def test_an_answer_of_which_nothing_came_is_free_where_its_provider_failed(house: Tokenhouse):
    for ended in ("error", "cut"):
        call = await house.begin("a", needs())
        await call.settle(Measured(), ended)
    assert (await house.balance("a")).used == 0
    assert {entry.kind for entry in (await house.history("a"))[:2]} == {"release"}


async def test_free_if_nothing_is_free_only_where_nothing_came(house: Tokenhouse):
    await house.write_plan({**PREPAID, "call": {"on_disconnect": "free-if-nothing"}})
    for text, used in (("", 0), ("hello", 9)):
        call = await house.begin("a", needs())
        await call.settle(Measured(text=text), "disconnect")
        assert (await house.balance("a")).used == used


@pytest.mark.row("E3")
async def test_a_long_prompt_is_counted_only_near_the_end(house: Tokenhouse):
    counts = []

    def count() -> Counted:
        counts.append(1)
        return Counted(500)

    long = Needs(model="gpt-4o", bound=COUNTED_AT_ONCE + 1, count=count, output=16)
    call = await house.begin("a", long)
    assert (len(counts), call.reservation.held) == (1, 516)
    await call.release()
    await house.grant("a", COUNTED_AT_ONCE * 100)
    await (await house.begin("a", wants(1, 1))).release()
    call = await house.begin("a", long)
    assert (len(counts), call.reservation.held) == (1, COUNTED_AT_ONCE + 17)
    await call.settle(Measured(text="yes"), "disconnect")
    assert (await house.history("a"))[0].usage == {"input": 500, "output": 1}


@pytest.mark.row("E3")
async def test_terms_that_another_process_has_changed_count_at_once(
    house: Tokenhouse, database: str, clock: Any
):
    await (await house.begin("a", wants(100, 100))).release()
    async with Tokenhouse.open(database, clock=clock) as other:
        await other.write_plan({**PREPAID, "name": "double", "rate": {"multiplier": 2}})
        await other.amend("a", plan="double")
    call = await house.begin("a", wants(100, 100))
    assert (call.plan.name, call.reservation.held) == ("double", 400)
    receipt = await call.settle(SAID)
    assert receipt is not None
    assert receipt.amount == 68
    async with Tokenhouse.open(database, clock=clock) as other:
        await other.amend("a", plan="prepaid")
    assert (await house.begin("a", wants(400, 500))).reservation.held == 900


async def test_each_no_is_the_rules_own(house: Tokenhouse):
    await house.write_plan(
        {"name": "money", "rate": {"by": "rates"}, "signup": {"amount": 5}, "models": {"allow": ["known*"]}}
    )
    await house.account("m", plan="money")
    with pytest.raises(ModelRefused):
        await house.begin("m", wants(1, 1))
    await house.amend("a", state="suspended")
    with pytest.raises(AccountClosed):
        await house.begin("a", wants(1, 1))


async def test_a_suspended_account_hears_that_before_anything_of_the_model(house: Tokenhouse):
    await house.write_plan({"name": "priced", "rate": {"by": "rates"}, "signup": {"amount": 100}})
    await house.account("b", plan="priced")
    with pytest.raises(ModelRefused):
        await house.begin("b", wants(10, 10))
    await house.amend("b", state="suspended")
    with pytest.raises(AccountClosed):
        await house.begin("b", wants(10, 10))


async def test_a_block_is_charged_what_it_records_its_input_or_nothing(house: Tokenhouse):
    async with house.call("a", needs()) as call:
        call.record(Usage(input=5))
        call.record(Usage(input=3, output=2))
    async with house.call("a", needs()):
        pass
    with pytest.raises(ZeroDivisionError):
        async with house.call("a", needs()):
            raise ZeroDivisionError
    assert [entry.charge for entry in await house.history("a")][:3] == [0, 8, 10]
    assert (await house.verify()).findings == ()


@pytest.mark.parametrize("word", [" word", " 안녕하세요", "\U0001f9ff", "Q"])
async def test_a_stream_s_end_is_known_to_the_token_and_never_overlooked(house: Tokenhouse, word: str):
    await house.write_plan({**PREPAID, "reserve": {"cap_output": False}})
    call = await house.begin("a", wants(100, 300))
    count = tokens.vocabulary("gpt-4o").count
    text = ""
    while (left := await call.bytes_left(text)) >= 0:
        assert count(text) <= 900
        grown = text + word * max(left // len(word.encode()), 1)
        assert len(grown.encode()) - len(text.encode()) > left or count(grown) <= 900
        text = grown
    assert 900 < count(text) <= 900 + count(word)


@pytest.mark.row("E3", "E8")
async def test_a_limit_of_tokens_refuses_by_the_count_and_never_by_a_bound(house: Tokenhouse):
    rich = {"name": "rich", "signup": {"amount": 10**12}, "call": {"output": 16}}
    limit = {"what": "tokens", "amount": 20_000, "every": "minute"}
    await house.write_plan({**rich, "limit": [limit]})
    await house.account("b", plan="rich")
    prompt = "word " * 15_000
    body = msgspec.json.encode({"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]})
    assert len(body) > COUNTED_AT_ONCE
    call = await house.begin("b", needs(body))
    await call.release()
    await house.write_plan({**rich, "limit": [{**limit, "amount": 10_000}]})
    with pytest.raises(LimitReached) as no:
        await house.begin("b", needs(body))
    assert no.value.facts["short_by"] < 10_000


@pytest.mark.row("E8")
async def test_a_limit_of_requests_refuses_whatever_the_call_costs(house: Tokenhouse):
    limit = {"what": "requests", "amount": 1, "every": "minute"}
    await house.write_plan({"name": "seldom", "signup": {"amount": 10**6}, "limit": [limit]})
    await house.account("b", plan="seldom")
    await (await house.begin("b", wants(100, 400))).settle(SAID)
    with pytest.raises(LimitReached) as no:
        await house.begin("b", wants(1, 1))
    assert (no.value.facts["limit"], no.value.facts["short_by"]) == ("requests/minute", 1)


@pytest.mark.row("E1", "E4")
async def test_what_is_set_aside_is_the_dearest_that_the_call_can_come_to(house: Tokenhouse):
    await house.write_plan({"name": "priced", "rate": {"by": "rates"}, "signup": {"amount": 100_000}})
    prices = {"input": 2, "output": 3, "reasoning": 5, "cache_write": 4, "cache_write_1h": 8, "per": 1}
    await house.write_rate({"model": "thinker", **prices})
    await house.account("p", plan="priced")
    for dialect, cached, dearest in (
        ("anthropic-messages", "", 2),
        ("anthropic-messages", ',"cache_control":{"type":"ephemeral"}', 4),
        ("anthropic-messages", ',"cache_control":{"type":"ephemeral","ttl":"1h"}', 8),
        ("openai-chat", "", 4),
    ):
        said = f'{{"role":"user","content":[{{"type":"text","text":"hi"{cached}}}]}}'
        body = f'{{"model":"thinker","max_tokens":100,"messages":[{said}]}}'
        wanted = Needs.of(DIALECTS[dialect].read(body.encode()))
        call = await house.begin("p", wanted)
        assert call.reservation.held == wanted.count().tokens * dearest + 100 * 5
        await call.release()


async def test_several_answers_are_each_worth_having_or_refused(house: Tokenhouse):
    call = await house.begin("a", wants(1_000 - 16 * 4, 100, choices=4))
    assert call.cap == 16
    await call.release()
    with pytest.raises(InsufficientCredit):
        await house.begin("a", wants(1_000 - 16 * 4 + 1, 100, choices=4))


@pytest.mark.row("E4")
async def test_an_answer_in_sound_is_set_aside_as_sound(house: Tokenhouse):
    await house.write_plan({"name": "priced", "rate": {"by": "rates"}, "signup": {"amount": 100_000}})
    await house.write_rate({"model": "singer", "input": 1, "output": 2, "audio_output": 50, "per": 1})
    await house.account("p", plan="priced")
    for modalities, dearest in (
        ("", 2),
        (',"modalities":["text"]', 2),
        (',"modalities":["text","audio"]', 50),
    ):
        body = f'{{"model":"singer","max_tokens":100,"messages":[]{modalities}}}'
        wanted = Needs.of(DIALECTS["openai-chat"].read(body.encode()))
        call = await house.begin("p", wanted)
        assert call.reservation.held == wanted.count().tokens + 100 * dearest
        await call.release()


async def test_a_call_knows_where_its_account_stands(house: Tokenhouse):
    call = await house.begin("a", wants(100, 400))
    assert (call.balance.available, call.balance.held, call.balance.remaining) == (500, 500, 1_000)


@pytest.mark.row("E2")
async def test_an_entry_keeps_what_an_auditor_should_know(house: Tokenhouse):
    call = await house.begin("a", wants(100, 400))
    await call.settle(
        Measured(usage=Usage(input=9), model="gpt-4o-2024-08-06", marks=("total_larger",), finished=True)
    )
    (entry,) = await house.history("a", kinds=("charge",))
    assert entry.facts == {"reserved": 500, "marks": ["total_larger"], "answered": "gpt-4o-2024-08-06"}
    assert entry.model == "gpt-4o"


@pytest.mark.row("D8")
async def test_an_answer_that_broke_off_after_its_input_is_charged_that_and_what_came(house: Tokenhouse):
    call = await house.begin("a", needs())
    await call.settle(
        Measured(usage_input=Usage(input=3, cached_input=40), text="hello there", bytes_unread=7), "cut"
    )
    (entry,) = await house.history("a", kinds=("charge",))
    assert (entry.source, entry.facts["ended"]) == ("estimated", "cut")
    assert entry.usage == {"input": 3, "cached_input": 40, "output": 2 + 4}
    assert entry.charge == 49


@pytest.mark.row("E4")
async def test_models_that_ran_within_one_call_are_charged_at_their_own_prices(house: Tokenhouse):
    await house.write_plan({"name": "priced", "rate": {"by": "rates"}, "signup": {"amount": 100_000}})
    for model, price in (("large", 10), ("small", 1)):
        await house.write_rate({"model": model, "input": price, "output": price, "per": 1})
    await house.account("p", plan="priced")
    for second, charged in (("small", 1_005), ("unheard-of", 1_050)):
        call = await house.begin("p", Needs(model="large", bound=100, count=lambda: Counted(100), output=100))
        parts = (("large", Usage(input=90, output=10)), (second, Usage(output=5)))
        receipt = await call.settle(
            Measured(usage=Usage(input=90, output=15), parts=parts, marks=("iterations",), finished=True)
        )
        assert receipt is not None
        assert receipt.amount == charged


@pytest.mark.row("E3")
@pytest.mark.parametrize("seen", [True, False])
async def test_a_no_by_terms_that_are_no_longer_so_is_none(
    house: Tokenhouse, database: str, clock: Any, seen: bool
):
    for name, multiplier in (("dear", 100), ("cheap", 1)):
        plan = {**PREPAID, "name": name, "rate": {"multiplier": multiplier}, "reserve": {"cap_output": False}}
        await house.write_plan(plan)
    await house.amend("a", plan="dear")
    if seen:
        with pytest.raises(InsufficientCredit):
            await house.begin("a", wants(10, 10))
    async with Tokenhouse.open(database, clock=clock) as other:
        await other.amend("a", plan="cheap")
    assert (await house.begin("a", wants(10, 10))).reservation.held == 20


@pytest.mark.parametrize("modalities", [5, True, "audio", {"audio": 1}, None, [5]])
def test_modalities_of_another_shape_are_the_providers_affair(modalities: object):
    body = msgspec.json.encode({"model": "m", "messages": [], "modalities": modalities})
    assert Needs.of(DIALECTS["openai-chat"].read(body)).writes == ("output", "reasoning")


@pytest.mark.row("E3")
async def test_a_model_that_has_a_price_by_now_is_not_refused(house: Tokenhouse, database: str, clock: Any):
    await house.write_plan({"name": "priced", "rate": {"by": "rates"}, "signup": {"amount": 100_000}})
    await house.account("p", plan="priced")
    with pytest.raises(ModelRefused):
        await house.begin("p", wants(10, 10))
    async with Tokenhouse.open(database, clock=clock) as other:
        await other.write_rate({"model": "gpt-4o", "input": 2, "output": 3, "per": 1})
    assert (await house.begin("p", wants(10, 10))).reservation.held == 50


async def test_what_is_remembered_of_accounts_is_bounded(house: Tokenhouse, monkeypatch):
    monkeypatch.setattr(flow_call, "ADDRESSES_MAX", 2)
    for ref in ("a", "b", "c"):
        await house.account(ref, plan="prepaid")
        await (await house.begin(ref, wants(1, 1))).release()
        assert len(house.desk.terms) <= 2
    assert (await house.begin("a", wants(10, 10))).reservation.held == 20


async def test_a_long_answer_is_counted_whole(house: Tokenhouse):
    call = await house.begin("a", needs())
    await call.settle(Measured(text="hello " * COUNTED_AT_ONCE), "disconnect")
    (entry,) = await house.history("a", kinds=("charge",))
    assert entry.usage is not None
    assert abs(entry.usage["output"] - COUNTED_AT_ONCE) <= 2


@pytest.mark.row("E3")
async def test_a_long_prompt_is_counted_before_it_is_refused(house: Tokenhouse, database: str, clock: Any):
    long = Needs(model="gpt-4o", bound=COUNTED_AT_ONCE + 1, count=lambda: Counted(500), output=16)
    await house.grant("a", COUNTED_AT_ONCE * 100)
    await (await house.begin("a", wants(1, 1))).release()
    async with Tokenhouse.open(database, clock=clock) as other:
        await other.charge("a", COUNTED_AT_ONCE * 100)
    assert (await house.begin("a", long)).reservation.held == 516
    with pytest.raises(InsufficientCredit):
        await house.begin("a", long)
