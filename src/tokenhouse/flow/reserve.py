"""Reserve: set aside, before the call, what it can cost at most; refuse rather than overspend."""

from datetime import datetime

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.report import BalanceView, view
from tokenhouse.flow.upkeep import admitted
from tokenhouse.rules.amounts import checked_amount
from tokenhouse.rules.operations import Done, Reserve
from tokenhouse.rules.periods import FOREVER, moment
from tokenhouse.rules.usage import TOKENS_MAX
from tokenhouse.store.batch import Answer


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Credit set aside for one call: settle or release it by its `id`.

    `held` may be less than was asked for.
    """

    id: str
    account: str
    held: int
    tokens: int
    replayed: bool
    answer: Answer

    @property
    def lapses_at(self) -> datetime | None:
        """When its credit comes back by itself; None if the reservation has ended, or has no end."""
        open_ = self.answer.path[0].balance.open.get(self.id)
        return moment(open_.lapses_at) if open_ is not None and open_.lapses_at < FOREVER else None

    @property
    def balance(self) -> BalanceView:
        """Where the account stood when the reservation was made."""
        return view(self.account, self.answer.path)


async def reserve(
    desk: Desk,
    ref: str,
    amount: int,
    *,
    least: int | None,
    tokens: int,
    model: str,
    api_key: str,
    lapse_charge: int,
    key: str | None,
) -> Reservation:
    """Set `amount` aside for one call of `ref`, or at least `least` of it; durable when this returns."""
    checked_amount(amount, "amount", least=0)
    least = amount if least is None else checked_amount(least, "least", least=0)
    if least > amount and amount:
        raise InvalidInput("least_above_amount", field="least", value=least, amount=amount)
    checked_whole(tokens, "tokens", 0, TOKENS_MAX)
    address = await desk.address(ref)
    operation = Reserve(
        id=desk.new_id(),
        amount=amount,
        least=least,
        tokens=tokens,
        model=checked_text(model, "model"),
        key=checked_text(api_key, "api_key"),
        lapse_charge=checked_amount(lapse_charge, "lapse_charge", least=0),
    )
    answer = await admitted(desk, address, operation, key=key)
    done = answer.outcome
    assert isinstance(done, Done)  # noqa: S101 -- carry_out raises for all others
    return Reservation(
        id=done.id,
        account=ref,
        held=done.amount,
        tokens=done.tokens,
        replayed=done.replayed,
        answer=answer,
    )
