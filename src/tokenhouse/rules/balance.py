"""The account as one value: lots, open reservations, counters and totals.

And the entry, one line of its journal.
"""

from typing import Any, Final

import msgspec

from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.usage import Usage

CHAIN_START: Final = b""
"""What the first entry of an account is chained to."""
PURCHASE: Final = "purchase"
"""Source of the lots that were bought."""


class Lot(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Credit with an origin. `id` is the seq of the entry that granted it.

    `expires_at` is an instant or FOREVER.
    """

    id: int
    left: int
    amount: int
    source: str
    priority: int = 0
    expires_at: int = FOREVER


class Open(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An open reservation: credit set aside for one call, and what settling or lapsing it will need."""

    amount: int
    tokens: int
    reserved_at: int
    lapses_at: int
    model: str = ""
    key: str = ""
    lapse_charge: int = 0


class Counter(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a limit has counted in its current window `[start_at, end_at)`."""

    start_at: int
    end_at: int
    used: int


class Balance(msgspec.Struct, kw_only=True, gc=False):
    """Everything that a decision about one account needs; one row of `balances`.

    A value: functions of the rules copy it, change the copy and return it. Invariant (CHECKs of the table):
    granted = left + drawn + expired + clawed; charged = drawn + debt + forgiven; debt = 0 or left = 0.
    """

    account: int
    plan: str
    state: str = "active"
    own_credit: bool = True
    zone: str = ""
    opened_at: int
    version: int = 0
    seq: int = 0
    chain: bytes = CHAIN_START
    left: int = 0
    held: int = 0
    debt: int = 0
    used: int = 0
    used_total: int = 0
    turns: int = 0
    granted: int = 0
    drawn: int = 0
    expired: int = 0
    clawed: int = 0
    charged: int = 0
    forgiven: int = 0
    bought: int = 0
    """Credit bought in all, less what was taken back."""
    period_start_at: int = 0
    period_end_at: int = FOREVER
    rolled_at: int = 0
    due_at: int = FOREVER
    """The next instant at which the clock alone changes something: a period's end or a lot's expiry."""
    lapses_at: int = FOREVER
    """The soonest lapse among the open reservations."""
    lots: tuple[Lot, ...] = ()
    counters: dict[str, Counter] = {}
    open: dict[str, Open] = {}

    def copy(self) -> "Balance":
        """Return a copy to be changed: what it contains is replaced there, never changed in place."""
        return self.__copy__()  # type: ignore[attr-defined, no-any-return]  # What `copy.copy` asks for.

    @property
    def available(self) -> int:
        """Credit free to be reserved; negative while an overdraft or an over-run lasts."""
        return self.left - self.held - self.debt

    @property
    def capacity(self) -> int:
        """What the period had to offer: used + left - debt. Used % is a share of it."""
        return self.used + self.left - self.debt

    @property
    def bought_left(self) -> int:
        """What remains of purchased lots."""
        return sum(lot.left for lot in self.lots if lot.source == PURCHASE)


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One immutable movement of one account's journal.

    `amount` is its effect on left - debt, `balance_after` that figure after it, and `lots` what each lot
    gained or lost: `(lot, change)`, or for a new lot `(lot, change, source, priority, expires_at)`. `charge`
    is what the call cost, also on the entries of those above and below the payer, whose `amount` is 0.
    """

    account: int
    seq: int
    at: int
    kind: str
    amount: int = 0
    balance_after: int = 0
    charge: int = 0
    lots: tuple[tuple[Any, ...], ...] = ()
    operation: str = ""
    model: str = ""
    usage: Usage | None = None
    rate: int = 0
    source: str = ""
    actor: str = ""
    note: str = ""
    facts: dict[str, Any] | None = None

    def fact(self, name: str, default: Any = None) -> Any:
        """Return one of the entry's facts."""
        return self.facts.get(name, default) if self.facts else default
