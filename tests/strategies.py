"""What Hypothesis draws: plans, and the commands of a ledger script."""

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
    return Command("reserve", (draw(labels("r", 12)), str(amount)), options(**given, **more))


@st.composite
def settles(draw):
    tokens = draw(st.one_of(st.just(""), st.integers(0, 80)))
    return Command("settle", (draw(labels("r", 12)), str(draw(amounts))), options(usage=tokens))


@st.composite
def charges(draw):
    given = {"model": draw(models), "api_key": draw(keys), "usage": draw(st.integers(0, 60))}
    return Command("charge", (draw(labels("c", 6)), str(draw(amounts))), options(**given))


releases = labels("r", 12).map(lambda label: Command("release", (label,), {}))
refunds = st.builds(
    lambda label, amount, of: Command("refund", (label, str(amount)), {"of": of}),
    labels("b", 6),
    st.integers(1, 60),
    st.one_of(labels("r", 12), labels("c", 6)),
)
claw_backs = st.builds(
    lambda label, amount, of: Command("claw_back", (label, str(amount)), {"of": of}),
    labels("x", 6),
    st.integers(1, 120),
    labels("g", 6),
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
    st.sampled_from(["active", "active", "suspended", "closed"]),
)
interruptible = st.one_of(
    reserves(), settles(), releases, charges(), refunds, claw_backs, adjusts, plan_changes
)
"""Writes that a crash may cut short."""
