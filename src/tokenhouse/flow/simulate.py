"""Simulate: a trace under a plan, through the rules alone: who is blocked, when, by what, at what cost."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.progress import Progress, unheard
from tokenhouse.flow.tally import Tally
from tokenhouse.flow.traces import Gift, Request, Trace
from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.charges import Tariff, tariff
from tokenhouse.rules.operations import Done, Grant, Refusal, Reserve, Settle
from tokenhouse.rules.periods import AT_MAX, FOREVER, Instant, instant
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import Quote, quote, tariff_of, within
from tokenhouse.rules.rates import RateTable
from tokenhouse.rules.usage import Usage
from tokenhouse.rules.verdict import Member

START_AT: Final = datetime(2026, 10, 25, tzinfo=UTC)
"""Where a trace without dates begins: a week before a month ends, so that two weeks cross it."""
OUTPUT_CAP: Final = 4_096
"""Output tokens that a request asks for at most: traces do not say it, and clients often send this."""
COST_UNIT: Final = Unit(name="dollar", symbol="$", decimals=9)
"""Costs are counted in nano-dollars."""
NO_RATES: Final = RateTable()
CALL: Final = "0" * 32
"""The id of every simulated call: only one is open at a time."""
TELLS_EVERY: Final = 1_000
"""After how many requests a simulation says how far it is."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What a trace does not say: when it begins, what accounts had bought, what requests asked for, prices.

    A request asks for `output_cap` tokens of output, or for as many as it got where that is more.
    """

    start_at: datetime | None = None
    """When the first request comes; None: when the trace says, or `START_AT` where it says none."""
    grant: int = 0
    """Bought credit of every account at the start."""
    output_cap: int = OUTPUT_CAP
    rates: RateTable | None = None

    def shift(self, trace: Trace) -> int:
        """Return what to add to the trace's times, in microseconds.

        Raises: InvalidInput `instant_out_of_range` where that leaves the calendar.
        """
        first, last = trace.requests[0].at, trace.requests[-1].at
        if self.start_at is not None:
            shift = instant(self.start_at, "start") - first
        else:
            shift = instant(START_AT) if trace.relative else 0
        if last + shift >= AT_MAX:
            raise InvalidInput("instant_out_of_range", field="start", value=str(self.start_at))
        return shift


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model's usage is charged to the account, and what it costs whoever pays the provider."""

    plan: Plan
    rates: RateTable | None

    def of(self, model: str, at: Instant) -> Tariff | None:
        """Return how the plan prices `model`; None where nobody knows what it costs."""
        return tariff_of(self.plan, self.rates or NO_RATES, model, at)

    def cost(self, model: str, at: Instant, usage: Usage) -> int:
        """Return what the provider takes, in nano-dollars; 0 where no rate in dollars is known."""
        rate = (self.rates or NO_RATES).find(model, at)
        if rate is None or rate.prices.unit != COST_UNIT.name:
            return 0
        return tariff(rate, COST_UNIT).charge(usage)


def simulate(trace: Trace, plan: Plan, given: Assumptions, progress: Progress = unheard) -> Tally:
    """Return what becomes of `trace` when all its accounts are under `plan`.

    Each request is quoted, reserved and settled at its own instant by the very rules that the house runs on.
    All accounts are opened when the trace begins; credit that came meanwhile comes at its time. `progress`
    hears of every so many more requests.
    """
    prices, tally, shift = Prices(plan, given.rates), Tally(plan), given.shift(trace)
    balances: dict[str, Balance] = {}
    for name in trace.accounts:
        balances[name] = _opened(len(balances) + 1, plan, given.grant, trace.requests[0].at + shift)
        tally.opened(name, balances[name])
    price_of = prices.of if plan.rate.by == "rates" else _always(prices.of("", 0))
    gifts = deque(trace.gifts)
    for nth, request in enumerate(trace.requests, 1):
        while gifts and gifts[0].at <= request.at:
            _given(balances, plan, gifts.popleft(), shift)
        balance = balances[request.account]
        balances[request.account] = _call(
            balance, request, request.at + shift, price_of, prices, tally, given
        )
        if nth % TELLS_EVERY == 0:
            progress(TELLS_EVERY)
    progress(len(trace.requests) % TELLS_EVERY)
    return tally


def asked(usage: Usage, output_cap: int) -> Usage:
    """Return what a request asked for: its input, and the output at its cap."""
    return Usage(usage.input, usage.cached_input, 0, 0, max(output_cap, usage.output + usage.reasoning))


def delivered(plan: Plan, price: Tariff, offer: Quote, used: Usage, held: int) -> Usage:
    """Return what a call uses that got `held` of its quote: its output ends where a cap would end it."""
    if held >= offer.amount or not plan.reserve.cap_output:
        return used
    return within(price, used, held)


def law_of(refusal: Refusal) -> str:
    """Return the law that said no: the limit by its name, any other by its code."""
    return refusal.limit or refusal.code


def _opened(number: int, plan: Plan, grant: int, at: Instant) -> Balance:
    """Return the balance of a new account with what it has bought."""
    balance, _ = opened(number, plan, at)
    if not grant:
        return balance
    bought = Grant(id=CALL, amount=grant, source="purchase")
    [balance], _, outcome = apply([Member(balance, plan)], bought, at)
    if isinstance(outcome, Refusal):
        raise InvalidInput(
            "credit_maximum",
            field="grant",
            value=grant,
            amount=outcome.amount,
            unit=plan.unit.name,
            short_by=outcome.short_by,
        )
    return balance


def _given(balances: dict[str, Balance], plan: Plan, gift: Gift, shift: int) -> None:
    """Have credit come to an account, if it ever calls: it was paid for or promised, whatever a plan says."""
    balance = balances.get(gift.account)
    if balance is None:
        return
    end = gift.expires_at if gift.expires_at >= FOREVER else gift.expires_at + shift
    grant = Grant(id=CALL, amount=gift.amount, source=gift.source, expires_at=end, paid=True)
    [balances[gift.account]], _, _ = apply([Member(balance, plan)], grant, gift.at + shift)


def _always(price: Tariff | None) -> Callable[[str, Instant], Tariff | None]:
    """Return what gives one price for every model: plans that count tokens."""
    return lambda _model, _at: price


def _call(
    balance: Balance,
    request: Request,
    now: Instant,
    price_of: Callable[[str, Instant], Tariff | None],
    prices: Prices,
    tally: Tally,
    given: Assumptions,
) -> Balance:
    """Carry out one request, count it, and return its account's balance after it."""
    plan, model, used = prices.plan, request.model, request.usage
    price = price_of(model, now)
    if price is None:
        tally.refused(request, now, "model_refused")
        return balance
    offer = quote(plan, price, model, asked(used, given.output_cap), used)
    reserve = Reserve(
        id=CALL,
        amount=offer.amount,
        least=offer.least,
        tokens=offer.tokens,
        model=model,
        lapse_charge=offer.input_charge,
    )
    [balance], _, outcome = apply([Member(balance, plan)], reserve, now)
    if not isinstance(outcome, Done):
        assert isinstance(outcome, Refusal)  # noqa: S101 -- the only other answer to a reserve
        tally.refused(request, now, law_of(outcome))
        return balance
    used = delivered(plan, price, offer, used, outcome.amount)
    charge = price.charge(used)
    settle = Settle(id=CALL, charge=charge, tokens=used.total, model=model, usage=used, rate=offer.rate)
    [balance], _, _ = apply([Member(balance, plan)], settle, now)
    cost = prices.cost(model, now, used) if prices.rates is not None else 0
    tally.allowed(request, now, used, charge, cost, balance)
    return balance
