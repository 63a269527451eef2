"""A house of plain dictionaries that predicts every answer, written as simply as can be, beside the rules.

Each verb works on the world brought forward to now, and copies it first: a no is a world thrown away.
"""

import copy

from tests.script import Command, Facts, ends_of, plan_document
from tests.world import No, World
from tokenhouse.rules.periods import FOREVER, instant
from tokenhouse.rules.plans import parse_plan


class Model(World):
    """The predicting house. `answer` gives what the real one must answer to the same command."""

    def plan(self, _account: str, command: Command) -> Facts:
        document = plan_document(command)
        self.plans[document["name"]] = parse_plan(document, environment="development")
        return {}

    def account(self, account: str, command: Command) -> Facts:
        plan, below = self.plans[command.get("plan", "plain")], command.get("below")
        own = {"yes": True, "no": False, "": not below}[command.get("own")]
        one = {"name": account, "plan": plan.name, "state": "active", "own": own, "zone": command.get("zone")}
        one |= {"opened": self.at, "rolled": self.at, "lots": [], "counters": {}, "open": {}}
        one |= dict.fromkeys(("made", "debt", "used", "used_total", "turns", "charged", "bought"), 0)
        one["path"] = [account, *(self.world["accounts"][below]["path"] if below else ())]
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
        account = command.account or self.current
        facts = self._tried(account, command)
        if command.verb in {"reserve", "charge"} and self._neighbours_may_help(account, facts):
            root = self._path(account)[-1]
            for name, one in self.world["accounts"].items():
                if self._path(name)[-1] is root and self._lapsed(one):
                    self._touch(name)
            facts = self._tried(account, command)
        return {**self._seen(account), **facts}

    def _tried(self, account: str, command: Command) -> Facts:
        """Carry out a command on the world brought forward; a no leaves the world as it was."""
        before = copy.deepcopy(self.world)
        try:
            if command.verb not in {"order", "fail"}:  # These two touch the order alone.
                self._touch(account)
            facts = getattr(self, command.verb)(account, command)
        except No as no:
            self.world = before
            return no.facts
        return {"outcome": "ok", "uncovered": 0, "written_off": 0, "late": "no", **facts}

    def _neighbours_may_help(self, account: str, facts: Facts) -> bool:
        """Whether a no may come of lapsed reservations that others still hold of the common credit."""
        lifts = facts["outcome"] in {"refused insufficient_credit", "refused limit_reached"}
        own = sum(reservation["amount"] for reservation in self._one(account)["open"].values())
        asked_often = str(facts.get("limit", "")).startswith("requests/")
        return lifts and not asked_often and self._held(self.world, self._payer(account)) > own

    def upkeep(self, _account: str, _command: Command) -> Facts:
        accounts = self.world["accounts"]
        lapsed = [name for name, one in accounts.items() if self._lapsed(one)]
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
        for one in self._parts(account):
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
        self.world["grants"][account, label] = {"nth": one["made"], "rest": amount, "source": source}

    def _claw_back(self, account: str, label: str, amount: int) -> Facts:
        """Take back what is unspent of a grant; the rest is owed or written off."""
        one, grant = self._one(account), self.world["grants"].get((account, label))
        if grant is None:
            raise No("unknown")
        if amount > grant["rest"]:
            raise No("refused more_than_given", short=amount - grant["rest"])
        grant["rest"] -= amount
        one["bought"] -= amount if grant["source"] == "purchase" else 0
        lot = next((lot for lot in one["lots"] if lot["nth"] == grant["nth"]), {"left": 0})
        taken = min(lot["left"], amount)
        lot["left"] -= taken
        owed = amount - taken if self._plan(one).stop.debt == "carry" else 0
        one["debt"] += owed
        one["charged"] += owed
        one["debt"] -= self._draw(one, one["debt"])
        return {"amount": amount, "uncovered": owed, "written_off": amount - taken - owed}
