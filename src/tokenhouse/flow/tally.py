"""The tally: what became of a trace under a plan, by account and by day; of a simulation as of a replay."""

from typing import Any, Final

import msgspec

from tokenhouse.flow.traces import Request
from tokenhouse.rules.alerts import LEVELS, Level, overdraft
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.periods import Instant, Period, moment, period_of
from tokenhouse.rules.plans import POINTS, Plan
from tokenhouse.rules.usage import Usage

NO_DAY: Final = Period(0, 0)


class AccountTally(msgspec.Struct, kw_only=True):
    """What became of one account's requests; amounts in the plan's smallest unit, costs in nano-dollars."""

    account: str
    requests: int = 0
    allowed: int = 0
    tokens: int = 0
    tokens_refused: int = 0
    charged: int = 0
    cost: int = 0
    shortened: int = 0
    """Answers whose output was cut to what the account could still pay."""
    overspend: int = 0
    """The most by which it was ever below what its plan permits."""
    left: int = 0
    """Available credit after the last call that was allowed."""
    peak: int = 0
    """The highest used / capacity, in ten-thousandths."""
    refused_by: dict[str, int] = {}
    refusals: list[int] = []
    """Which of its requests were refused, counted from 0."""
    first_refused_at: Instant | None = None
    first_refused_by: str = ""
    levels: dict[Level, Instant] = {}
    """When each level above normal was first reached."""

    @property
    def refused(self) -> int:
        """How many of its requests were refused."""
        return self.requests - self.allowed


class DayTally(msgspec.Struct, kw_only=True):
    """What became of one day's requests; `blocked` are the accounts that were refused at least once."""

    start_at: Instant
    allowed: int = 0
    refused: int = 0
    charged: int = 0
    tokens: int = 0
    blocked: set[str] = set()


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a tally."""

    accounts: int
    accounts_blocked: int
    requests: int
    allowed: int
    refused: int
    refused_by: dict[str, int]
    tokens: int
    tokens_refused: int
    shortened: int
    charged: int
    cost: int
    overspend: int
    left: int


class Tally:
    """What became of a trace so far: `opened` for each account, `allowed` or `refused` for each request."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.accounts: dict[str, AccountTally] = {}
        self.days: dict[Instant, DayTally] = {}
        self._day, self._today = NO_DAY, DayTally(start_at=0)
        self._shares = tuple(zip(LEVELS[1:], (plan.buy, plan.warn, plan.critical, plan.block), strict=True))

    def opened(self, account: str, balance: Balance) -> None:
        """Begin an account with the balance that it starts with."""
        self.accounts[account] = AccountTally(account=account, left=balance.available)

    def allowed(
        self, request: Request, at: Instant, used: Usage, charge: int, cost: int, balance: Balance
    ) -> None:
        """Count a call that went ahead and used `used`; `balance` is the account's after it."""
        line = self.accounts[request.account]
        tokens = used.total
        line.requests += 1
        line.allowed += 1
        line.tokens += tokens
        line.charged += charge
        line.cost += cost
        remaining = balance.left - balance.debt
        line.left = remaining - balance.held
        if used is not request.usage:
            line.shortened += 1
        if balance.debt:
            over = balance.debt - max(overdraft(balance, self.plan), 0)
            line.overspend = max(line.overspend, over)
        capacity = balance.used + remaining
        peak = balance.used * POINTS // capacity if capacity > 0 else self.plan.block
        if peak > line.peak:
            self._climb(line, at, peak)
        day = self._today if self._day.start_at <= at < self._day.end_at else self._day_of(at)
        day.allowed += 1
        day.charged += charge
        day.tokens += tokens

    def refused(self, request: Request, at: Instant, law: str) -> None:
        """Count a call that `law` turned away; it used nothing."""
        line = self.accounts[request.account]
        line.refusals.append(line.requests)
        line.requests += 1
        line.tokens_refused += request.usage.total
        line.refused_by[law] = line.refused_by.get(law, 0) + 1
        if line.first_refused_at is None:
            line.first_refused_at, line.first_refused_by = at, law
        day = self._today if self._day.start_at <= at < self._day.end_at else self._day_of(at)
        day.refused += 1
        day.blocked.add(request.account)

    def totals(self) -> Totals:
        """Return the sums over all accounts."""
        lines = list(self.accounts.values())
        refused_by: dict[str, int] = {}
        for line in lines:
            for law, count in line.refused_by.items():
                refused_by[law] = refused_by.get(law, 0) + count
        return Totals(
            accounts=len(lines),
            accounts_blocked=sum(bool(line.refused) for line in lines),
            requests=sum(line.requests for line in lines),
            allowed=sum(line.allowed for line in lines),
            refused=sum(line.refused for line in lines),
            refused_by=dict(sorted(refused_by.items(), key=lambda one: -one[1])),
            tokens=sum(line.tokens for line in lines),
            tokens_refused=sum(line.tokens_refused for line in lines),
            shortened=sum(line.shortened for line in lines),
            charged=sum(line.charged for line in lines),
            cost=sum(line.cost for line in lines),
            overspend=sum(line.overspend for line in lines),
            left=sum(line.left for line in lines),
        )

    def blocked_first(self) -> list[AccountTally]:
        """Return the accounts that were refused: the longest blocked first."""
        blocked = (line for line in self.accounts.values() if line.first_refused_at is not None)
        return sorted(blocked, key=lambda line: (line.first_refused_at or 0, line.account))

    def top(self, count: int) -> list[AccountTally]:
        """Return the accounts that asked for most tokens."""
        return sorted(
            self.accounts.values(), key=lambda line: (-line.tokens - line.tokens_refused, line.account)
        )[:count]

    def timeline(self) -> list[DayTally]:
        """Return the days on which something happened, in order."""
        return [self.days[start_at] for start_at in sorted(self.days)]

    def document(self) -> dict[str, Any]:
        """Return the whole tally as plain values, for programs; instants are ISO 8601 in UTC."""
        return {
            "plan": self.plan.name,
            "unit": self.plan.unit.name,
            "totals": msgspec.to_builtins(self.totals()),
            "accounts": [_account_document(self.accounts[name]) for name in sorted(self.accounts)],
            "days": [
                {
                    **{name: getattr(day, name) for name in ("allowed", "refused", "charged", "tokens")},
                    "start_at": moment(day.start_at).isoformat(),
                    "accounts_blocked": len(day.blocked),
                }
                for day in self.timeline()
            ],
        }

    def _climb(self, line: AccountTally, at: Instant, peak: int) -> None:
        """Note a new peak, and the levels that it reaches for the first time."""
        line.peak = peak
        for level, share in self._shares[len(line.levels) :]:
            if peak < share:
                break
            line.levels[level] = at

    def _day_of(self, at: Instant) -> DayTally:
        """Return the tally of the day that holds `at`, in the plan's zone; from now on it is today."""
        self._day = period_of(at, "day", "calendar", self.plan.zone)
        self._today = self.days.setdefault(
            self._day.start_at, DayTally(start_at=self._day.start_at, blocked=set())
        )
        return self._today


def _account_document(line: AccountTally) -> dict[str, Any]:
    """Return one account's line as plain values."""
    document: dict[str, Any] = msgspec.to_builtins(line)
    del document["refusals"], document["peak"]
    first = line.first_refused_at
    return {
        **document,
        "refused": line.refused,
        "peak_percent": line.peak / (POINTS / 100),
        "first_refused_at": moment(first).isoformat() if first is not None else None,
        "levels": {level: moment(at).isoformat() for level, at in line.levels.items()},
    }
