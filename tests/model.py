"""A house of plain dictionaries that predicts every answer, written as simply as can be, apart from the rules.

It walks through time boundary by boundary, keeps lots in a list, adds up what is held whenever it is asked, and
copies the whole world before every step, so that a no is a world thrown away. Only plans are read, and periods
found, by the rules' own modules.
"""

import copy
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.script import Command, Facts, Runner, ends_of, plan_document, until
from tokenhouse.rules.periods import ALWAYS, FOREVER, instant, moment, period_of
from tokenhouse.rules.plans import Plan, parse_plan

World = dict[str, Any]
LEVELS = (("block", "blocked"), ("critical", "critical"), ("warn", "warning"), ("buy", "buy"))


class No(Exception):
    """An answer that changes nothing."""

    def __init__(self, outcome: str, **facts: Any) -> None:
        super().__init__(outcome)
        self.facts = {"outcome": outcome, **facts}


class Model(Runner):
    """The predicting house. `answer` gives what the real one must answer to the same command."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[str, Plan] = {"plain": parse_plan({"name": "plain"})}
        self.world: World = {"accounts": {}, "ended": {}, "grants": {}, "keys": {}, "orders": {}}

    @property
    def at(self) -> int:
        """Return the time in microseconds."""
        return instant(self.now)

    def plan(self, _account: str, command: Command) -> Facts:
        document = plan_document(command)
        self.plans[document["name"]] = parse_plan(document, environment="development")
        return {}

    def account(self, account: str, command: Command) -> Facts:
        plan, below = self.plans[command.get("plan", "plain")], command.get("below")
        own = {"yes": True, "no": False, "": not below}[command.get("own")]
        one = {
            "name": account, "plan": plan.name, "state": "active", "own": own, "zone": command.get("zone"),
            "opened": self.at, "rolled": self.at, "lots": [], "made": 0, "debt": 0, "used": 0, "used_total": 0,
            "turns": 0, "charged": 0, "counters": {}, "open": {},
            "path": [account, *(self.world["accounts"][below]["path"] if below else ())],
        }  # fmt: skip
        self.world["accounts"][account] = one
        if own and plan.signup.amount:
            self._give(one, plan.signup.amount, "signup")
        self._begin(one, self.at, everything=True)
        if command.get("grant"):
            self._give(one, command.number("grant"), "bonus")
        return {"outcome": "ok", **self._standing(self.world, account)}

    async def answer(self, command: Command) -> Facts:
        """Return the answer; what it changes is kept only if it is a yes."""
        if command.verb in {"tick", "at", "plan", "account", "show", "crash", "cut", "upkeep"}:
            return await super().answer(command)
        before = copy.deepcopy(self.world)
        account = command.account or self.current
        try:
            if command.verb not in {"order", "fail"}:  # These two touch the order alone.
                self._touch(account)
            facts = {
                "uncovered": 0,
                "written_off": 0,
                "late": "no",
                **getattr(self, command.verb)(account, command),
            }
        except No as no:
            self.world = before
            return {**self._seen(account), **no.facts}
        return {**self._seen(account), "outcome": "ok", **facts}

    def upkeep(self, _account: str, _command: Command) -> Facts:
        accounts = self.world["accounts"]
        lapsed = [
            n for n, one in accounts.items() if any(r["lapses"] <= self.at for r in one["open"].values())
        ]
        for name in [*lapsed, *accounts]:
            self._touch(name)
        return {"lapsed": len(lapsed)}

    def show(self, account: str, _command: Command) -> Facts:
        return self._seen(account)

    # The verbs, on a world that was brought forward

    def reserve(self, account: str, command: Command) -> Facts:
        amount = command.amount
        least = command.number("least", amount)
        self._repeat(account, command)
        tokens, model, key = command.number("tokens"), command.get("model"), command.get("api_key")
        held = self._admit(account, amount, least, tokens, model, key)
        plan = self._plan(self._one(account))
        self._count(account, held, tokens, model, key)
        lapse_charge = command.number("lapse_charge") if plan.reserve.on_lapse == "charge-input" else 0
        self._one(account)["open"][command.label] = {
            "amount": held, "tokens": tokens, "model": model, "key": key, "at": self.at,
            "lapses": self.at + plan.lapse_after, "lapse_charge": min(lapse_charge, held),
        }  # fmt: skip
        return self._first(account, command, {"amount": held})

    def settle(self, account: str, command: Command) -> Facts:
        one, asked = self._one(account), command.amount
        given = command.get("usage")
        tokens = sum(int(part) for part in given.split("+")) if given else None
        ended = self.world["ended"].get((account, command.label))
        reservation = one["open"].pop(command.label, None)
        late = "no"
        if reservation is None:
            if ended is None or "how" not in ended:
                raise No("unknown")
            if ended["settled"] is not None:
                facts = {
                    "amount": asked,
                    "uncovered": ended["uncovered"],
                    "late": ended["late"],
                    "written_off": 0,
                }
                raise No("replay", **facts) if ended["settled"] == asked else No("mismatch")
            late, cost = ended["how"], max(asked - ended["charged"], 0)
            reservation = {"amount": 0, "tokens": 0, "model": "", "key": "", "at": self.at}
        else:
            cost = asked
            ended = {"how": "settled", "reserved": reservation["amount"], "charged": 0, "used": True}
            self.world["ended"][account, command.label] = ended
        self._correct(account, reservation, reservation["tokens"] if tokens is None else tokens, cost)
        uncovered = self._charge(account, cost, 1)
        ended |= {"settled": asked, "uncovered": uncovered, "late": late, "used": True}
        ended["charged"] += cost
        return {"amount": asked, "uncovered": uncovered, "late": late}

    def release(self, account: str, command: Command) -> Facts:
        one = self._one(account)
        ended = self.world["ended"].get((account, command.label))
        reservation = one["open"].pop(command.label, None)
        if reservation is None:
            if ended is None or "how" not in ended:
                raise No("unknown")
            if ended["used"]:
                raise No("mismatch")
            raise No("replay", amount=ended["reserved"], uncovered=0, written_off=0, late="no")
        self._end(account, command.label, reservation, "released", 0)
        return {"amount": reservation["amount"]}

    def charge(self, account: str, command: Command) -> Facts:
        self._repeat(account, command)
        cost, model, key = command.amount, command.get("model"), command.get("api_key")
        tokens = sum(int(part) for part in command.get("usage", "0").split("+"))
        self._admit(account, cost, cost, tokens, model, key)
        self._count(account, cost, tokens, model, key)
        uncovered = self._charge(account, cost, 1)
        self.world["ended"][account, command.label] = {"charged": cost, "used": True}
        return self._first(account, command, {"amount": cost, "uncovered": uncovered})

    def grant(self, account: str, command: Command) -> Facts:
        self._repeat(account, command)
        ends = ends_of(command)
        self._grant(
            account,
            command.label,
            command.amount,
            command.get("source", "bonus"),
            command.number("priority"),
            instant(ends) if ends else FOREVER,
        )
        return self._first(account, command, {"amount": command.amount})

    def claw_back(self, account: str, command: Command) -> Facts:
        self._repeat(account, command)
        return self._first(account, command, self._claw_back(account, command.get("of"), command.amount))

    def refund(self, account: str, command: Command) -> Facts:
        self._repeat(account, command)
        amount, ended = command.amount, self.world["ended"].get((account, command.get("of")))
        if ended is None or not ended["used"]:
            raise No("unknown")
        if amount > ended["charged"]:
            raise No("refused more_than_charged", short=amount - ended["charged"])
        ended["charged"] -= amount
        for one in self._path(account):
            one["used"] = max(one["used"] - amount, 0)
            one["used_total"] -= amount
        self._give(self._payer(account), amount, "refund")
        return self._first(account, command, {"amount": amount})

    def adjust(self, account: str, command: Command) -> Facts:
        self._repeat(account, command)
        one, amount, uncovered = self._one(account), command.amount, 0
        if not one["own"]:
            raise No("refused no_own_credit", short=0)
        if amount > 0:
            self._give(one, amount, "adjustment")
        else:
            uncovered = -amount - self._draw(one, -amount)
            one["debt"] += uncovered
            one["charged"] += uncovered
        return self._first(account, command, {"amount": amount, "uncovered": uncovered})

    def amend(self, account: str, command: Command) -> Facts:
        one = self._one(account)
        self._repeat(account, command, {})
        one["state"] = command.get("state") or one["state"]
        if command.get("plan"):
            one["plan"] = command.get("plan")
            spent = 0
            for lot in one["lots"]:
                if lot["source"] == "allowance":
                    lot["amount"] -= lot["left"]
                    lot["left"] = 0
                    spent += lot["amount"]
            self._begin(one, max(self.at, one["rolled"]), everything=True, less=spent)
        return self._first(account, command, {})

    def order(self, account: str, command: Command) -> Facts:
        known = self.world["orders"].get((account, command.label))
        self.world["orders"].setdefault((account, command.label), ["pending", command.amount])
        return {"outcome": "replay" if known else "ok"}

    def complete(self, account: str, command: Command) -> Facts:
        order = self.world["orders"][account, command.label]
        if order[0] == "failed":
            raise No("unknown")
        if order[0] != "pending":
            raise No("replay", amount=order[1], uncovered=0, written_off=0, late="no")
        self._grant(account, command.label, order[1], "purchase", 0, FOREVER)
        order[0] = "completed"
        return {"amount": order[1]}

    def fail(self, account: str, command: Command) -> Facts:
        order = self.world["orders"][account, command.label]
        if order[0] not in {"pending", "failed"}:
            raise No("unknown")
        order[0] = "failed"
        return {}

    def return_order(self, account: str, command: Command) -> Facts:
        order = self.world["orders"][account, command.label]
        if order[0] in {"pending", "failed"}:
            raise No("unknown")
        if order[0] == "refunded":
            raise No("replay", **order[2], late="no")
        order[0] = "refunded"
        order.append(self._claw_back(account, command.label, order[1]))
        return order[2]

    # What the verbs are made of

    def _one(self, account: str) -> World:
        return self.world["accounts"][account]

    def _path(self, account: str) -> list[World]:
        return [self._one(name) for name in self._one(account)["path"]]

    def _plan(self, one: World) -> Plan:
        return self.plans[one["plan"]]

    def _payer(self, account: str) -> World:
        return next(one for one in self._path(account) if one["own"])

    def _repeat(self, account: str, command: Command, first: Facts | None = None) -> None:
        """Answer a repeated label: the first answer again, or a mismatch."""
        known = self.world["keys"].get((account, command.label))
        if known is not None:
            payload, answer = known
            if payload != str(command):
                raise No("mismatch")
            raise No("replay", **answer) if first is None else No("ok")

    def _first(self, account: str, command: Command, facts: Facts) -> Facts:
        """Remember the first answer under a label."""
        answer = {"uncovered": 0, "written_off": 0, "late": "no", **facts}
        self.world["keys"][account, command.label] = (str(command), answer)
        return facts

    def _give(self, one: World, amount: int, source: str, priority: int = 0, ends: int = FOREVER) -> None:
        """Add a lot; debt is paid from it."""
        one["made"] += 1
        lot = {"left": amount, "amount": amount, "source": source, "priority": priority, "ends": ends}
        one["lots"].append(lot | {"nth": one["made"]})
        paid = self._draw(one, one["debt"])
        one["debt"] -= paid

    def _draw(self, one: World, amount: int) -> int:
        """Take from the lots in spend order; return what there was."""
        order = self._plan(one).spend.order
        ranks = [] if isinstance(order, str) else order

        def rank(lot: World) -> tuple[Any, ...]:
            source = lot["source"]
            place = ranks.index(source) if source in ranks else len(ranks)
            return (place, lot["priority"], lot["ends"], source == "purchase", lot["nth"])

        wanted = amount
        for lot in sorted(one["lots"], key=rank):
            part = min(lot["left"], wanted)
            lot["left"] -= part
            wanted -= part
        return amount - wanted

    def _left(self, one: World) -> int:
        return sum(lot["left"] for lot in one["lots"])

    def _held(self, world: World, payer: World) -> int:
        """Add up the open reservations of all who draw on an account."""
        held = 0
        for one in world["accounts"].values():
            path = [world["accounts"][name] for name in one["path"]]
            if next(above for above in path if above["own"]) is payer:
                held += sum(reservation["amount"] for reservation in one["open"].values())
        return held

    def _free(self, world: World, payer: World) -> int:
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

    def _counters(self, one: World, model: str, key: str) -> list[tuple[Any, list[int]]]:
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

    def _correct(self, account: str, reservation: World, tokens: int, amount: int) -> None:
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
        """Charge the payer, count the use with everybody above and below; return what no lot covered."""
        for one in self._path(account):
            one["used"] += cost
            one["used_total"] += cost
            one["turns"] += turns
        payer = self._payer(account)
        uncovered = cost - self._draw(payer, cost)
        payer["debt"] += uncovered
        payer["charged"] += cost
        return uncovered

    def _end(self, account: str, label: str, reservation: World, how: str, cost: int) -> None:
        """End a reservation without its usage: released, or lapsed with a charge for its input."""
        self._correct(account, reservation, 0, cost)
        ended = {"how": how, "reserved": reservation["amount"], "settled": None, "charged": cost}
        self.world["ended"][account, label] = ended | {"used": bool(cost)}
        if cost:
            self._charge(account, cost, 0)

    def _grant(self, account: str, label: str, amount: int, source: str, priority: int, ends: int) -> None:
        """Give credit, unless the account may not have it."""
        one = self._one(account)
        if not one["own"]:
            raise No("refused no_own_credit", short=0)
        if one["state"] == "closed":
            raise No("refused account_closed", by=account)
        most = self._plan(one).credit.maximum
        if most is not None and self._left(one) + amount > most:
            raise No("refused credit_maximum", short=self._left(one) + amount - most)
        self._give(one, amount, source, priority, ends)
        self.world["grants"][account, label] = {"nth": one["made"], "rest": amount}

    def _claw_back(self, account: str, label: str, amount: int) -> Facts:
        """Take back what is unspent of a grant; the rest is owed or written off."""
        one, grant = self._one(account), self.world["grants"].get((account, label))
        if grant is None:
            raise No("unknown")
        if amount > grant["rest"]:
            raise No("refused more_than_given", short=amount - grant["rest"])
        grant["rest"] -= amount
        lot = next((lot for lot in one["lots"] if lot["nth"] == grant["nth"]), {"left": 0})
        taken = min(lot["left"], amount)
        lot["left"] -= taken
        owed = amount - taken if self._plan(one).stop.debt == "carry" else 0
        one["debt"] += owed
        one["charged"] += owed
        one["debt"] -= self._draw(one, one["debt"])
        return {"amount": amount, "uncovered": owed, "written_off": amount - taken - owed}

    # Time

    def _touch(self, account: str) -> None:
        """Bring a path forward, and let the account's own reservations lapse."""
        for one in self._path(account):
            self._roll(one)
        one = self._one(account)
        for label, reservation in [pair for pair in one["open"].items() if pair[1]["lapses"] <= self.at]:
            del one["open"][label]
            self._end(account, label, reservation, "lapsed", reservation["lapse_charge"])

    def _roll(self, one: World) -> None:
        """Walk through every boundary up to now, one by one."""
        while True:
            ends = [lot["ends"] for lot in one["lots"]]
            at = min([*ends, one["end"], *(period.end_at for period in one["periods"])])
            if at > self.at:
                return
            one["rolled"] = max(one["rolled"], self.at)
            self._begin(one, at)

    def _begin(self, one: World, at: int, *, everything: bool = False, less: int = 0) -> None:
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

    def _of(self, lot: World, terms: Any) -> bool:
        return lot["source"] == "allowance" and lot["priority"] == terms.priority

    def _period(self, one: World, terms: Any, at: int) -> Any:
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

    def _standing(self, world: World, account: str) -> Facts:
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
            "bought": sum(lot["left"] for lot in payer["lots"] if lot["source"] == "purchase"),
            "charged": payer["charged"],
            "percent": f"{(percent + Fraction(1, 2)).__floor__() / 100:.2f}",
            "level": next(reached, "normal") if capacity > 0 else "blocked",
            "estimated": max(available, 0) * turns // total if turns and total else None,
            "ends": until(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one["end"]))
            if one["end"] < FOREVER
            else "never",
        }
