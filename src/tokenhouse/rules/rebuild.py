"""Rebuild: an account folded from its journal, from nothing, line by line.

Written for a million lines every few seconds: it works on rows as they are stored, and builds no entry.
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from tokenhouse.rules.balance import CHAIN_START, PURCHASE
from tokenhouse.rules.chain import HASH_BYTES
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.usage import Usage

COLUMNS: Final = 16
"""Columns of an entry that its hash covers, as `rules.chain` has them; a row is these and the hash."""

GIVES: Final = frozenset(("signup", "allowance", "rollover", "grant", "refund", "adjust", "claw_back"))
"""Kinds that may make a lot; a claw-back where it is undone."""
TAKES: Final = {
    "charge": "drawn",
    "repay": "drawn",
    "expire": "expired",
    "claw_back": "clawed",
    "adjust": "clawed",
}
"""Kinds that may take from lots -> the total in which it is counted."""
OWES: Final = frozenset(("charge", "claw_back", "adjust"))
"""Kinds that may add to the debt."""
PAYS: Final = frozenset(("repay", "forgive"))
"""Kinds that may lower the debt."""
COSTS: Final = {"charge": -1, "use": 0, "refund": -1, "unuse": 0}
"""Kinds with a charge -> by what it is multiplied to give the amount."""
USES: Final = frozenset(("charge", "use"))
"""Kinds that are usage: they count turns and tokens."""
NOTED: Final = frozenset(("open", "period", "amend", "allowance", "grant", "claw_back"))
"""Kinds that say more than figures."""
KEPT_EMPTY: Final = "allowance"
"""Source of the lots that stay listed when they are empty: see `rules.lots.keeps`."""

_encode: Final = msgspec.json.Encoder().encode
_list: Final = msgspec.json.Decoder(list[Any]).decode
_table: Final = msgspec.json.Decoder(dict[str, Any]).decode
_usage: Final = msgspec.json.Decoder(Usage).decode


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A law that does not hold: whose, which check, which figure, what it must be and what it is.

    `seq` is the entry that shows it; 0 where it is the account as a whole.
    """

    account: str
    check: str
    figure: str
    expected: int | str | None
    found: int | str | None
    seq: int = 0


class Fold:
    """One account as its journal tells it. `take` each entry in order of seq, then ask for `findings`."""

    __slots__ = (
        "account",
        "after",
        "bought",
        "chain",
        "charged",
        "chats",
        "clawed",
        "debt",
        "drawn",
        "expired",
        "forgiven",
        "granted",
        "left",
        "lots",
        "one_to_one",
        "opened_at",
        "orders",
        "period_end_at",
        "period_start_at",
        "plan",
        "purchases",
        "seq",
        "sessions",
        "state",
        "tokens",
        "turns",
        "used",
        "used_total",
        "wrong",
    )

    def __init__(
        self, account: str, *, orders: str | None = None, chats: bool = False, one_to_one: bool = False
    ) -> None:
        """Begin with nothing.

        Args:
            account: its outside name, for the findings.
            orders: its completed and refunded orders, [[id, state, credit, asked back of it], …] as JSON.
            chats: whether it has chat sessions, so that the tokens of its usage matter.
            one_to_one: whether a charge without a usage counts as that many tokens.
        """
        self.account = account
        self.wrong: list[Finding] = []
        self.plan, self.state = "", "active"
        self.opened_at = self.seq = self.after = self.left = self.debt = 0
        self.chain = CHAIN_START
        self.used = self.used_total = self.turns = 0
        self.granted = self.drawn = self.expired = self.clawed = self.charged = self.forgiven = 0
        self.bought = 0
        self.purchases: set[str] = set()
        self.period_start_at, self.period_end_at = 0, FOREVER
        self.lots: dict[int, list[Any]] = {}
        self.orders = {one[0]: [*one[1:], 0, 0] for one in _list(orders)} if orders else {}
        self.chats, self.one_to_one = chats, one_to_one
        self.tokens: int | None = 0
        self.sessions: dict[str, list[int]] = {}
        """Session of the chat -> tokens and charge of the entries that name it."""

    def take(self, row: Any) -> None:
        """Take the next entry: a row of the journal, in order of seq."""
        columns = row[:COLUMNS]
        stored = row[COLUMNS]
        _, seq, at, kind, amount, after, charge, lots, operation, _, usage, _, _, _, _, facts = columns
        if seq != self.seq + 1:
            self.found("journal", "seq", self.seq + 1, seq, seq)
            self.after = after - amount
        elif (hash_ := sha256(self.chain + _encode(columns)).digest()[:HASH_BYTES]) != stored:
            self.found("chain", "hash", hash_.hex(), stored.hex(), seq)
        self.seq, self.chain = seq, stored
        if self.after + amount != after:
            self.found("journal", "balance_after", self.after + amount, after, seq)
        self.after = after
        try:
            up, down = self._move(_list(lots), seq, at, kind) if lots is not None else (0, 0)
            owed = up - down - amount
            if kind == "charge" and not up and owed >= 0 and charge == -amount:
                self.drawn += down
                self.charged += charge
            else:
                self._book(seq, kind, amount, charge, up, down, owed)
            self.left += up - down
            self.debt += owed
            if charge or kind in USES:
                self._use(kind, charge, usage, facts)
            if kind in NOTED:
                self._note(seq, at, kind, operation, amount, _table(facts) if facts else {})
        except (ValueError, TypeError, KeyError, IndexError, msgspec.MsgspecError):
            self.found("journal", "facts", None, f"{lots} {usage} {facts}"[:200], seq)

    def figures(self) -> tuple[Any, ...]:
        """Return the figures that the stored balance must have, in the order of `FIGURES`."""
        return (
            self.plan,
            self.state,
            self.opened_at,
            self.seq,
            self.chain,
            self.left,
            self.debt,
            self.used,
            self.used_total,
            self.turns,
            self.granted,
            self.drawn,
            self.expired,
            self.clawed,
            self.charged,
            self.forgiven,
            self.bought,
            self.period_start_at,
            self.period_end_at,
        )

    def standing_lots(self, rolled_at: int) -> list[list[Any]]:
        """Return the lots that the stored balance must list, having been brought forward to `rolled_at`."""
        self._forget(rolled_at)
        return list(self.lots.values())

    def found(self, check: str, figure: str, expected: Any, found: Any, seq: int = 0) -> None:
        """Note a law that does not hold."""
        self.wrong.append(
            Finding(account=self.account, check=check, figure=figure, expected=expected, found=found, seq=seq)
        )

    def _move(self, moves: list[Any], seq: int, at: int, kind: str) -> tuple[int, int]:
        """Move credit into and out of lots; return how much each way."""
        up = down = 0
        for move in moves:
            lot, change = move[0], move[1]
            if len(move) > 2:
                source, priority, expires_at = move[2:]
                if lot != seq or change <= 0:
                    self.found("journal", "lots", f"[{seq}, +]", f"[{lot}, {change}]", seq)
                self.lots[lot] = [lot, change, change, source, priority, expires_at]
                up += change
                if source == PURCHASE:
                    self.bought += change
                continue
            down -= change
            one = self.lots.get(lot)
            if one is None or change > 0 or one[1] + change < 0:
                self.found("journal", "lots", -one[1] if one else None, f"[{lot}, {change}]", seq)
            if one is not None:
                one[1] += change
                if kind == "expire" and one[5] > at:  # Withdrawn by a change of plan: it says what it spent.
                    one[2] += change
                gone = one[5] <= at or not one[2] if kind == "expire" else one[3] != KEPT_EMPTY
                if gone and not one[1]:
                    del self.lots[lot]
        return up, down

    def _book(self, seq: int, kind: str, amount: int, charge: int, up: int, down: int, owed: int) -> None:
        """Count a movement of any kind in the totals; what its kind may not do is found."""
        if up and kind not in GIVES:
            self.found("journal", "lots", 0, up, seq)
        if down and kind not in TAKES:
            self.found("journal", "lots", 0, -down, seq)
        if (owed > 0 and kind not in OWES) or (owed < 0 and kind not in PAYS):
            self.found("journal", "amount", amount + owed, amount, seq)
        if charge * COSTS.get(kind, 0) != (amount if kind in COSTS else 0) or (charge and kind not in COSTS):
            self.found("journal", "charge", -amount if kind in COSTS else 0, charge, seq)
        self.granted += up
        if kind in TAKES:
            total = TAKES[kind]
            setattr(self, total, getattr(self, total) + down)
        if kind == "forgive":
            self.forgiven -= owed
        elif owed > 0:
            self.charged += owed
        if kind == "charge":
            self.charged += down

    def _use(self, kind: str, charge: int, usage: str | None, facts: str | None) -> None:
        """Count what a call used, or what was given back of it."""
        self.used = max(self.used + charge, 0)
        self.used_total += charge
        if kind not in USES:
            return
        if facts is None or '"part"' not in facts:  # Whoever stood above the payer had none, nor a turn.
            self.turns += _table(facts).get("turns", 1) if facts and '"turns"' in facts else 1
        if facts and '"session"' in facts:
            figures = self.sessions.setdefault(str(_table(facts).get("session")), [0, 0])
            figures[0] += _usage(usage).total if usage else 0
            figures[1] += charge
        if self.chats and self.tokens is not None:
            if usage or self.one_to_one or not charge:
                self.tokens += _usage(usage).total if usage else charge
            else:
                self.tokens = None  # Nobody knows how many tokens this charge was for.

    def _note(self, seq: int, at: int, kind: str, operation: str, amount: int, facts: dict[str, Any]) -> None:
        """Take over what an entry of a kind in `NOTED` says beside its figures."""
        match kind:
            case "open":
                self.opened_at, self.plan = at, facts["plan"]
                self.period_start_at, self.period_end_at = facts["start_at"], facts["end_at"]
            case "period":
                self.used = 0
                self.period_start_at, self.period_end_at = facts["start_at"], facts["end_at"]
            case "amend" if "plan" in facts:
                self.plan = facts["plan"][1]
                self.period_start_at, self.period_end_at = facts["start_at"], facts["end_at"]
            case "allowance":
                self._forget(at)
            case "grant" if operation in self.orders:
                self.orders[operation][3] += amount
            case "grant" if "order" in facts:
                self.found("orders", f"order {facts['order']}", "completed", None, seq)
            case "claw_back" if operation in self.orders:
                self.orders[operation][4] += facts["asked"]
        if kind == "amend" and "state" in facts:
            self.state = facts["state"][1]
        elif kind == "grant" and self.lots[seq][3] == PURCHASE:
            self.purchases.add(operation)
        elif kind == "claw_back" and operation in self.purchases:
            self.bought -= facts["asked"] + max(amount, 0)  # Undone, it has made a lot, which was counted.

    def _forget(self, at: int) -> None:
        """Drop empty lots that ended by `at`, so that a fold stays as small as its account."""
        gone = [one[0] for one in self.lots.values() if not one[1] and one[5] <= at]
        for lot in gone:
            del self.lots[lot]
