"""Rows: a balance or an entry as the columns that stand in its table, and back.

The only place that knows their order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tokenhouse.rules.balance import Balance, Counter, Entry, Lot, Open
from tokenhouse.rules.chain import Sealed
from tokenhouse.rules.periods import instant
from tokenhouse.rules.usage import Usage

_lots: Final = msgspec.json.Decoder(tuple[Lot, ...])
_counters: Final = msgspec.json.Decoder(dict[str, Counter])
_open: Final = msgspec.json.Decoder(dict[str, Open])
_usage: Final = msgspec.json.Decoder(Usage)
_moves: Final = msgspec.json.Decoder(tuple[tuple[Any, ...], ...])
_facts: Final = msgspec.json.Decoder(dict[str, Any])
_encode: Final = msgspec.json.Encoder().encode


def balance(row: Any) -> Balance:
    """Return the balance of a row of `lock_balances`, which starts with its cell."""
    # fmt: off
    (
        _, account, plan, state, own_credit, zone, opened_at, version, seq, chain, left, held, debt,
        used, used_total, turns, granted, drawn, expired, clawed, charged, forgiven, bought,
        period_start_at, period_end_at, rolled_at, due_at, lapses_at, lots, counters, open_, *_,
    ) = row
    # fmt: on
    return Balance(
        account=account,
        plan=plan,
        state=state,
        own_credit=own_credit,
        zone=zone,
        opened_at=opened_at,
        version=version,
        seq=seq,
        chain=chain,
        left=left,
        held=held,
        debt=debt,
        used=used,
        used_total=used_total,
        turns=turns,
        granted=granted,
        drawn=drawn,
        expired=expired,
        clawed=clawed,
        charged=charged,
        forgiven=forgiven,
        bought=bought,
        period_start_at=period_start_at,
        period_end_at=period_end_at,
        rolled_at=rolled_at,
        due_at=due_at,
        lapses_at=lapses_at,
        lots=_lots.decode(lots),
        counters=_counters.decode(counters) if counters != "{}" else {},
        open=_open.decode(open_) if open_ != "{}" else {},
    )


def balance_columns(cell: int, one: Balance) -> tuple[Any, ...]:
    """Return what a change of an account can change, in the order of `changed_balance`."""
    return (
        cell,
        one.account,
        one.plan,
        one.state,
        one.version,
        one.seq,
        one.chain,
        one.left,
        one.held,
        one.debt,
        one.used,
        one.used_total,
        one.turns,
        one.granted,
        one.drawn,
        one.expired,
        one.clawed,
        one.charged,
        one.forgiven,
        one.bought,
        one.period_start_at,
        one.period_end_at,
        one.rolled_at,
        one.due_at,
        one.lapses_at,
        _encode(one.lots).decode(),
        _encode(one.counters).decode() if one.counters else "{}",
        _encode(one.open).decode() if one.open else "{}",
    )


def changed_columns(cell: int, one: Balance, was: int) -> tuple[Any, ...]:
    """Return a `changed_balance`: an account as a batch leaves it, and the version that it had read."""
    return (*balance_columns(cell, one), was)


def opened_columns(cell: int, one: Balance) -> tuple[Any, ...]:
    """Return the columns of `write_balances_opened`: the whole row."""
    changing = balance_columns(cell, one)
    return (*changing[:4], one.own_credit, one.zone, one.opened_at, *changing[4:])


def entry(row: Any) -> Entry:
    """Return the entry of a row of the journal, which starts with its cell."""
    _, account, seq, at, kind, amount, balance_after, charge, lots, operation = row[:10]
    model, usage, rate, source, actor, note, facts = row[10:17]
    return Entry(
        account=account,
        seq=seq,
        at=instant(at),
        kind=kind,
        amount=amount,
        balance_after=balance_after,
        charge=charge,
        lots=_moves.decode(lots) if lots else (),
        operation=operation.hex if operation else "",
        model=model,
        usage=_usage.decode(usage) if usage else None,
        rate=rate,
        source=source,
        actor=actor,
        note=note,
        facts=_facts.decode(facts) if facts else None,
    )


def entry_columns(cell: int, sealed: Sealed, at: datetime) -> tuple[Any, ...]:
    """Return a `new_entry`.

    `at` is the entry's instant as a datetime, made once for a batch.
    """
    one = sealed.entry
    return (
        cell,
        one.account,
        one.seq,
        at,
        one.kind,
        one.amount,
        one.balance_after,
        one.charge,
        sealed.lots,
        one.operation or None,
        one.model,
        sealed.usage,
        one.rate,
        one.source,
        one.actor,
        one.note,
        sealed.facts,
        sealed.hash,
    )


def columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows as columns, which is what `unnest` takes."""
    return list(zip(*rows, strict=True))
