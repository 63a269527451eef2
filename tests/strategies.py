"""What Hypothesis draws: plans, and the commands of a ledger script."""

from decimal import Decimal

from hypothesis import strategies as st

from tests.script import Command

PLANS = (
    (
        'free {allowance = [{amount = 100, every = "month"}], stop = {block = 1.05, debt = "forgive"}, '
        'spend = {order = ["purchase", "bonus", "allowance"]}}'
    ),
    (
        'hard {allowance = [{amount = 60, every = "day", rollover = 90}], credit = {maximum = 400}, '
        'reserve = {lapse_after = "10m", on_lapse = "charge-input"}}'
    ),
    (
        'share {allowance = [{amount = 80, every = "week", rollover = 0.5, time_zone = "America/New_York"}], '
        "signup = {amount = 30}}"
    ),
    (
        'two {allowance = [{amount = 70, every = "month", rollover = 25, time_zone = "Asia/Seoul"}, '
        '{amount = 5, every = "day", priority = 1}], stop = {block = 1.10, debt = "forgive"}}'
    ),
    'born {allowance = [{amount = 40, every = "month", anchor = "anniversary"}]}',
    (
        'limited {signup = {amount = 500}, limit = [{what = "requests", amount = 3, every = "minute"}, '
        '{what = "tokens", amount = 90, every = "hour", per = "model"}, '
        '{what = "credit", amount = 150, every = "day", per = "key"}, '
        '{what = "credit", amount = 300, every = "month"}]}'
    ),
    (
        'picky {signup = {amount = 50}, models = {allow = ["small", "big-*"]}, '
        "stop = {buy = 0.5, warn = 0.6, critical = 0.7, block = 0.8}}"
    ),
)
"""Plans that between them have every term there is."""
NAMES = tuple(document.partition(" ")[0] for document in PLANS)

amounts = st.one_of(st.integers(0, 20), st.integers(1, 120), st.integers(100, 600))
models = st.sampled_from(["", "small", "big-1", "other"])
keys = st.sampled_from(["", "key-a", "key-b"])
sources = st.sampled_from(["purchase", "bonus", "coupon"])
ticks = st.one_of(
    st.integers(1, 59).map("{}s".format),
    st.integers(1, 59).map("{}m".format),
    st.integers(1, 30).map("{}h".format),
    st.integers(1, 70).map("{}d".format),
)


def labels(kind, most):
    """Draw one of so few labels that they come again: repeats, and other payloads under the same label."""
    return st.integers(1, most).map(lambda number: f"{kind}{number}")


def options(**given):
    """Return those options that say something."""
    return {name: str(value) for name, value in given.items() if str(value)}


@st.composite
def reserves(draw):
    amount = draw(amounts)
    least = draw(st.one_of(st.just(amount), st.integers(0, amount)))
    given = {"least": least, "model": draw(models), "api_key": draw(keys)}
    more = {"tokens": draw(st.integers(0, 60)), "lapse_charge": draw(st.integers(0, 15))}
    return Command("reserve", (draw(labels("r", 5)), str(amount)), options(**given, **more))


@st.composite
def settles(draw):
    tokens = draw(st.one_of(st.just(""), st.integers(0, 80)))
    return Command("settle", (draw(labels("r", 5)), str(draw(amounts))), options(usage=tokens))


@st.composite
def charges(draw):
    given = {"model": draw(models), "api_key": draw(keys), "usage": draw(st.integers(0, 60))}
    return Command("charge", (draw(labels("c", 3)), str(draw(amounts))), options(**given))


releases = labels("r", 5).map(lambda label: Command("release", (label,), {}))
refunds = st.builds(
    lambda label, amount, of: Command("refund", (label, str(amount)), {"of": of}),
    labels("b", 6),
    st.integers(1, 60),
    st.one_of(labels("r", 5), labels("c", 3)),
)
claw_backs = st.builds(
    lambda label, amount, of: Command("claw_back", (label, str(amount)), {"of": of}),
    labels("x", 6),
    st.integers(1, 120),
    labels("g", 2),
)
adjusts = st.builds(
    lambda label, amount: Command("adjust", (label, str(amount)), {}),
    labels("a", 6),
    st.integers(-150, 150).filter(bool),
)
plan_changes = st.builds(
    lambda label, plan: Command("amend", (label,), {"plan": plan}), labels("m", 8), st.sampled_from(NAMES)
)
state_changes = st.builds(
    lambda label, state: Command("amend", (label,), {"state": state}),
    labels("s", 8),
    st.sampled_from(["active", "active", "active", "suspended", "closed"]),
)
interruptible = st.one_of(
    reserves(), settles(), releases, charges(), refunds, claw_backs, adjusts, plan_changes
)
"""Writes that a crash may cut short."""

shares = st.integers(0, 20).map(lambda twentieths: Decimal(twentieths) / 20)
everies = st.sampled_from(["day", "week", "month", "quarter", "year"])
zones = st.sampled_from(["UTC", "Asia/Seoul", "America/New_York", "Pacific/Apia"])


@st.composite
def allowances(draw, priority):
    """Draw an allowance of its own priority, with and without roll-over."""
    return {
        "amount": draw(st.integers(1, 200)),
        "every": draw(everies),
        "anchor": draw(st.sampled_from(["calendar", "anniversary"])),
        "time_zone": draw(zones),
        "rollover": draw(st.one_of(st.just(0), st.integers(0, 300), shares)),
        "priority": priority,
    }


limits = st.lists(
    st.fixed_dictionaries(
        {
            "what": st.sampled_from(["requests", "tokens", "credit"]),
            "amount": st.integers(0, 200),
            "every": st.sampled_from(["minute", "hour", "day", "month", "forever"]),
            "per": st.sampled_from(["account", "key", "model"]),
        }
    ),
    max_size=3,
    unique_by=lambda limit: (limit["what"], limit["every"], limit["per"]),
)


@st.composite
def plan_documents(draw, name="drawn", allowances_max=2):
    """Draw a plan's document, with anything that a plan may say about credit."""
    number = draw(st.integers(0, allowances_max))
    buy, warn, critical, block = sorted(draw(st.lists(st.integers(1, 25), min_size=4, max_size=4)))
    return {
        "name": name,
        "allowance": [draw(allowances(nth)) for nth in range(number)],
        "signup": {"amount": draw(st.integers(0, 200))},
        "spend": {"order": draw(st.sampled_from(["soonest-expiry", ["purchase", "bonus"], ["allowance"]]))},
        "stop": {
            **{share: Decimal(twentieths) / 20 for share, twentieths in (("buy", buy), ("warn", warn))},
            **{
                share: Decimal(twentieths) / 20
                for share, twentieths in (("critical", critical), ("block", block))
            },
            "debt": draw(st.sampled_from(["carry", "forgive"])),
        },
        "reserve": {"lapse_after": "15m", "on_lapse": draw(st.sampled_from(["release", "charge-input"]))},
        "limit": draw(limits),
    }


grants = st.builds(
    lambda label, amount, source, ends: Command(
        "grant", (label, str(amount)), {"source": source, **({"ends": ends} if ends else {})}
    ),
    labels("g", 2),
    st.integers(1, 300),
    sources,
    st.sampled_from(["", "", "2026-11-21T04:00", "2026-12-01T00:00", "2027-02-28T12:00", "2028-02-29T00:00"]),
)
calls = st.one_of(reserves(), reserves(), settles(), settles(), settles(), releases, charges())
credits_moved = st.one_of(grants, grants, refunds, refunds, claw_backs, adjusts)
writes = st.one_of(calls, calls, calls, credits_moved, credits_moved, plan_changes, state_changes)
"""Any write there is, calls more often than others."""


AIMS = {"settle": "reserve", "release": "reserve", "refund": "charge", "claw_back": "grant"}
"""What a verb is about: an operation of another one."""


class Aim:
    """Points a command at something that is there: most settles at a reservation, refunds at a charge."""

    def __init__(self):
        self.done = {"reserve": [], "charge": [], "grant": []}

    def remember(self, account, command, outcome):
        """Keep what was done under which label."""
        kind = {"settle": "charge"}.get(command.verb, command.verb)
        if outcome == "ok" and kind in self.done:
            self.done[kind].append((account, command.label))

    def aimed(self, account, command):
        """Return whose operation to carry out, and the command; one in six stays as it was drawn."""
        kind = {"settle": "reserve", "release": "reserve", "refund": "charge", "claw_back": "grant"}.get(
            command.verb
        )
        there = self.done.get(kind)
        number = sum(map(ord, str(command)))
        if not there or not number % 6:
            return account, command
        account, label = there[-1 - number % min(len(there), 4)]
        if kind == "reserve":
            return account, Command(command.verb, (label, *command.words[1:]), command.options)
        return account, Command(command.verb, command.words, {**command.options, "of": label})
