"""Plans: the terms of an account; a document that never changes, only gets a newer version."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, Literal, get_args

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import AMOUNT_MAX, Unit, checked_amount, checked_number, checked_unit, shown
from tokenhouse.rules.periods import Every, parse_duration, zone_of
from tokenhouse.rules.rates import checked_pattern, parse_prices

POINTS: Final = 10_000
"""Shares of a plan (0.90, 1.05, …) are kept as whole numbers of one ten-thousandth."""
LEVELS_MAX: Final = 10
"""Shares at which an account is told, at most."""
SOONEST_EXPIRY: Final = "soonest-expiry"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

Debt = Literal["forgive", "carry"]
What = Literal["requests", "tokens", "credit"]
"""What a limit counts."""
Per = Literal["account", "key", "model"]
Channel = Literal["email", "webhook", "service"]
"""How a notice leaves the house."""


def _points(share: Decimal, field: str) -> int:
    """Return a share as ten-thousandths; it must be exact to four decimals and lie in 0 … 100."""
    scaled = share * POINTS
    if not share.is_finite() or scaled != int(scaled) or not 0 <= share <= 100:
        raise InvalidInput("share_invalid", field=field, value=str(share))
    return int(scaled)


class Allowance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recurring grant: `amount` at the start of every period.

    What is left then ends, but for the roll-over.
    """

    amount: int
    every: Every = "month"
    anchor: Literal["calendar", "anniversary"] = "calendar"
    time_zone: str | None = None
    rollover: int | Decimal = 0
    """A whole number caps what is carried over in amount; a decimal (0.5) is the share carried over."""
    priority: int = 0

    def carried(self, left: int) -> int:
        """Return how much of `left` lives on into the next period."""
        if isinstance(self.rollover, int):
            return min(left, self.rollover)
        return int(left * self.rollover)


class Signup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credit given once, when the account is opened; it does not expire."""

    amount: int = 0


class Spend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lot is drawn first: by source in the order named, or the field's common soonest-expiry order."""

    order: list[str] | Literal["soonest-expiry"] = SOONEST_EXPIRY


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When to offer more, warn and refuse, as shares of the period's capacity, and what becomes of debt."""

    buy: Decimal = Decimal("0.80")
    warn: Decimal = Decimal("0.90")
    critical: Decimal = Decimal("0.95")
    block: Decimal = Decimal("1.00")
    status: Literal[402, 429] = 402
    code: str = "insufficient_credit"
    debt: Debt = "carry"


class ReserveTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is set aside before a call, and what becomes of a reservation that nobody ends."""

    how: Literal["worst-case", "expected", "none"] = "worst-case"
    cap_output: bool = True
    lapse_after: str = "15m"
    on_lapse: Literal["release", "charge-input"] = "release"


class CallTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is assumed of a call, and what becomes of one that its caller leaves."""

    output: int = 4_096
    """Output tokens of a call whose caller names no cap; sent as its cap where the plan caps output."""
    on_disconnect: Literal["charge-delivered", "drain", "free-if-nothing"] = "charge-delivered"
    """Stop the provider and charge what was relayed; or read on to its end and charge what it says; or as the
    first, but nothing is charged where nothing was relayed."""
    stop_stream: bool = False
    """Whether a stream is stopped when what it has produced uses up what its account can pay."""


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cap on requests, tokens or credit in every window of time, per account, key or model."""

    what: What
    amount: int
    every: Every
    per: Per = "account"
    time_zone: str | None = None

    @property
    def name(self) -> str:
        """Return the limit's name, as refusals and counters say it."""
        return f"{self.what}/{self.every}" + ("" if self.per == "account" else f"/{self.per}")


class Models(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models may be called (a trailing * matches any end), and what happens where no rate is known."""

    allow: tuple[str, ...] = ("*",)
    unknown: Literal["refuse", "default-rate"] = "refuse"


class Pricing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How usage becomes an amount: a unit per token, or the rate table, times multiplier less discount."""

    by: Literal["tokens", "rates"] = "tokens"
    multiplier: Decimal = Decimal(1)
    minimum: int = 1
    discount: Decimal = Decimal(0)
    default: dict[str, Any] = {}
    """Prices of a model that the rate table does not know, where `models.unknown` is "default-rate"."""


class NotifyTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which shares of the period's capacity an account is told, and over which channels."""

    levels: tuple[Decimal, ...] | None = None
    """Shares such as 0.80; without it those of `stop`: warn, critical and block. An empty list: none."""
    channels: tuple[Channel, ...] = get_args(Channel)
    """How notices leave the house; they can be read in it in any case."""


class CreditTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most credit that an account may hold; a grant above it is refused."""

    maximum: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The terms of an account. Read with `parse_plan`; `version` is given by the store."""

    name: str
    title: str = ""
    unit: Unit = Unit(name="token", symbol="", decimals=0)
    allowance: tuple[Allowance, ...] = ()
    signup: Signup = Signup()
    spend: Spend = Spend()
    stop: Stop = Stop()
    reserve: ReserveTerms = ReserveTerms()
    call: CallTerms = CallTerms()
    limit: tuple[Limit, ...] = ()
    models: Models = Models()
    rate: Pricing = Pricing()
    credit: CreditTerms = CreditTerms()
    notify: NotifyTerms = NotifyTerms()
    zone: str = "UTC"
    """Zone of calendar periods where neither allowance nor account names one; the deployment's by default."""
    version: int = 0

    @cached_property
    def buy(self) -> int:
        """Share from which more credit is offered, in ten-thousandths."""
        return _points(self.stop.buy, "stop.buy")

    @cached_property
    def warn(self) -> int:
        """Share from which the level is `warning`, in ten-thousandths."""
        return _points(self.stop.warn, "stop.warn")

    @cached_property
    def critical(self) -> int:
        """Share from which the level is `critical`, in ten-thousandths."""
        return _points(self.stop.critical, "stop.critical")

    @cached_property
    def block(self) -> int:
        """Share from which calls are refused, in ten-thousandths."""
        return _points(self.stop.block, "stop.block")

    @cached_property
    def told_at(self) -> tuple[int, ...]:
        """Shares at which an account is told, rising, in ten-thousandths."""
        if self.notify.levels is None:
            return tuple(sorted({self.warn, self.critical, self.block} - {0}))
        return checked_levels(self.notify.levels, "notify.levels")

    @cached_property
    def lapse_after(self) -> int:
        """Life of a reservation, in microseconds."""
        return parse_duration(self.reserve.lapse_after)

    @cached_property
    def spend_rank(self) -> dict[str, int]:
        """Rank of each source in the spend order; empty for soonest expiry."""
        return {} if isinstance(self.spend.order, str) else {s: i for i, s in enumerate(self.spend.order)}

    @cached_property
    def allows_any_model(self) -> bool:
        """Whether the plan allows every model, which spares the look on the hot path."""
        return "*" in self.models.allow

    @cached_property
    def multiplier(self) -> Fraction:
        """Multiplier less discount, exact."""
        return Fraction(self.rate.multiplier) * (1 - Fraction(self.rate.discount))

    def allows(self, model: str) -> bool:
        """Whether calls to `model` are allowed."""
        if self.allows_any_model:
            return True
        return any(model.startswith(p[:-1]) if p.endswith("*") else model == p for p in self.models.allow)


def checked_levels(shares: Sequence[Decimal], field: str) -> tuple[int, ...]:
    """Return shares at which somebody is told, rising, in ten-thousandths. Raises: InvalidInput."""
    if len(shares) > LEVELS_MAX:
        raise InvalidInput("too_many", field=field, value=len(shares), most=LEVELS_MAX)
    points = {_points(share, f"{field}[{i}]") for i, share in enumerate(shares)}
    if 0 in points:
        raise InvalidInput("share_invalid", field=field, value="0")
    return tuple(sorted(points))


def overlaid(document: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """Return a plan document with the part for `environment` laid over it.

    Tables merge, the rest replaces.
    """

    def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
        both = dict(below)
        for name, value in above.items():
            old = both.get(name)
            both[name] = (
                merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
            )
        return both

    plain = {name: value for name, value in document.items() if name != "environment"}
    parts = document.get("environment", {})
    if not isinstance(parts, Mapping):
        raise InvalidInput("table_wanted", field="environment", value=shown(parts))
    return merged(plain, parts.get(environment, {}))


def parse_plan(document: Mapping[str, Any], *, environment: str = "production", zone: str = "UTC") -> Plan:
    """Return the plan that a document (TOML or JSON, decimals as Decimal) describes.

    Raises: InvalidInput that names the field, for anything unknown, missing, out of range or contradictory.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput("table_wanted", field="plan", value=shown(document))
    try:
        plan = msgspec.convert({"zone": zone, **overlaid(document, environment)}, Plan)
    except msgspec.ValidationError as trouble:
        problem, _, field = str(trouble).partition(" - at ")
        raise InvalidInput(
            "plan_invalid", field=field.strip("`$.") or "plan", value="", problem=problem
        ) from None
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    """Refuse a plan whose values contradict each other."""
    if not NAME.fullmatch(plan.name):
        raise InvalidInput("plan_name", field="name", value=shown(plan.name))
    checked_unit(plan.unit)
    if not plan.buy <= plan.warn <= plan.critical <= plan.block or plan.block == 0:
        raise InvalidInput("plan_stops", field="stop", value=str(plan.stop.block))
    for place, amount, least in (
        *((f"allowance[{i}].amount", one.amount, 1) for i, one in enumerate(plan.allowance)),
        *((f"allowance[{i}].priority", one.priority, 0) for i, one in enumerate(plan.allowance)),
        *((f"limit[{i}].amount", one.amount, 0) for i, one in enumerate(plan.limit)),
        ("signup.amount", plan.signup.amount, 0),
        ("call.output", plan.call.output, 1),
        ("rate.minimum", plan.rate.minimum, 0),
        ("credit.maximum", plan.credit.maximum or 0, 0),
    ):
        checked_amount(amount, place, least=least)
    checked_number(plan.rate.multiplier, "rate.multiplier")
    checked_number(plan.rate.discount, "rate.discount", most=Decimal(1))
    _check_names(plan)
    for i, allowance in enumerate(plan.allowance):
        _check_rollover(allowance, f"allowance[{i}].rollover")
        if allowance.rollover and sum(one.priority == allowance.priority for one in plan.allowance) > 1:
            field = f"allowance[{i}].rollover"
            raise InvalidInput("plan_rollover_shared", field=field, value=allowance.priority)
    if len({(a.every, a.anchor, a.time_zone, a.priority) for a in plan.allowance}) != len(plan.allowance):
        raise InvalidInput("plan_allowance_twice", field="allowance", value=len(plan.allowance))
    if len({limit.name for limit in plan.limit}) != len(plan.limit):
        raise InvalidInput("plan_limit_twice", field="limit", value=len(plan.limit))
    parse_duration(plan.reserve.lapse_after, "reserve.lapse_after")
    if plan.notify.levels is not None:
        checked_levels(plan.notify.levels, "notify.levels")
    if plan.models.unknown == "default-rate" and plan.rate.by == "rates" and not plan.rate.default:
        raise InvalidInput("plan_default_rate", field="rate.default", value="")
    if plan.rate.default:
        parse_prices(plan.rate.default, "rate.default")


def _check_names(plan: Plan) -> None:
    """Refuse zones that no clock knows, and patterns that no model can match."""
    zones: list[tuple[str, str | None]] = [("zone", plan.zone)]
    zones += [(f"allowance[{i}].time_zone", one.time_zone) for i, one in enumerate(plan.allowance)]
    zones += [(f"limit[{i}].time_zone", one.time_zone) for i, one in enumerate(plan.limit)]
    for place, zone in zones:
        if zone is not None:
            zone_of(zone, place)
    for i, pattern in enumerate(plan.models.allow):
        checked_pattern(pattern, f"models.allow[{i}]")


def _check_rollover(allowance: Allowance, field: str) -> None:
    """Refuse a roll-over that is neither a share nor a cap, or that would be reckoned minute by minute."""
    rollover = allowance.rollover
    if isinstance(rollover, Decimal) and not rollover.is_finite():
        raise InvalidInput("rollover_invalid", field=field, value=str(rollover))
    if not 0 <= rollover <= (1 if isinstance(rollover, Decimal) else AMOUNT_MAX):
        raise InvalidInput("rollover_invalid", field=field, value=shown(rollover))
    if rollover and allowance.every in ("minute", "hour"):
        raise InvalidInput("rollover_too_short", field=field, value=allowance.every)
