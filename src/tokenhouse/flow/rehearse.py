"""Rehearse: bring an account to a used share by real entries, so that warnings and stops can be tried.

Outside production only. More use is a charge, less use gives back the newest charges of the period; both
stand in the journal like any other, so everything that looks at the account sees what it would see then.
"""

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final

from tokenhouse.errors import Forbidden, InvalidInput
from tokenhouse.flow import fund, report, settle
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.rules.account import apply
from tokenhouse.rules.amounts import checked_number
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.operations import Touch
from tokenhouse.rules.periods import instant
from tokenhouse.rules.verdict import payer_of

PERCENT_MAX: Final = Decimal(200)
TURN: Final = 900
"""What one turn of the rehearsed use comes to, so that the turns that are left can be told."""
SOURCE: Final = "rehearsed"
USES: Final = ("charge", "use", "refund", "unuse")


async def rehearse(desk: Desk, ref: str, percent: Decimal | int | str, *, actor: str) -> report.BalanceView:
    """Bring an account to `percent` used, or just above, and return where it stands then.

    Idempotent: an account that is there already gets no entry.

    Raises: Forbidden in production; InvalidInput for a share outside 0 … 200, and for an account that has
    nothing of which there could be a share.
    """
    if desk.settings.environment == "production":
        raise Forbidden("rehearsal_in_production")
    share = Fraction(checked_number(percent, "percent", most=PERCENT_MAX))
    checked_text(actor, "actor")
    credit = await _credit(desk, ref)
    if credit.capacity <= 0:
        raise InvalidInput("rehearsal_of_nothing", field="account", value=ref)
    missing = ceil(share * credit.capacity / 100) - credit.used
    if missing > 0:
        await _charge(desk, ref, missing, actor)
    elif missing < 0:
        await _give_back(desk, ref, -missing, actor)
    return await report.balance(desk, ref)


async def _credit(desk: Desk, ref: str) -> Balance:
    """Return the balance that pays for an account, as it is now."""
    path = await report.read_path(desk, await desk.address(ref))
    balances, _, _ = apply(path, Touch(id=""), desk.now())
    payer = payer_of(path).balance.account
    return next(balance for balance in balances if balance.account == payer)


async def _charge(desk: Desk, ref: str, amount: int, actor: str) -> None:
    """Charge use that nobody had, as the turns that it would have taken; past the end it becomes debt."""
    await settle.charge(
        desk,
        ref,
        amount,
        usage=None,
        model="",
        rate=0,
        api_key="",
        key=None,
        source=SOURCE,
        actor=actor,
        note="",
        turns=max(amount // TURN, 1),
        forced=True,
    )


async def _give_back(desk: Desk, ref: str, amount: int, actor: str) -> None:
    """Give back the newest charges of this period, the last one in part."""
    start_at = (await report.balance(desk, ref)).period_start_at
    returned: dict[str, int] = {}
    before = None
    while amount:
        page = await report.history(desk, ref, before=before, kinds=USES, rows_max=100)
        for entry in page:
            if not amount or (start_at and instant(entry.at) < instant(start_at)):
                return
            if entry.charge < 0:
                returned[entry.operation] = returned.get(entry.operation, 0) - entry.charge
                continue
            part = min(amount, entry.charge - returned.get(entry.operation, 0))
            if part > 0:
                await fund.refund(desk, ref, entry.operation, part, key=None, actor=actor, note="")
                amount -= part
        if not page:
            return
        before = page[-1].seq
