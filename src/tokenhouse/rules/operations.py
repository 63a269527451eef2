"""What can be asked of an account, and what it can answer.

Plain values, the same for writer, simulator and tests.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

import msgspec

from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.usage import Usage


class Reserve(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Set `amount` aside for one call; if that is too much, as much as there is, but not below `least`.

    A free call reserves 0 with least 0; a plan that reserves nothing asks 0 with least 1.
    """

    id: str
    amount: int
    least: int
    tokens: int = 0
    model: str = ""
    key: str = ""
    lapse_charge: int = 0


class Settle(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """End a reservation with a charge. Never refused: over-run and late usage are charged and say so.

    Where neither `tokens` nor `usage` is told, limits of tokens keep what the reservation counted.
    """

    id: str
    charge: int
    tokens: int = 0
    model: str = ""
    usage: Usage | None = None
    rate: int = 0
    source: str = "provider"
    actor: str = ""
    note: str = ""
    facts: dict[str, Any] = {}
    turns: int = 1


class Release(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """End a reservation without a charge."""

    id: str
    actor: str = ""
    note: str = ""


class Charge(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Charge at once, without a reservation: refused when the account cannot pay."""

    id: str
    charge: int
    tokens: int = 0
    model: str = ""
    key: str = ""
    usage: Usage | None = None
    rate: int = 0
    source: str = "provider"
    actor: str = ""
    note: str = ""
    turns: int = 1
    forced: bool = False
    """Whether it is usage that has already happened (an import): charged even where nothing is left."""


class Grant(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Give credit: a new lot. Open debt is repaid from it first."""

    id: str
    amount: int
    source: str = "bonus"
    priority: int = 0
    expires_at: int = FOREVER
    actor: str = ""
    note: str = ""
    facts: dict[str, Any] | None = None
    paid: bool = False
    """Whether somebody has paid for it: then it comes, whatever the plan lets the account hold."""


class ClawBack(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Take back a grant (its purchase was refunded): what is unspent, the rest as the plan's `debt` says."""

    id: str
    grant: str
    amount: int
    actor: str = ""
    note: str = ""


class Restore(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Undo what was taken back of a grant: the refund that it was for came to nothing.

    Credit comes again as far as it, or a debt in its place, was taken; what had been written off stays spent.
    """

    id: str
    grant: str
    amount: int
    actor: str = ""
    note: str = ""


class Refund(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Give back a charge, wholly or in part, as a lot of its own."""

    id: str
    charge_of: str
    amount: int
    actor: str = ""
    note: str = ""


class Adjust(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Correct a balance by hand: up as a lot, down from the lots in spend order, the rest as debt."""

    id: str
    amount: int
    actor: str = ""
    note: str = ""


class Amend(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Change state or plan. A new plan's allowance counts what the old one's lots have already spent."""

    id: str
    state: str | None = None
    plan: str | None = None
    actor: str = ""
    note: str = ""


class Touch(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Bring the account forward to now and nothing else: the sweep of idle accounts."""

    id: str


Operation = Reserve | Settle | Release | Charge | Grant | ClawBack | Restore | Refund | Adjust | Amend | Touch


_ID: Final[Callable[[Any], str]] = attrgetter("id")
_SUBJECTS: Final[dict[type, Callable[[Any], str]]] = {
    Refund: attrgetter("charge_of"),
    ClawBack: attrgetter("grant"),
    Restore: attrgetter("grant"),
}


def subject_of(operation: Operation) -> str:
    """Return the operation under which the journal files this one: a refund goes with its charge."""
    return _SUBJECTS.get(type(operation), _ID)(operation)


class Done(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The operation took effect, now or (`replayed`) when it first came.

    `amount` is what it moved: held by a reserve, charged by a settle, granted, taken back, given back.
    `uncovered` is the part of it that no lot covered. `late` says how the reservation had ended before its
    usage arrived.
    """

    id: str
    amount: int
    tokens: int = 0
    uncovered: int = 0
    written_off: int = 0
    late: str = ""
    replayed: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An expected no: which law, whose, by how much, and when it lifts (FOREVER: not by time)."""

    code: str
    account: int
    short_by: int = 0
    available: int = 0
    resets_at: int = FOREVER
    limit: str = ""
    amount: int = 0
    used: int = 0
    model: str = ""
    state: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """There is no such reservation, charge or grant in this account's journal."""

    id: str
    what: str


class Mismatch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A repeated operation came with another payload; the first stands."""

    id: str
    first: int
    second: int


Outcome = Done | Refusal | Unknown | Mismatch
