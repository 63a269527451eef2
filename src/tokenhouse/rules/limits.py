"""Limits: counters over windows of time, several at once; what has room, what is full and until when."""

from tokenhouse.rules.balance import Balance, Counter, Open
from tokenhouse.rules.operations import Refusal
from tokenhouse.rules.periods import FOREVER, period_of
from tokenhouse.rules.plans import Limit, Plan


def counter_name(limit: Limit, model: str, key: str) -> str:
    """Return the name under which a limit counts: one for the account, or one for each model or key."""
    if limit.per == "account":
        return limit.name
    return f"{limit.name}:{model if limit.per == 'model' else key}"


def window(balance: Balance, plan: Plan, limit: Limit, name: str, now: int) -> Counter:
    """Return the limit's counter at `now`: the stored one, or a fresh window when that has passed."""
    counter = balance.counters.get(name)
    if counter is not None and now < counter.end_at:
        return counter
    period = period_of(now, limit.every, "calendar", limit.time_zone or balance.zone or plan.zone)
    return Counter(period.start_at, period.end_at, 0)


def admit(
    balance: Balance, plan: Plan, now: int, *, model: str, key: str, tokens: int, amount: int, least: int
) -> Refusal | tuple[int, dict[str, Counter]]:
    """Return the largest amount that fits and the counters as they stand, or the first full limit's refusal.

    Order: as the plan lists them. Requests count 1, tokens all that were asked for, credit what may be held.
    """
    counted: dict[str, Counter] = {}
    allowed = amount
    for limit in plan.limit:
        name = counter_name(limit, model, key)
        counter = window(balance, plan, limit, name, now)
        room = max(limit.amount - counter.used, 0)
        wanted = 1 if limit.what == "requests" else tokens if limit.what == "tokens" else least
        if wanted > room:
            return Refusal(
                code="limit_reached",
                account=balance.account,
                limit=limit.name,
                amount=limit.amount,
                used=counter.used,
                short_by=wanted - room,
                resets_at=counter.end_at if wanted <= limit.amount else FOREVER,
                model=model if limit.per == "model" else "",
            )
        if limit.what == "credit":
            allowed = min(allowed, room)
        counted[name] = counter
    return allowed, counted


def count(
    balance: Balance,
    plan: Plan,
    counted: dict[str, Counter],
    *,
    model: str,
    key: str,
    tokens: int,
    amount: int,
    now: int,
) -> None:
    """Add one admitted request to its counters, and forget windows that have passed."""
    counters = {name: one for name, one in balance.counters.items() if now < one.end_at}
    for limit in plan.limit:
        name = counter_name(limit, model, key)
        counter = counted[name]
        more = 1 if limit.what == "requests" else tokens if limit.what == "tokens" else amount
        counters[name] = Counter(counter.start_at, counter.end_at, counter.used + more)
    balance.counters = counters


def correct(balance: Balance, plan: Plan, reservation: Open, *, tokens: int, amount: int, now: int) -> None:
    """Put what a call really took in place of what its reservation had counted.

    A window that has passed since then keeps what it counted; the new one counts only what went beyond it.
    """
    counters = dict(balance.counters)
    for limit in plan.limit:
        if limit.what == "requests":
            continue
        name = counter_name(limit, reservation.model, reservation.key)
        counter = window(balance, plan, limit, name, now)
        change = tokens - reservation.tokens if limit.what == "tokens" else amount - reservation.amount
        if reservation.reserved_at < counter.start_at:
            change = max(change, 0)
        counters[name] = Counter(counter.start_at, counter.end_at, max(counter.used + change, 0))
    balance.counters = counters
