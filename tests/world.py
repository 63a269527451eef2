"""The model's world: accounts as plain dictionaries, their lots, and time walked boundary by boundary.

As simple as can be, and apart from the rules: what is held is added up whenever it is asked. Only plans are
read, and periods found, by the rules' own modules.
"""

import copy
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.script import Facts, Runner, until
from tokenhouse.rules.periods import ALWAYS, FOREVER, instant, moment, period_of
from tokenhouse.rules.plans import Plan, parse_plan

Table = dict[str, Any]
LEVELS = (("block", "blocked"), ("critical", "critical"), ("warn", "warning"), ("buy", "buy"))


class No(Exception):
    """An answer that changes nothing."""

    def __init__(self, outcome: str, **facts: Any) -> None:
        super().__init__(outcome)
        self.facts = {"outcome": outcome, **facts}


class World(Runner):
    """Everybody's accounts, and what the verbs of the model are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[str, Plan] = {"plain": parse_plan({"name": "plain"})}
        self.world: Table = {"accounts": {}, "ended": {}, "grants": {}, "keys": {}, "orders": {}}

    @property
    def at(self) -> int:
        """Return the time in microseconds."""
        return instant(self.now)

    def _one(self, account: str) -> Table:
        return self.world["accounts"][account]

    def _path(self, account: str) -> list[Table]:
        return [self._one(name) for name in self._one(account)["path"]]

    def _plan(self, one: Table) -> Plan:
        return self.plans[one["plan"]]

    def _payer(self, account: str) -> Table:
        return next(one for one in self._path(account) if one["own"])

    def _parts(self, account: str) -> list[Table]:
        """Return those whose use a call of an account is: all up to the payer, and nobody above."""
        path = self._path(account)
        return path[: path.index(self._payer(account)) + 1]

    def _give(self, one: Table, amount: int, source: str, priority: int = 0, ends: int = FOREVER) -> None:
        """Add a lot; debt is paid from it."""
        one["made"] += 1
        one["bought"] += amount if source == "purchase" else 0
        lot = {"left": amount, "amount": amount, "source": source, "priority": priority, "ends": ends}
        one["lots"].append(lot | {"nth": one["made"]})
        paid = self._draw(one, one["debt"])
        one["debt"] -= paid

    def _draw(self, one: Table, amount: int) -> int:
        """Take from the lots in spend order; return what there was."""
        order = self._plan(one).spend.order
        ranks = [] if isinstance(order, str) else order

        def rank(lot: Table) -> tuple[Any, ...]:
            source = lot["source"]
            place = ranks.index(source) if source in ranks else len(ranks)
            return (place, lot["priority"], lot["ends"], source == "purchase", lot["nth"])

        wanted = amount
        for lot in sorted(one["lots"], key=rank):
            part = min(lot["left"], wanted)
            lot["left"] -= part
            wanted -= part
        return amount - wanted

    def _left(self, one: Table) -> int:
        return sum(lot["left"] for lot in one["lots"])

    def _held(self, world: Table, payer: Table) -> int:
        """Add up the open reservations of all who draw on an account."""
        held = 0
        for one in world["accounts"].values():
            path = [world["accounts"][name] for name in one["path"]]
            if next(above for above in path if above["own"]) is payer:
                held += sum(reservation["amount"] for reservation in one["open"].values())
        return held

    def _free(self, world: Table, payer: Table) -> int:
        """Return what may still be reserved."""
        capacity = payer["used"] + self._left(payer) - payer["debt"]
        over = (Fraction(self._plan(payer).stop.block) - 1) * max(capacity, 0)
        return self._left(payer) - payer["debt"] - self._held(world, payer) + over.__floor__()

    def _admit(self, account: str, amount: int, least: int, tokens: int, model: str, key: str) -> int:
        """Return what may be held, or say no: state, model, limits, credit."""
        path = self._path(account)
        for one in path:
            if one["state"] != "active":
                raise No("refused account_closed", by=one["name"])
        for one in path:
            allow = self._plan(one).models.allow
            fits = any(
                model == name or (name.endswith("*") and model.startswith(name[:-1])) for name in allow
            )
            if model and not fits:
                raise No("refused model_refused", by=one["name"])
        held = amount
        for one in path:
            for limit, counter in self._counters(one, model, key):
                room = max(limit.amount - counter[2], 0)
                wanted = {"requests": 1, "tokens": tokens, "credit": least}[limit.what]
                if wanted > room:
                    lifts = (
                        until(moment(counter[1]))
                        if wanted <= limit.amount and counter[1] < FOREVER
                        else "never"
                    )
                    facts = {"short": wanted - room, "until": lifts, "limit": limit.name, "by": one["name"]}
                    raise No("refused limit_reached", **facts)
                if limit.what == "credit":
                    held = min(held, room)
        payer = self._payer(account)
        free = self._free(self.world, payer)
        if least > 0 and free < least:
            lifts = until(moment(payer["end"])) if self._plan(payer).allowance else "never"
            raise No("refused insufficient_credit", short=least - free, until=lifts, by=payer["name"])
        return min(held, max(free, 0))

    def _counters(self, one: Table, model: str, key: str) -> list[tuple[Any, list[int]]]:
        """Return each limit of an account with its counter [start, end, used] of this moment."""
        found = []
        plan = self._plan(one)
        for limit in plan.limit:
            name = limit.name + {"account": "", "model": f":{model}", "key": f":{key}"}[limit.per]
            counter = one["counters"].get(name)
            if counter is None or self.at >= counter[1]:
                zone = limit.time_zone or one["zone"] or plan.zone
                period = period_of(self.at, limit.every, "calendar", zone)
                counter = [period.start_at, period.end_at, 0]
                one["counters"][name] = counter
            found.append((limit, counter))
        return found

    def _count(self, account: str, amount: int, tokens: int, model: str, key: str) -> None:
        """Count an admitted call."""
        for one in self._path(account):
            for limit, counter in self._counters(one, model, key):
                counter[2] += {"requests": 1, "tokens": tokens, "credit": amount}[limit.what]

    def _correct(self, account: str, reservation: Table, tokens: int, amount: int) -> None:
        """Count what a call took in place of what it had reserved."""
        for one in self._path(account):
            for limit, counter in self._counters(one, reservation["model"], reservation["key"]):
                if limit.what != "requests":
                    name, took = ("tokens", tokens) if limit.what == "tokens" else ("amount", amount)
                    change = took - reservation[name]
                    if reservation["at"] < counter[0]:
                        change = max(change, 0)
                    counter[2] = max(counter[2] + change, 0)

    def _charge(self, account: str, cost: int, turns: int) -> int:
        """Charge the payer, count the use with all up to it; return what no lot covered."""
        for one in self._parts(account):
            one["used"] += cost
            one["used_total"] += cost
            one["turns"] += turns
        payer = self._payer(account)
        uncovered = cost - self._draw(payer, cost)
        payer["debt"] += uncovered
        payer["charged"] += cost
        return uncovered

    def _end(self, account: str, label: str, reservation: Table, how: str, cost: int) -> None:
        """End a reservation without its usage: released, or lapsed with a charge for its input."""
        self._correct(account, reservation, 0, cost)
        ended = {"how": how, "reserved": reservation["amount"], "settled": None, "charged": cost}
        self.world["ended"][account, label] = ended | {"used": bool(cost)}
        if cost:
            self._charge(account, cost, 0)

    # Time

    def _touch(self, account: str) -> None:
        """Bring a path forward, and let the account's own reservations lapse."""
        for one in self._path(account):
            self._roll(one)
        one = self._one(account)
        for label, reservation in [pair for pair in one["open"].items() if pair[1]["lapses"] <= self.at]:
            del one["open"][label]
            self._end(account, label, reservation, "lapsed", reservation["lapse_charge"])

    def _lapsed(self, one: Table) -> bool:
        """Whether an account has a reservation whose time is over."""
        return any(reservation["lapses"] <= self.at for reservation in one["open"].values())

    def _roll(self, one: Table) -> None:
        """Walk through every boundary up to now, one by one."""
        while True:
            ends = [lot["ends"] for lot in one["lots"]]
            at = min([*ends, one["end"], *(period.end_at for period in one["periods"])])
            if at > self.at:
                return
            one["rolled"] = max(one["rolled"], self.at)
            self._begin(one, at)

    def _begin(self, one: Table, at: int, *, everything: bool = False, less: int = 0) -> None:
        """Begin the periods that start at a boundary; or all of them anew, less what was spent already."""
        plan = self._plan(one)
        carried = [
            sum(lot["left"] for lot in one["lots"] if self._of(lot, terms) and lot["ends"] == at)
            for terms in plan.allowance
        ]
        one["lots"] = [lot for lot in one["lots"] if lot["ends"] > at]
        if everything or one["end"] == at:
            period = self._period(one, plan.allowance[0], at) if plan.allowance else ALWAYS
            one["start"], one["end"] = period.start_at, period.end_at
            if not everything:
                one["used"] = 0
                one["debt"] *= plan.stop.debt == "carry"
        if everything:
            one["periods"] = [ALWAYS for _ in plan.allowance if one["own"]]
        for nth, terms in enumerate(plan.allowance if one["own"] else ()):
            if not everything and one["periods"][nth].end_at != at:
                continue
            period = one["periods"][nth] = self._period(one, terms, at)
            rest, share = carried[nth], terms.rollover
            rest = min(rest, share) if isinstance(share, int) else (rest * Fraction(share)).__floor__()
            spent = min(less, terms.amount)
            less -= spent
            for amount in (0 if everything else rest, terms.amount - spent):
                if amount:
                    self._give(one, amount, "allowance", terms.priority, period.end_at)

    def _of(self, lot: Table, terms: Any) -> bool:
        return lot["source"] == "allowance" and lot["priority"] == terms.priority

    def _period(self, one: Table, terms: Any, at: int) -> Any:
        zone = terms.time_zone or one["zone"] or self._plan(one).zone
        return period_of(at, terms.every, terms.anchor, zone, one["opened"])

    # Where an account stands

    def _seen(self, account: str) -> Facts:
        """Return where an account stands now; looking changes nothing."""
        world = copy.deepcopy(self.world)
        self._touch(account)
        facts = self._standing(self.world, account)
        self.world = world
        return facts

    def _standing(self, world: Table, account: str) -> Facts:
        one, payer = self._one(account), self._payer(account)
        left, debt, used = self._left(payer), payer["debt"], payer["used"]
        held, free, capacity = self._held(world, payer), self._free(world, payer), used + left - debt
        available = left - held - debt
        stop = self._plan(payer).stop
        reached = (name for share, name in LEVELS if used >= Fraction(getattr(stop, share)) * capacity)
        percent = Fraction(used * 10_000, capacity) if capacity > 0 else Fraction(10_000)
        turns, total = one["turns"], one["used_total"]
        return {
            "available": available,
            "spendable": max(free, 0),
            "remaining": max(left - debt, 0),
            "held": held,
            "debt": debt,
            "used": one["used"],
            "turns": turns,
            "bought": payer["bought"],
            "bought_left": sum(lot["left"] for lot in payer["lots"] if lot["source"] == "purchase"),
            "charged": payer["charged"],
            "percent": f"{(percent + Fraction(1, 2)).__floor__() / 100:.2f}",
            "level": next(reached, "normal") if capacity > 0 else "blocked",
            "estimated": max(available, 0) * turns // total if turns and total else None,
            "ends": until(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one["end"]))
            if one["end"] < FOREVER
            else "never",
        }
