"""Plain terms: what a plan says, in sentences that a person reads before they publish or buy it."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, get_args

import msgspec

from tokenhouse.messages import say
from tokenhouse.rules.amounts import called, named
from tokenhouse.rules.plans import POINTS, SOONEST_EXPIRY, Allowance, Limit, Plan

Topic = Literal["credit", "spend", "price", "stop", "limits", "models", "call", "notify"]
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of a plan, and what it is about."""

    topic: Topic
    text: str


def plain_terms(plan: Plan, locale: str) -> list[Term]:
    """Return everything that a plan says, in sentences, in the order in which a person asks for it."""
    told = {
        "credit": _credit(plan, locale),
        "spend": _spend(plan, locale),
        "price": _price(plan, locale),
        "stop": _stop(plan, locale),
        "limits": (_limit(one, plan, locale) for one in plan.limit),
        "models": _models(plan, locale),
        "call": _call(plan, locale),
        "notify": _notify(plan, locale),
    }
    return [Term(topic=topic, text=text) for topic in TOPICS for text in told[topic]]


def _credit(plan: Plan, locale: str) -> Iterator[str]:
    if plan.signup.amount:
        yield say("terms.signup", locale, amount=named(plan.signup.amount, plan.unit, locale))
    for one in plan.allowance:
        facts = {
            "amount": named(one.amount, plan.unit, locale),
            "every": say(f"terms.every_{one.every}", locale),
            "begins": say(f"terms.{one.anchor}", locale, zone=one.time_zone or plan.zone),
            "rest": "" if one.every == "forever" else _rest(one, plan, locale),
        }
        once = one.every == "forever"
        yield say("terms.allowance_once" if once else "terms.allowance", locale, **facts).strip()
    if not plan.allowance and not plan.signup.amount:
        yield say("terms.nothing_given", locale)
    if plan.credit.maximum is not None:
        yield say("terms.maximum", locale, amount=named(plan.credit.maximum, plan.unit, locale))


def _rest(one: Allowance, plan: Plan, locale: str) -> str:
    """Return what becomes of what is left when a period ends."""
    if not one.rollover:
        return say("terms.rest_ends", locale)
    if isinstance(one.rollover, Decimal):
        return say("terms.rest_share", locale, share=_percent(one.rollover))
    return say("terms.rest_kept", locale, amount=named(one.rollover, plan.unit, locale))


def _spend(plan: Plan, locale: str) -> Iterator[str]:
    if plan.spend.order == SOONEST_EXPIRY:
        yield say("terms.soonest", locale)
    else:
        names = [_source(one, locale) for one in plan.spend.order]
        yield say("terms.order", locale, sources=say("terms.then", locale).join(names))


def _source(name: str, locale: str) -> str:
    """Return how people call where credit came from; a name of the deployment's own stays as it is."""
    try:
        return say(f"terms.source_{name}", locale)
    except KeyError:
        return name


def _price(plan: Plan, locale: str) -> Iterator[str]:
    factor = _number(plan.multiplier)
    if plan.rate.by == "tokens":
        whole = 10**plan.unit.decimals
        unit = called(whole if plan.multiplier == 1 else 0, plan.unit, locale)
        yield say("terms.by_tokens", locale, factor=factor, unit=unit)
    elif plan.multiplier == 1:
        yield say("terms.by_rates", locale)
    else:
        yield say("terms.by_rates_times", locale, factor=factor)
    if plan.rate.discount:
        yield say("terms.discount", locale, share=_percent(plan.rate.discount))
    if plan.rate.minimum:
        yield say("terms.minimum", locale, amount=named(plan.rate.minimum, plan.unit, locale))


def _stop(plan: Plan, locale: str) -> Iterator[str]:
    shares = {name: _percent(getattr(plan.stop, name)) for name in ("buy", "warn", "critical", "block")}
    yield say("terms.stop", locale, **shares)
    yield say("terms.refused", locale, status=plan.stop.status, code=plan.stop.code)
    yield say(f"terms.debt_{plan.stop.debt}", locale)


def _limit(one: Limit, plan: Plan, locale: str) -> str:
    amount = named(one.amount, plan.unit, locale) if one.what == "credit" else f"{one.amount:,}"
    what = "" if one.what == "credit" else say(f"terms.what_{one.what}", locale)
    return say(
        "terms.limit",
        locale,
        amount=f"{amount} {what}".strip(),
        every=say(f"terms.every_{one.every}", locale),
        per=say(f"terms.per_{one.per}", locale),
    )


def _models(plan: Plan, locale: str) -> Iterator[str]:
    if plan.allows_any_model:
        yield say("terms.any_model", locale)
    else:
        yield say("terms.these_models", locale, models=", ".join(plan.models.allow))
    if plan.rate.by == "rates":
        yield say(
            "terms.unknown_refuse" if plan.models.unknown == "refuse" else "terms.unknown_default", locale
        )


def _call(plan: Plan, locale: str) -> Iterator[str]:
    yield say(f"terms.reserve_{plan.reserve.how.replace('-', '_')}", locale)
    if plan.reserve.cap_output:
        yield say("terms.cap_output", locale)
    yield say("terms.output", locale, tokens=f"{plan.call.output:,}")
    yield say(f"terms.left_{plan.call.on_disconnect.replace('-', '_')}", locale)
    if plan.call.stop_stream:
        yield say("terms.stop_stream", locale)
    lapse = "terms.lapse_release" if plan.reserve.on_lapse == "release" else "terms.lapse_charge"
    yield say(lapse, locale, after=plan.reserve.lapse_after)


def _notify(plan: Plan, locale: str) -> Iterator[str]:
    levels = ", ".join(_percent(Decimal(one) / POINTS) for one in plan.told_at)
    if not levels:
        yield say("terms.told_never", locale)
        return
    channels = [say(f"terms.channel_{one}", locale) for one in plan.notify.channels]
    yield say("terms.told", locale, levels=levels)
    if channels:
        yield say("terms.channels", locale, channels=", ".join(channels))


def _percent(share: Decimal) -> str:
    """Return a share as people say it: 0.90 is "90 %"."""
    return f"{_number(Fraction(share) * 100)} %"


def _number(value: Fraction) -> str:
    """Return a number without zeros that say nothing."""
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
