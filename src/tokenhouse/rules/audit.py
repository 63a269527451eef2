"""Audit: what is stored of an account, held against the laws of the ledger and what its journal says."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from tokenhouse.rules.balance import Lot, Open
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.rebuild import Finding, Fold

CHECKS: Final = (
    "directory",
    "initialised",
    "orphans",
    "journal",
    "chain",
    "rebuilt",
    "usage",
    "conservation",
    "held",
    "due",
    "orders",
    "chat",
    "keys",
)
"""Every check there is, in the order of a report."""


class Standing(NamedTuple):
    """What is stored of one account beside its journal; `plan` is None where there is no balance.

    From `plan` to `period_end_at` stand the figures that the journal must give, in the order of `FIGURES`.
    """

    account: int
    ref: str | None
    """None where there is a balance without an account."""
    pays_itself: bool | None
    """The profile's own_credit."""
    time_zone: str | None
    orders: str | None
    """[[id, state, credit, asked back of it], …] of the completed and refunded ones, as JSON."""
    chat_tokens: int | None
    """What the account's chat sessions used; None where it has none."""
    chats: str | None
    """[[id, tokens, charge], …] of the sessions that its entries name, as JSON."""
    own_credit: bool | None
    zone: str | None
    held: int
    rolled_at: int
    due_at: int
    lapses_at: int
    lots: str
    open: str
    plan: str | None
    state: str
    opened_at: int
    seq: int
    chain: bytes
    left: int
    debt: int
    used: int
    used_total: int
    turns: int
    granted: int
    drawn: int
    expired: int
    clawed: int
    charged: int
    forgiven: int
    bought: int
    period_start_at: int
    period_end_at: int


FIGURES: Final = Standing._fields[Standing._fields.index("plan") :]
FIRST: Final = len(Standing._fields) - len(FIGURES)
CHECK_OF: Final = {
    "seq": "journal",
    "chain": "chain",
    "used": "usage",
    "used_total": "usage",
    "turns": "usage",
}
"""Figures with a check of their own; all others are `rebuilt`."""
LAW_1: Final = ("left", "debt", "granted", "drawn", "expired", "clawed", "charged", "forgiven")
"""The figures of law 1, in the order in which `conservation` takes them."""

_encode: Final = msgspec.json.Encoder().encode
_lots: Final = msgspec.json.Decoder(tuple[Lot, ...]).decode
_open: Final = msgspec.json.Decoder(dict[str, Open]).decode
_chats_stored: Final = msgspec.json.Decoder(list[tuple[str, int, int]]).decode


def findings(fold: Fold, standing: Standing, held_below: int = 0) -> list[Finding]:
    """Return what of an account does not agree: with its journal, with itself, with what stands beside it.

    `held_below` is what the open reservations of those who draw on this account hold of it. What the fold
    found in the journal itself comes first.
    """
    if standing.ref is None:
        fold.found("orphans", "balances", 0, 1)
    if standing.plan is None:
        fold.found("initialised", "balances", 1, 0)
        if fold.seq:
            fold.found("orphans", "entries", 0, fold.seq)
        return fold.wrong
    if standing[FIRST:] != (expected := fold.figures()):
        _differ(fold, FIGURES, expected, standing[FIRST:])
    profile, kept = (standing.pays_itself, standing.time_zone), (standing.own_credit, standing.zone)
    if profile != kept and standing.ref is not None:
        _differ(fold, ("own_credit", "zone"), profile, kept)
    _conserved(fold, standing)
    _lots_differ(fold, standing)
    _held(fold, standing, held_below)
    for order, (state, credit, back, granted, clawed) in fold.orders.items():
        if granted != credit:
            fold.found("orders", f"grant of order {order}", credit, granted)
        # A claw-back by hand may have taken more than the refunds of an order that is still a purchase.
        expected = credit if state == "refunded" else back
        if clawed < expected or (state == "refunded" and clawed != credit):
            fold.found("orders", f"refund of order {order}", expected, clawed)
    if standing.chat_tokens is not None and fold.tokens is not None and standing.chat_tokens > fold.tokens:
        fold.found("chat", "tokens", fold.tokens, standing.chat_tokens)
    _chats(fold, standing)
    return fold.wrong


def conserved(figures: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """Yield where law 1 does not hold of the figures `LAW_1`, be they one account's or the sum of all.

    Each: the figure, what it must be, what it is.
    """
    left, debt, granted, drawn, expired, clawed, charged, forgiven = figures
    if granted != left + drawn + expired + clawed:
        yield "granted", left + drawn + expired + clawed, granted
    if charged != drawn + debt + forgiven:
        yield "charged", drawn + debt + forgiven, charged


def _differ(fold: Fold, names: Sequence[str], expected: Sequence[Any], found: Sequence[Any]) -> None:
    """Name each figure that is not what it must be."""
    for name, right, stored in zip(names, expected, found, strict=True):
        if right != stored:
            fold.found(CHECK_OF.get(name, "rebuilt"), name, _told(right), _told(stored))


def _conserved(fold: Fold, standing: Standing) -> None:
    """Hold law 1 and its companions against the stored figures."""
    s = standing
    for figure, expected, found in conserved(
        (s.left, s.debt, s.granted, s.drawn, s.expired, s.clawed, s.charged, s.forgiven)
    ):
        fold.found("conservation", figure, expected, found)
    if s.debt and s.left:
        fold.found("conservation", "debt", 0, s.debt)


def _lots_differ(fold: Fold, standing: Standing) -> None:
    """Hold the stored lots, and when they end, against those that the journal left."""
    expected = fold.standing_lots(standing.rolled_at)
    due_at = min([standing.period_end_at, *(lot[5] for lot in expected)])
    if standing.due_at > due_at:
        fold.found("due", "due_at", due_at, standing.due_at)
    if (text := _encode(expected).decode()) == standing.lots:
        return
    try:
        right, stored = _lots(text), _lots(standing.lots)
    except msgspec.MsgspecError:
        fold.found("rebuilt", "lots", text, standing.lots)
        return
    by_id, stored_by_id = {lot.id: lot for lot in right}, {lot.id: lot for lot in stored}
    for lot in sorted({*by_id, *stored_by_id}):
        one, other = by_id.get(lot), stored_by_id.get(lot)
        if one is None or other is None or one.left != other.left:
            fold.found("rebuilt", f"lot {lot}", one and one.left, other and other.left)
        elif one != other:
            fold.found("rebuilt", f"lot {lot}", _encode(one).decode(), _encode(other).decode())
    if len(stored) != len(stored_by_id):
        fold.found("rebuilt", "lots", text, standing.lots)


def _held(fold: Fold, standing: Standing, held_below: int) -> None:
    """Hold law 2 against the stored figure, and look that no reservation can stay open for ever."""
    try:
        opened = _open(standing.open).values() if standing.open != "{}" else ()
    except msgspec.MsgspecError:
        fold.found("held", "open", None, standing.open)
        return
    own = sum(one.amount for one in opened) if standing.own_credit else 0
    if standing.held != own + held_below:
        fold.found("held", "held", own + held_below, standing.held)
    lapses_at = min((one.lapses_at for one in opened), default=FOREVER)
    if standing.lapses_at > lapses_at:
        fold.found("due", "lapses_at", lapses_at, standing.lapses_at)


def _chats(fold: Fold, standing: Standing) -> None:
    """Hold what each session of the chat used against the entries that name it."""
    if not standing.chats and not fold.sessions:
        return
    stored = {one[0]: one[1:] for one in _chats_stored(standing.chats)} if standing.chats else {}
    for session in sorted(stored.keys() | fold.sessions.keys()):
        right, kept = fold.sessions.get(session, [0, 0]), stored.get(session, [0, 0])
        for what, expected, found in zip(("tokens", "charge"), right, kept, strict=True):
            if expected != found:
                fold.found("chat", f"{what} of session {session}", expected, found)


def _told(value: Any) -> int | str | None:
    """Return a figure as a report can show it."""
    if isinstance(value, bytes):
        return value.hex()
    return str(value).lower() if isinstance(value, bool) else value
