"""An account folded from its journal is the account, whatever happened to it; no line changes unnoticed."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.audit import CHECKS, FIGURES, Standing, conserved, findings
from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.chain import seal
from tokenhouse.rules.operations import (
    Adjust,
    Amend,
    Charge,
    ClawBack,
    Done,
    Grant,
    Operation,
    Refund,
    Release,
    Reserve,
    Settle,
    Touch,
    subject_of,
)
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.rebuild import Finding, Fold
from tokenhouse.rules.usage import Usage
from tokenhouse.rules.verdict import Member

DAY = 86_400 * 10**6
START = 20_000 * DAY
UNIT = {"name": "token", "decimals": 0}
PLANS = {
    one["name"]: parse_plan({"unit": UNIT, **one})
    for one in (
        {
            "name": "carry",
            "allowance": [{"amount": 1_000, "every": "month", "rollover": 300}],
            "signup": {"amount": 50},
            "stop": {"debt": "carry", "block": 2.0},
            "reserve": {"how": "worst-case", "on_lapse": "charge-input"},
        },
        {
            "name": "forgive",
            "allowance": [{"amount": 200, "every": "day", "priority": 1}, {"amount": 500, "every": "week"}],
            "stop": {"debt": "forgive", "block": 1.5},
            "reserve": {"how": "none"},
        },
        {"name": "bought"},
    )
}

ORDER = f"{2:032x}"
ORDERS = f'[["{ORDER}","completed",100,0]]'
"""What `busy` bought by an order."""

Row = tuple[Any, ...]


class Ledger:
    """One account and its journal, as the writer would store them, without a database."""

    def __init__(self, plan: str = "carry") -> None:
        self.now = START
        self.entries: list[Entry] = []
        self.rows: list[Row] = []
        self.orders: str | None = None
        self.ids = 0
        self.balance, entries = opened(7, PLANS[plan], self.now)
        self._keep(entries)

    @property
    def plan(self) -> Plan:
        return PLANS[self.balance.plan]

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def ask(self, operation: Operation) -> Any:
        plan = self.plan
        if isinstance(operation, Amend) and operation.plan is not None:
            plan = PLANS[operation.plan]
        ended = [one for one in self.entries if one.operation == subject_of(operation)]
        balances, entries, outcome = apply([Member(self.balance, plan)], operation, self.now, ended)
        self.balance = balances[0]
        self._keep(entries)
        return outcome

    def _keep(self, entries: list[Entry]) -> None:
        for entry in entries:
            sealed = seal(self.balance.chain, entry)
            self.balance.chain = sealed.hash
            self.entries.append(entry)
            money = (entry.amount, entry.balance_after, entry.charge, sealed.lots)
            call = (entry.operation, entry.model, sealed.usage, entry.rate, entry.source)
            rest = (entry.actor, entry.note, sealed.facts, sealed.hash)
            self.rows.append((entry.account, entry.seq, entry.at, entry.kind, *money, *call, *rest))

    def standing(self, **other: Any) -> Standing:
        one = self.balance
        stored = {
            "account": one.account,
            "ref": "ann",
            "pays_itself": one.own_credit,
            "time_zone": one.zone,
            "orders": self.orders,
            "chat_tokens": None,
            "chats": None,
            **{name: getattr(one, name) for name in ("own_credit", "zone", "held", "rolled_at", "due_at")},
            "lapses_at": one.lapses_at,
            "lots": msgspec.json.encode(one.lots).decode(),
            "open": msgspec.json.encode(one.open).decode(),
            **{name: getattr(one, name) for name in FIGURES},
        }
        return Standing(**{**stored, **other})

    def found(self, rows: list[Row] | None = None, **other: Any) -> list[Finding]:
        fold = Fold(
            "ann",
            orders=other.get("orders", self.orders),
            chats="chat_tokens" in other,
            one_to_one=other.pop("one_to_one", False),
        )
        for row in self.rows if rows is None else rows:
            fold.take(row)
        return findings(fold, self.standing(**other))


def told(found: list[Finding]) -> set[tuple[str, str]]:
    assert all(one.account == "ann" and one.check in CHECKS for one in found)
    return {(one.check, one.figure) for one in found}


def busy(plan: str = "carry") -> Ledger:
    """An account to which everything has happened that can happen to one that pays for itself."""
    ledger = Ledger(plan)
    grant = ledger.new_id()
    assert ledger.new_id() == ORDER
    ledger.orders = ORDERS
    for one in (
        Grant(id=grant, amount=400, source="purchase"),
        Grant(id=ORDER, amount=100, source="purchase", facts={"order": ORDER}),
    ):
        assert isinstance(ledger.ask(one), Done)
    for nth in range(14):
        one = ledger.new_id()
        ledger.now += DAY // 3
        usage = Usage(input=100 + nth, output=40)
        ledger.ask(Reserve(id=one, amount=200, least=1, tokens=200, lapse_charge=20))
        if nth % 5 == 4:
            ledger.ask(Release(id=one))
        elif nth % 5 == 3:
            ledger.now += DAY
            ledger.ask(Touch(id=ledger.new_id()))
            ledger.ask(Settle(id=one, charge=150, usage=usage))
        else:
            ledger.ask(Settle(id=one, charge=usage.total, usage=usage))
            if nth % 5 == 1:
                ledger.ask(Refund(id=ledger.new_id(), charge_of=one, amount=60))
    ledger.ask(ClawBack(id=ledger.new_id(), grant=grant, amount=350))
    ledger.ask(Charge(id=ledger.new_id(), charge=5_000, forced=True, turns=3))
    ledger.ask(Adjust(id=ledger.new_id(), amount=-70))
    ledger.ask(Adjust(id=ledger.new_id(), amount=90))
    ledger.ask(Amend(id=ledger.new_id(), state="suspended"))
    ledger.ask(Amend(id=ledger.new_id(), state="active", plan="forgive"))
    ledger.now += 40 * DAY
    ledger.ask(Touch(id=ledger.new_id()))
    ledger.ask(Amend(id=ledger.new_id(), plan="carry"))
    ledger.ask(Reserve(id=ledger.new_id(), amount=50, least=1))
    ledger.now += 100 * DAY
    ledger.ask(Charge(id=ledger.new_id(), charge=30))
    ledger.ask(Reserve(id=ledger.new_id(), amount=40, least=1))
    return ledger


@pytest.mark.row("A2", "A5")
@pytest.mark.parametrize("plan", PLANS)
def test_an_account_folded_from_its_journal_is_the_account(plan):
    ledger = busy(plan)
    kinds = {row[3] for row in ledger.rows}
    if plan == "carry":
        assert kinds == {
            *("open", "signup", "allowance", "rollover", "grant", "charge", "repay", "expire", "forgive"),
            *("period", "claw_back", "refund", "adjust", "amend", "release", "lapse"),
        }
    assert ledger.found() == []


operations = st.one_of(
    st.tuples(st.just("grant"), st.integers(1, 2_000)),
    st.tuples(st.just("expiring"), st.integers(1, 2_000)),
    st.tuples(st.just("reserve"), st.integers(0, 900)),
    st.tuples(st.just("settle"), st.integers(0, 1_200)),
    st.tuples(st.just("release"), st.just(0)),
    st.tuples(st.just("charge"), st.integers(0, 900)),
    st.tuples(st.just("forced"), st.integers(0, 3_000)),
    st.tuples(st.just("refund"), st.integers(1, 500)),
    st.tuples(st.just("claw_back"), st.integers(1, 900)),
    st.tuples(st.just("adjust"), st.integers(-900, 900).filter(bool)),
    st.tuples(st.just("plan"), st.sampled_from(sorted(PLANS))),
    st.tuples(st.just("state"), st.sampled_from(["active", "suspended"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 10**6, 16 * 60 * 10**6, DAY, 9 * DAY, 70 * DAY, -DAY])),
)


@given(st.sampled_from(sorted(PLANS)), st.lists(operations, max_size=40))
def test_whatever_happens_to_an_account_its_journal_tells_it(plan, steps):
    ledger = Ledger(plan)
    grants, calls, charges = [], [], []
    for what, value in steps:
        one = ledger.new_id()
        match what:
            case "grant" | "expiring":
                end_at = {"expires_at": ledger.now + 5 * DAY} if what == "expiring" else {}
                source = "purchase" if value % 2 else "bonus"
                ledger.ask(Grant(id=one, amount=value, source=source, **end_at))
                grants.append(one)
            case "reserve":
                ledger.ask(Reserve(id=one, amount=value, least=0, lapse_charge=value // 3))
                calls.append(one)
            case "settle" if calls:
                charges.append(calls[-1])
                ledger.ask(Settle(id=calls[-1], charge=value))
            case "release" if calls:
                ledger.ask(Release(id=calls[-1]))
            case "charge" | "forced":
                ledger.ask(Charge(id=one, charge=value, forced=what == "forced", turns=2))
                charges.append(one)
            case "refund" if charges:
                ledger.ask(Refund(id=one, charge_of=charges[-1], amount=value))
            case "claw_back" if grants:
                ledger.ask(ClawBack(id=one, grant=grants[-1], amount=value))
            case "adjust":
                ledger.ask(Adjust(id=one, amount=value))
            case "plan":
                ledger.ask(Amend(id=one, plan=value))
            case "state":
                ledger.ask(Amend(id=one, state=value))
            case "wait":
                ledger.now += value
        ledger.ask(Touch(id=ledger.new_id()))
    assert ledger.found() == []


def changed(row: Row, **columns: Any) -> Row:
    names = (
        "account",
        "seq",
        "at",
        "kind",
        "amount",
        "balance_after",
        "charge",
        "lots",
        "operation",
        "model",
    )
    names += ("usage", "rate", "source", "actor", "note", "facts", "hash")
    return tuple(columns.get(name, value) for name, value in zip(names, row, strict=True))


def one_of(rows: list[Row], kind: str) -> int:
    return next(nth for nth, row in enumerate(rows) if row[3] == kind)


COLUMNS = {
    "amount": ("charge", -1),
    "balance_after": ("charge", 10**6),
    "charge": ("charge", 10**6),
    "lots": ("charge", "[[2,-1]]"),
    "at": ("open", 1),
    "kind": ("release", "lapse"),
    "operation": ("charge", "f" * 32),
    "model": ("charge", "gpt-9"),
    "usage": ("charge", '{"input":1}'),
    "rate": ("charge", 9),
    "source": ("charge", "estimated"),
    "actor": ("grant", "mallory"),
    "note": ("grant", "nothing to see"),
    "facts": ("amend", None),
    "hash": ("charge", bytes(16)),
}
"""Column -> the first line of which kind is changed, and to what."""


@pytest.mark.row("A2", "C10")
@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_of_a_line_can_be_changed_unnoticed(column):
    ledger = busy()
    kind, other = COLUMNS[column]
    nth = one_of(ledger.rows, kind)
    rows = list(ledger.rows)
    rows[nth] = changed(rows[nth], **{column: other})
    found = ledger.found(rows)
    assert ("chain", "hash") in told(found)
    assert nth + 1 in {one.seq for one in found}


def test_a_line_that_is_missing_leaves_a_gap():
    ledger = busy()
    nth = one_of(ledger.rows, "refund")
    found = ledger.found(ledger.rows[:nth] + ledger.rows[nth + 1 :])
    gap = next(one for one in found if one.figure == "seq")
    assert (gap.check, gap.expected, gap.found, gap.seq) == ("journal", nth + 1, nth + 2, nth + 2)
    assert ("rebuilt", "left") in told(found)


def test_a_last_line_that_is_missing_is_missed():
    ledger = busy()
    found = ledger.found(ledger.rows[:-1])
    assert {("journal", "seq"), ("chain", "chain")} <= told(found)


def test_a_forged_line_with_a_right_hash_breaks_the_stored_end():
    ledger = busy()
    entry = Entry(
        account=7, seq=ledger.balance.seq + 1, at=ledger.now, kind="grant", amount=5, balance_after=5
    )
    sealed = seal(ledger.balance.chain, entry)
    forged = changed(ledger.rows[-1], seq=entry.seq, kind="grant", amount=5, lots=None, hash=sealed.hash)
    assert {("journal", "seq"), ("chain", "chain")} <= told(ledger.found([*ledger.rows, forged]))


def resealed(rows: list[Row]) -> list[Row]:
    """Chain lines anew, as a forger with the code could: only what they say can give them away."""
    chained, last = [], b""
    for row in rows:
        entry = Entry(
            **dict(
                zip(("account", "seq", "at", "kind", "amount", "balance_after", "charge"), row, strict=False)
            ),
            operation=row[8],
            model=row[9],
            usage=msgspec.json.decode(row[10], type=Usage) if row[10] else None,
            rate=row[11],
            source=row[12],
            actor=row[13],
            note=row[14],
            lots=tuple(map(tuple, msgspec.json.decode(row[7]))) if row[7] else (),
            facts=msgspec.json.decode(row[15]) if row[15] else None,
        )
        last = seal(last, entry).hash
        chained.append((*row[:16], last))
    return chained


FORGERIES = {
    "a release that moves credit": ("release", {"lots": "[[2,-1]]", "amount": -1}, ("journal", "lots")),
    "a lot under another's number": ("grant", {"lots": '[[2,400,"purchase",0,99]]'}, ("journal", "lots")),
    "more than a lot holds": ("charge", {"lots": "[[2,-100000]]"}, ("journal", "lots")),
    "a lot that never was": ("charge", {"lots": "[[999,-1]]"}, ("journal", "lots")),
    "credit out of nothing": ("release", {"amount": 9}, ("journal", "amount")),
    "a lot made by a charge": ("charge", {"lots": '[[12,5,"bonus",0,99]]'}, ("journal", "lots")),
    "a grant that costs": ("grant", {"charge": 4}, ("journal", "charge")),
    "a charge that costs nothing": ("charge", {"charge": 0}, ("journal", "charge")),
    "a plan that never was": ("amend", {"facts": '{"plan":"free"}'}, ("journal", "facts")),
    "no JSON of ours": ("charge", {"lots": '{"a":1}'}, ("journal", "facts")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_line_that_breaks_a_law_is_found_though_its_hash_is_right(forgery):
    kind, columns, expected = FORGERIES[forgery]
    ledger = busy()
    nth = one_of(ledger.rows, kind)
    fold = Fold("ann")
    rows = list(ledger.rows)
    rows[nth] = changed(rows[nth], **columns)
    for row in rows if forgery == "no JSON of ours" else resealed(rows):
        fold.take(row)
    seen = {(one.check, one.figure) for one in fold.wrong if one.seq == nth + 1}
    assert expected in seen
    assert (("chain", "hash") in seen) == (forgery == "no JSON of ours")


@pytest.mark.parametrize("figure", FIGURES)
def test_a_stored_figure_that_the_journal_does_not_give_is_found(figure):
    ledger = busy()
    value = getattr(ledger.balance, figure)
    other = value + 3 if isinstance(value, int) else value + (b"x" if isinstance(value, bytes) else "x")
    found = [one for one in ledger.found(**{figure: other}) if one.figure == figure]
    expected, stored = (one.hex() if isinstance(one, bytes) else one for one in (value, other))
    assert (expected, stored) in {(one.expected, one.found) for one in found}


STORED = {
    "held": ({"held": 41}, ("held", "held")),
    "an open reservation removed": ({"open": "{}"}, ("held", "held")),
    "open in another shape": ({"open": "[]"}, ("held", "open")),
    "a reservation that never lapses": ({"lapses_at": 2**62}, ("due", "lapses_at")),
    "a period that never ends": ({"due_at": 2**62}, ("due", "due_at")),
    "own credit": ({"own_credit": False}, ("rebuilt", "own_credit")),
    "time zone": ({"zone": "Asia/Seoul"}, ("rebuilt", "zone")),
    "no lots": ({"lots": "[]"}, ("rebuilt", "lot 53")),
    "lots in another shape": ({"lots": '{"a":1}'}, ("rebuilt", "lots")),
    "both debt and credit": ({"debt": 3, "charged": 10**6}, ("conservation", "debt")),
    "no account": ({"ref": None}, ("orphans", "balances")),
    "no balance": ({"plan": None}, ("initialised", "balances")),
    "no balance, yet a journal": ({"plan": None}, ("orphans", "entries")),
    "more chat than charges": ({"chat_tokens": 10**6, "one_to_one": True}, ("chat", "tokens")),
    "an order without its grant": ({"orders": '[["ff","completed",7,0]]'}, ("orders", "grant of order ff")),
    "a grant without its order": ({"orders": None}, ("orders", f"order {ORDER}")),
    "an order of other credit": (
        {"orders": ORDERS.replace(",100", ",99")},
        ("orders", f"grant of order {ORDER}"),
    ),
    "a refund that took nothing back": (
        {"orders": ORDERS.replace("completed", "refunded")},
        ("orders", f"refund of order {ORDER}"),
    ),
}


@pytest.mark.row("A2", "A5")
@pytest.mark.parametrize("what", STORED)
def test_what_stands_beside_the_journal_must_agree_with_it(what):
    other, expected = STORED[what]
    ledger = busy()
    if expected[1] == "lot 53":
        expected = ("rebuilt", f"lot {ledger.balance.lots[-1].id}")
    found = ledger.found(**other)
    assert expected in told(found)


def test_an_account_that_never_had_a_balance_lacks_that_and_nothing_else():
    assert told(Ledger().found([], plan=None)) == {("initialised", "balances")}
    assert told(Ledger().found(plan=None)) == {("initialised", "balances"), ("orphans", "entries")}


def test_each_lot_is_compared():
    ledger = busy()
    lots = [list(msgspec.to_builtins(lot)) for lot in ledger.balance.lots]
    assert len(lots) > 1

    def found(other: list[Any]) -> list[Finding]:
        return ledger.found(orders=ORDERS, lots=msgspec.json.encode(other).decode())

    assert found(lots) == []
    assert ledger.found(lots=str(lots).replace("'", '"')) == []
    less = [[*lots[0][:1], lots[0][1] - 1, *lots[0][2:]], *lots[1:]]
    assert [(one.figure, one.expected, one.found) for one in found(less)] == [
        (f"lot {lots[0][0]}", lots[0][1], lots[0][1] - 1)
    ]
    longer = [[*lots[0][:5], lots[0][5] - 1], *lots[1:]]
    assert [one.figure for one in found(longer)] == [f"lot {lots[0][0]}"]
    assert [one.figure for one in found([*lots, lots[0]])] == ["lots"]


def test_chat_is_compared_only_where_tokens_are_known():
    ledger = Ledger()
    ledger.ask(Charge(id=ledger.new_id(), charge=500, usage=Usage(input=300, output=50)))
    assert ledger.found(chat_tokens=350) == []
    assert told(ledger.found(chat_tokens=351)) == {("chat", "tokens")}
    ledger.ask(Charge(id=ledger.new_id(), charge=40))
    assert ledger.found(chat_tokens=10_000) == []
    assert ledger.found(chat_tokens=390, one_to_one=True) == []
    assert told(ledger.found(chat_tokens=391, one_to_one=True)) == {("chat", "tokens")}


def test_law_1_of_all_accounts_together():
    balance: Balance = busy().balance
    names = ("left", "debt", "granted", "drawn", "expired", "clawed", "charged", "forgiven")
    figures = [getattr(balance, name) for name in names]
    assert list(conserved(figures)) == []
    figures[2] += 5
    assert list(conserved(figures)) == [("granted", balance.granted, balance.granted + 5)]
    figures[6] -= 1
    assert [one[0] for one in conserved(figures)] == ["granted", "charged"]


def test_an_order_that_was_taken_back_is_sound():
    ledger = Ledger("bought")
    order = ledger.new_id()
    ledger.ask(Grant(id=order, amount=100, source="purchase", facts={"order": order}))
    ledger.ask(Charge(id=ledger.new_id(), charge=30))
    ledger.ask(ClawBack(id=order, grant=order, amount=100))
    ledger.orders = f'[["{order}","refunded",100,100]]'
    assert ledger.found() == []
