"""Compared: what would be different for whom if a trace ran under another plan."""

from datetime import datetime
from typing import Final

import msgspec

from tokenhouse.flow.tally import AccountTally, Tally
from tokenhouse.rules.periods import moment

NEVER: Final = 2**62


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """An account for which something would change: since when it is refused, how often, for how much."""

    account: str
    refused_at_before: datetime | None
    refused_at_after: datetime | None
    refused_before: int
    refused_after: int
    charged_before: int
    charged_after: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan would change against the first one; amounts are differences, in its smallest unit.

    `charged` is None where the two count in different units.
    """

    accounts_blocked: int
    blocked_newly: int
    blocked_no_more: int
    blocked_sooner: int
    blocked_later: int
    refused: int
    charged: int | None
    cost: int
    accounts: list[Differs]


def compared(before: Tally, after: Tally, top: int) -> Change:
    """Return what differs between two tallies of one trace, the accounts with most refusals more first."""
    was, now = before.totals(), after.totals()
    pairs = [(before.accounts[name], line) for name, line in after.accounts.items()]
    moves = [(_since(old), _since(new)) for old, new in pairs]
    same_unit = before.plan.unit == after.plan.unit
    changed = [(old, new) for old, new in pairs if _said(old) != _said(new)]
    changed.sort(key=lambda pair: (-abs(pair[1].refused - pair[0].refused), _since(pair[1]), pair[1].account))
    return Change(
        accounts_blocked=now.accounts_blocked - was.accounts_blocked,
        blocked_newly=sum(old == NEVER > new for old, new in moves),
        blocked_no_more=sum(new == NEVER > old for old, new in moves),
        blocked_sooner=sum(new < old < NEVER for old, new in moves),
        blocked_later=sum(old < new < NEVER for old, new in moves),
        refused=now.refused - was.refused,
        charged=now.charged - was.charged if same_unit else None,
        cost=now.cost - was.cost,
        accounts=[_differs(old, new) for old, new in changed[:top]],
    )


def _since(line: AccountTally) -> int:
    """Return when an account was first refused; far away for one that never was."""
    return NEVER if line.first_refused_at is None else line.first_refused_at


def _said(one: AccountTally) -> tuple[int, int, int]:
    """Return what makes an account's line different from another's."""
    return (_since(one), one.refused, one.charged)


def _differs(old: AccountTally, new: AccountTally) -> Differs:
    def when(line: AccountTally) -> datetime | None:
        return None if line.first_refused_at is None else moment(line.first_refused_at)

    return Differs(
        account=new.account,
        refused_at_before=when(old),
        refused_at_after=when(new),
        refused_before=old.refused,
        refused_after=new.refused,
        charged_before=old.charged,
        charged_after=new.charged,
    )
