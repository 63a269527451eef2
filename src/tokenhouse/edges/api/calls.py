"""Calls, for back ends in any language: set credit aside before one, settle or release after it, or charge.

These are for whoever runs the calls, so they want an operator's key: a user who could settle its own calls
would settle them with nothing. Each is in the journal of its account, and therefore not in the audit log.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from tokenhouse.edges import problems
from tokenhouse.edges.api.shapes import parsed
from tokenhouse.edges.api.thin import Asking, Thin
from tokenhouse.edges.headers import standing
from tokenhouse.errors import InvalidInput, TokenhouseError
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.reserve import Reservation as Reserved
from tokenhouse.flow.settle import Receipt as Settled
from tokenhouse.house import Tokenhouse
from tokenhouse.rules import amounts
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.usage import Usage

BATCH_MAX: Final = 500
Ref = Annotated[str, Meta(min_length=1, max_length=200, examples=["alice"])]
Model = Annotated[str, Meta(max_length=200, examples=["gpt-4o"])]
Id = Annotated[str, Meta(max_length=36, examples=["0199f2c7a1b27c3e8d4f5a6b7c8d9e0f"])]
Digits = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        examples=["2500"],
        description="An amount in whole units, as a decimal: exact, so it is text and no number.",
    ),
]
Key = Annotated[str, Meta(min_length=1, max_length=200, description="Its idempotency key.")]
Note = Annotated[str, Meta(max_length=1_000)]
Origin = Annotated[str, Meta(max_length=20, description='Who counted the usage: "provider" or "estimated".')]


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """An amount: exact digits of whole units, as text, for no program's numbers hold them all."""

    value: Annotated[str, Meta(examples=["99928"])]
    unit: Annotated[str, Meta(examples=["token"])]
    shown: Annotated[str, Meta(examples=["99,928"], description="As a person reads it.")]


class CallStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Where the account stood afterwards, in short."""

    remaining: Amount
    available: Amount
    used_percent: float
    level: Annotated[str, Meta(examples=["normal", "buy", "warning", "critical", "blocked"])]


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Credit set aside for one call. `held` may be less than was asked for, but not less than `least`."""

    id: Annotated[str, Meta(examples=["0199f2c7a1b27c3e8d4f5a6b7c8d9e0f"])]
    account: str
    held: Amount
    tokens: int
    lapses_at: Annotated[
        datetime | None, Meta(description="When it comes back by itself; null once it has ended.")
    ]
    replayed: Annotated[bool, Meta(description="True: this is the first answer under its key, again.")]
    balance: CallStanding


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended: what was charged of it, or given back."""

    id: str
    account: str
    amount: Amount
    uncovered: Annotated[Amount, Meta(description="The part of the charge that no credit covered.")]
    late: Annotated[
        str, Meta(description='How the reservation had ended before its usage came: "lapsed", "released".')
    ]
    replayed: Annotated[bool, Meta(description="True: it had ended, and this is the first answer again.")]
    balance: CallStanding


class NewReservation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to set aside: an `amount`, or the most that a `usage` of a `model` can cost."""

    account: Ref
    amount: Digits | None = None
    usage: Annotated[
        Usage | None, Meta(description="The input, and the output at its cap; priced as a quote is.")
    ] = None
    model: Model = ""
    least: Annotated[
        Digits | None, Meta(description="Take less if there is less, down to this; null: all or nothing.")
    ] = None
    tokens: (
        Annotated[int, Meta(ge=0, le=10**12, description="What limits of tokens count until it is settled.")]
        | None
    ) = None
    api_key: Annotated[str, Meta(max_length=36, description="The key by whose limits it counts.")] = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call cost: a `charge`, or the `usage` that the provider told, priced by the plan's rates."""

    account: Ref
    charge: Digits | None = None
    usage: Usage | None = None
    model: Model = ""
    source: Origin = "provider"
    note: Note = ""


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call that came to nothing."""

    account: Ref
    note: Note = ""


class NewCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to charge at once: an `amount`, or a `usage` of a `model`, priced by the plan's rates."""

    account: Ref
    amount: Digits | None = None
    usage: Usage | None = None
    model: Model = ""
    api_key: Annotated[str, Meta(max_length=36, description="The key by whose limits it counts.")] = ""
    source: Origin = "provider"
    note: Note = ""


class Reserve(NewReservation, tag_field="do", tag="reserve", frozen=True, kw_only=True):
    """Set credit aside."""

    key: Key | None = None


class Settle(Settlement, tag_field="do", tag="settle", frozen=True, kw_only=True):
    """End a reservation with a charge."""

    reservation: Id


class Release(Withdrawal, tag_field="do", tag="release", frozen=True, kw_only=True):
    """End a reservation without a charge."""

    reservation: Id


class Charge(NewCharge, tag_field="do", tag="charge", frozen=True, kw_only=True):
    """Charge at once."""

    key: Key | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many operations at once. Each stands by itself: one that is refused stops no other."""

    operations: Annotated[list[Reserve | Settle | Release | Charge], Meta(min_length=1, max_length=BATCH_MAX)]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one operation: exactly one of the three is there."""

    reservation: Reservation | None = None
    charged: Charged | None = None
    problem: Annotated[
        dict[str, Any] | None, Meta(description="As the route of its own would have answered.")
    ] = None


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every operation, in their order."""

    outcomes: list[Outcome]


async def reserve_credit(asking: Asking[NewReservation]) -> Reservation:
    """Set credit aside before a call; durable when this answers.

    Refused with 402 (or the plan's status) where the account cannot pay, with 429 where a limit is full.
    Under an `Idempotency-Key` a repeat gets the first answer, and another body under it 422.
    """
    return _reserved(await _reserve(asking.house, asking.asked, asking.key), asking)


async def settle_reservation(asking: Asking[Settlement]) -> Charged:
    """End a reservation with what the call cost. Never refused, whatever the balance is by now.

    Idempotent by the reservation's id: settled again with the same charge, the first answer comes; with
    another one 422.
    """
    return _charged(await _settle(asking, asking.path["reservation"], asking.asked), asking)


async def release_reservation(asking: Asking[Withdrawal]) -> Charged:
    """End a reservation without a charge: the call failed, or was never made. Idempotent by its id."""
    return _charged(await _release(asking, asking.path["reservation"], asking.asked), asking)


async def charge_account(asking: Asking[NewCharge]) -> Charged:
    """Charge at once, without a reservation: refused, and nothing charged, where the account cannot pay."""
    return _charged(await _charge(asking, asking.asked, asking.key), asking)


async def run_batch(asking: Asking[Batch]) -> Outcomes:
    """Carry out many operations at once, for a back end that gathers them: one request instead of hundreds.

    They share transactions, and cost a fraction of a request each. The answer has their order; no other order
    among them is promised, so what depends on an outcome belongs into the next batch.
    """
    return Outcomes(outcomes=await asyncio.gather(*(_one(asking, one) for one in asking.asked.operations)))


async def _one(asking: Asking[Batch], operation: Reserve | Settle | Release | Charge) -> Outcome:
    """Carry out one operation of a batch."""
    try:
        if isinstance(operation, Reserve):
            return Outcome(reservation=_reserved(await _reserve(asking.house, operation, operation.key)))
        if isinstance(operation, Settle):
            return Outcome(charged=_charged(await _settle(asking, operation.reservation, operation)))
        if isinstance(operation, Release):
            return Outcome(charged=_charged(await _release(asking, operation.reservation, operation)))
        return Outcome(charged=_charged(await _charge(asking, operation, operation.key)))
    except TokenhouseError as no:
        told = problems.answer(no, "problem", asking.caller.locale, now=asking.house.desk.clock())
        return Outcome(problem=msgspec.json.decode(told.body))


async def _reserve(house: Tokenhouse, asked: NewReservation, key: str | None) -> Reserved:
    if (asked.amount is None) == (asked.usage is None):
        raise InvalidInput("amount_or_usage", field="amount", value=asked.amount or "")
    least = None if asked.least is None else parsed(asked.least, house, "least")
    tokens, lapse_charge = asked.tokens or 0, 0
    if asked.usage is not None:
        quote = await house.quote(asked.account, asked.model, asked.usage)
        worst, lapse_charge = quote.amount, quote.input_charge
        least = quote.least if least is None else least
        tokens = quote.tokens if asked.tokens is None else asked.tokens
    else:
        worst = parsed(asked.amount or "", house)
    return await house.reserve(
        asked.account,
        worst,
        least=least,
        tokens=tokens,
        model=asked.model,
        api_key=asked.api_key,
        lapse_charge=lapse_charge,
        key=key,
    )


async def _settle(asking: Asking[Any], reservation: str, asked: Settlement) -> Settled:
    house = asking.house
    return await house.settle(
        asked.account,
        reservation,
        None if asked.charge is None else parsed(asked.charge, house, "charge"),
        usage=asked.usage,
        model=asked.model,
        source=asked.source,
        actor=asking.caller.actor,
        note=asked.note,
    )


async def _release(asking: Asking[Any], reservation: str, asked: Withdrawal) -> Settled:
    return await asking.house.release(asked.account, reservation, actor=asking.caller.actor, note=asked.note)


async def _charge(asking: Asking[Any], asked: NewCharge, key: str | None) -> Settled:
    house = asking.house
    return await house.charge(
        asked.account,
        None if asked.amount is None else parsed(asked.amount, house),
        usage=asked.usage,
        model=asked.model,
        api_key=asked.api_key,
        key=key,
        source=asked.source,
        actor=asking.caller.actor,
        note=asked.note,
    )


def _reserved(made: Reserved, asking: Asking[NewReservation] | None = None) -> Reservation:
    """Return a reservation as the API says it; a request of its own is told in headers what is left."""
    view = made.balance
    if asking is not None:
        _tell(asking, view)
    return Reservation(
        id=made.id,
        account=made.account,
        held=_amount(made.held, view.unit),
        tokens=made.tokens,
        lapses_at=made.lapses_at,
        replayed=made.replayed,
        balance=_standing(view),
    )


def _charged(made: Settled, asking: Asking[Any] | None = None) -> Charged:
    """Return the end of a call as the API says it; a request of its own is told in headers what is left."""
    view = made.balance
    if asking is not None:
        _tell(asking, view)
    return Charged(
        id=made.id,
        account=made.account,
        amount=_amount(made.amount, view.unit),
        uncovered=_amount(made.uncovered, view.unit),
        late=made.late,
        replayed=made.replayed,
        balance=_standing(view),
    )


def _tell(asking: Asking[Any], view: BalanceView) -> None:
    """Say in an answer's headers where the account stands."""
    asking.headers.extend(standing(view, asking.house.desk.clock()))


def _standing(view: BalanceView) -> CallStanding:
    return CallStanding(
        remaining=_amount(view.remaining, view.unit),
        available=_amount(view.available, view.unit),
        used_percent=view.used_percent,
        level=view.level,
    )


def _amount(value: int, unit: Unit) -> Amount:
    shown = amounts.show(value, unit)
    plain = str(value) if not unit.decimals else amounts.digits(value, unit)
    return Amount(value=plain, unit=unit.name, shown=shown)


ROUTES: Final[tuple[Thin[Any, Any], ...]] = (
    Thin(
        "/api/v1/reservations",
        reserve_credit,
        asked=NewReservation,
        told=Reservation,
        status=201,
        tag="calls",
        example={"account": "alice", "amount": "2500", "model": "gpt-4o"},
        keyed=True,
    ),
    Thin(
        "/api/v1/reservations/batch",
        run_batch,
        asked=Batch,
        told=Outcomes,
        status=200,
        tag="calls",
        example={
            "operations": [
                {"do": "reserve", "account": "alice", "amount": "2500", "key": "turn-17"},
                {"do": "charge", "account": "bora", "amount": "640", "key": "turn-4"},
            ]
        },
    ),
    Thin(
        "/api/v1/reservations/{reservation}/settle",
        settle_reservation,
        asked=Settlement,
        told=Charged,
        status=200,
        tag="calls",
        example={"account": "alice", "usage": {"input": 1200, "output": 340}, "model": "gpt-4o"},
    ),
    Thin(
        "/api/v1/reservations/{reservation}/release",
        release_reservation,
        asked=Withdrawal,
        told=Charged,
        status=200,
        tag="calls",
        example={"account": "alice", "note": "the provider did not answer"},
    ),
    Thin(
        "/api/v1/charges",
        charge_account,
        asked=NewCharge,
        told=Charged,
        status=201,
        tag="calls",
        example={"account": "alice", "usage": {"input": 1200, "output": 340}, "model": "gpt-4o"},
        keyed=True,
    ),
)
"""Every thin route. They are few: who adds one gives up what the framework does for a full one."""
