"""Estimate: what may this request cost? The quote, by the account's plan and the rates of the day."""

from tokenhouse.errors import ModelRefused
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.rules.charges import Explanation, Tariff
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import Quote, quote, tariff_of
from tokenhouse.rules.usage import Usage, checked_usage


def price(desk: Desk, plan: Plan, model: str) -> Tariff:
    """Return how `plan` prices `model` today. Raises: ModelRefused where nobody knows what it costs."""
    checked_text(model, "model")
    found = tariff_of(plan, desk.catalog.rates, model, desk.now())
    if found is None:
        raise ModelRefused("rate_unknown", model=model, plan=plan.name, account="")
    return found


def estimate(desk: Desk, plan: Plan, model: str, asked: Usage, expected: Usage | None) -> Quote:
    """Return the quote of a request under a plan."""
    asked = checked_usage(asked)
    expected = checked_usage(expected, "expected") if expected is not None else None
    return quote(plan, price(desk, plan, model), model, asked, expected)


def explain(desk: Desk, plan: Plan, model: str, usage: Usage) -> Explanation:
    """Return how the charge of a usage comes about, line by line."""
    return price(desk, plan, model).explain(checked_usage(usage))
