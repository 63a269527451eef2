"""The books of a soak: what callers saw, what the provider says it produced, and what the journal charged.

The policy, by the plans in `stage`: a call whose caller heard it out is charged exactly what was produced.
Where the caller left, `drain` charges what was produced, the other plans the input and what was relayed: at
least what the caller has, at most what was produced; so is a stream that the app cut when it was told to go.
A call that was open when the app was killed lapses: free on `drain`, for its input on the others. What the
provider refused costs nothing, nor does what the going app cut before any of it came. No account is charged
more than it has, and none is refused that could have paid.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tests.soak.callers import Seen
from tests.soak.records import Line, Produced, Records

LEAST_OUTPUT = 16
"""Output tokens below which an account is refused rather than capped."""
OURS = (401, 402, 403, 404, 429)
"""Statuses by which we refuse; 503 asks for patience and is no refusal."""
LATE_MS = 10_000
"""How long a call may stay open behind its caller, on a busy machine, where it is not read to its end."""


@dataclass(slots=True)
class Books:
    """What was found: figures to print, and four lists that must be empty."""

    records: Records
    figures: Counter[str] = field(default_factory=Counter)
    overspend: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    false_refusals: list[str] = field(default_factory=list)

    @property
    def findings(self) -> dict[str, list[str]]:
        """Return the four lists."""
        names = ("overspend", "lost", "double", "false_refusals")
        return {name.replace("_", " "): getattr(self, name) for name in names}

    def __str__(self) -> str:
        figures = [f"{name:36} {count:12,}" for name, count in self.figures.items()]
        findings = [
            f"{name:36} {len(found):12,}" + "".join(f"\n    {one}" for one in found[:8])
            for name, found in self.findings.items()
        ]
        return "\n".join([*figures, *findings])

    def close(self) -> "Books":
        """Hold the records against each other, and return the books."""
        plans = {account.ref: account.plan for account in self.records.accounts}
        known = {one.id: one for one in self.records.seen if one.id}
        ended = self._by_operation()
        asked = {call.id: call for call in self.records.calls}
        for id_, line in ended.items():
            call, one, plan = asked.get(id_), known.get(id_), plans[line.ref]
            if line.lapsed:
                self._judge_lapse(line, call, one, plan)
            elif line.kind == "release":
                self._judge_release(line, call, one)
            elif call is None:
                self.overspend.append(f"charged, and the provider produced nothing: {line}, {one}")
            else:
                self._judge_charge(line, call, one, plan)
        self.lost += [
            f"in no entry: {call}, {known.get(id_)}" for id_, call in asked.items() if id_ not in ended
        ]
        self._judge_refusals(list(ended.values()))
        self._judge_balances()
        self._count(list(ended.values()))
        return self

    def _by_operation(self) -> dict[str, Line]:
        """Return the entry that ends each call; a second one, or a second call of one id, is a finding."""
        ended: dict[str, Line] = {}
        for line in self.records.lines:
            if line.operation in ended:
                self.double.append(f"{ended[line.operation]} and {line}")
            ended[line.operation] = line
        times = Counter(call.id for call in self.records.calls)
        self.double += [f"asked {count} times for {id_}" for id_, count in times.items() if count > 1]
        return ended

    def _judge_charge(self, line: Line, call: Produced, one: Seen | None, plan: str) -> None:
        """See whether a call is charged as the policy says."""
        if call.ended == "unread":  # It left us, and its caller left: its input is charged, as its plan says.
            if line.facts.get("ended") != "disconnect" or line.charge > self._input_most():
                self.overspend.append(f"came unread: {line}, {call}, {one}")
            return
        stopped = line.facts.get("ended") == "cut" and call.ended not in ("cut", "reset")
        heard = one is not None and one.ended == "whole"
        drained = plan == "drain" and call.ended != "cancelled"
        exact = (heard or drained) and not stopped
        least = call.tokens if exact else call.tokens_input + (one.tokens if one else 0)
        if line.charge < least:
            self.lost.append(f"less than {least}: {line}, {call}, {one}")
        if line.charge > call.tokens:
            self.overspend.append(f"more than {call.tokens}: {line}, {call}, {one}")

    def _input_most(self) -> int:
        """Return the input tokens of the longest prompt."""
        return max((call.tokens_input for call in self.records.calls), default=0)

    def _judge_release(self, line: Line, call: Produced | None, one: Seen | None) -> None:
        """See whether what was released had come to nothing, and whether that was nobody's gain."""
        stopped = line.note == "cut" and any(line.begun_ms <= told for told in self.records.told_ms)
        if call is not None and call.tokens_output and not stopped:
            self.lost.append(f"released: {line}, {call}, {one}")
        elif one is not None and one.tokens:
            self.lost.append(f"relayed, and released: {line}, {call}, {one}")

    def _judge_lapse(self, line: Line, call: Produced | None, one: Seen | None, plan: str) -> None:
        """See whether a call had a reason to lapse, and cost what its plan says."""
        killed = [killed for killed in self.records.killed_ms if line.begun_ms <= killed]
        if not killed:
            self.lost.append(f"lapsed, and nobody was killed: {line}, {one}")
        elif one is not None and (
            one.ended == "whole" or (plan != "drain" and one.over_ms < killed[0] - LATE_MS)
        ):
            self.lost.append(f"lapsed, and was over before the kill: {line}, {one}")
        if plan == "drain" and line.charge:
            self.overspend.append(f"its plan releases what lapses: {line}")
        if plan != "drain" and call is not None and line.charge != call.tokens_input:
            self.lost.append(f"its plan charges the input of what lapses: {line}, {call}")

    def _judge_refusals(self, ended: Sequence[Line]) -> None:
        """See whether each refusal of ours was right: of the poor, while they could not pay the least."""
        least = LEAST_OUTPUT + self._input_most()
        for one in self.records.seen:
            if one.status not in OURS or one.wish == f"error-{one.status}":
                continue
            if one.status != 402 or not one.account.poor or self._paid(one, ended) >= least:
                self.false_refusals.append(f"{one}")

    def _paid(self, one: Seen, ended: Sequence[Line]) -> int:
        """Return what a refused account could have paid at the worst moment between question and answer."""
        granted = next(row["granted"] for row in self.records.balances if row["ref"] == one.account.ref)
        moves = []
        for line in ended:
            if line.ref == one.account.ref:
                moves += [(line.begun_ms, line.reserved), (line.at_ms, line.charge - line.reserved)]
        moves.sort()
        spoken_for = list(zip([at for at, _ in moves], accumulate(by for _, by in moves), strict=True))
        before = [sum_ for at, sum_ in spoken_for if at < one.asked_ms][-1:]
        meanwhile = [sum_ for at, sum_ in spoken_for if one.asked_ms <= at <= one.over_ms]
        return granted - max([*before, *meanwhile], default=0)

    def _judge_balances(self) -> None:
        """See whether anything is still held, and whether anybody owes."""
        for row in self.records.balances:
            if row["opened"] or row["held"]:
                self.lost.append(f"still open: {dict(row)}")
            if row["debt"]:
                self.overspend.append(f"in debt: {dict(row)}")

    def _count(self, ended: Sequence[Line]) -> None:
        """Write down what happened, in figures."""
        seen, calls = self.records.seen, self.records.calls
        endings = Counter(one.ended for one in seen if one.status == 200)
        self.figures |= {
            "calls made": len(seen),
            "heard to the end": endings["whole"],
            "left by their caller": endings["left"],
            "broken off": endings["broken"],
            "not reached, or asked for patience": sum(one.status in (0, 503) for one in seen),
            "refused, all of them poor": sum(one.status == 402 for one in seen),
            "calls produced": len(calls),
            "tokens produced": sum(call.tokens for call in calls),
            "tokens charged": sum(line.charge for line in ended),
            "lapsed": sum(line.lapsed for line in ended),
            "released": sum(line.kind == "release" for line in ended),
        }
