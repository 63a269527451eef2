"""Calls: what limits have counted once a call has ended, however it did, and which one lapses next."""

import pytest

from tests.ledger import NOON, Ledger, check_laws
from tokenhouse.rules.operations import Charge, Done, Mismatch, Release, Reserve, Settle, Touch
from tokenhouse.rules.periods import FOREVER, MINUTE
from tokenhouse.rules.plans import parse_plan

LIMITED = [{"what": what, "amount": 1_000, "every": "forever"} for what in ("requests", "tokens", "credit")]


def reserved(on_lapse="release", **more):
    ledger = Ledger(
        parse_plan(
            {
                "name": "p",
                "signup": {"amount": 500},
                "limit": LIMITED,
                "reserve": {"lapse_after": "15m", "on_lapse": on_lapse},
            }
        )
    )
    ledger.open("ann", "p")
    ledger.do("ann", Reserve(id="r", amount=60, least=60, tokens=40, lapse_charge=25, **more))
    return ledger


def counted(ledger):
    """Return what the limits of requests, tokens and credit have counted."""
    return tuple(ledger.balances["ann"].counters[f"{one['what']}/forever"].used for one in LIMITED)


@pytest.mark.row("E3", "E8")
@pytest.mark.parametrize(
    ("end", "counts"),
    [
        (None, (1, 40, 60)),
        (Settle(id="r", charge=70, tokens=45), (1, 45, 70)),
        (Settle(id="r", charge=7), (1, 40, 7)),
        (Release(id="r"), (1, 0, 0)),
    ],
    ids=["open", "settled", "settled without tokens", "released"],
)
def test_limits_count_what_a_call_took_and_give_back_the_rest(end, counts):
    ledger = reserved()
    if end:
        ledger.do("ann", end)
    assert counted(ledger) == counts
    check_laws(ledger)


@pytest.mark.row("E2", "E8")
@pytest.mark.parametrize(
    ("on_lapse", "lapsed", "charged", "late"),
    [("release", (1, 0, 0), 0, (1, 9, 70)), ("charge-input", (1, 0, 25), 25, (1, 9, 70))],
)
def test_a_lapse_is_charged_as_the_plan_says_and_late_usage_pays_and_counts_the_rest(
    on_lapse, lapsed, charged, late
):
    ledger = reserved(on_lapse)
    ledger.now += 15 * MINUTE
    ledger.do("ann", Touch(id="t"))
    assert (counted(ledger), ledger.balances["ann"].charged) == (lapsed, charged)
    ledger.do("ann", Settle(id="r", charge=70, tokens=9))
    assert (counted(ledger), ledger.balances["ann"].charged) == (late, 70)
    assert ledger.balances["ann"].turns == 1
    check_laws(ledger)


def test_what_lapses_next_is_the_soonest_of_those_still_open():
    ledger = reserved()
    for minute, name in ((1, "s"), (2, "t"), (3, "u")):
        ledger.now = NOON + minute * MINUTE
        ledger.do("ann", Reserve(id=name, amount=1, least=1))
    for name, minutes in (("r", 16), ("u", 16), ("s", 17)):
        ledger.do("ann", Release(id=name))
        assert ledger.balances["ann"].lapses_at == NOON + minutes * MINUTE
    ledger.do("ann", Release(id="t"))
    assert ledger.balances["ann"].lapses_at == FOREVER


def test_a_call_that_ended_says_how_it_did():
    ledger = reserved()
    ledger.do("ann", Settle(id="r", charge=9))
    assert ledger.do("ann", Release(id="r")) == Mismatch(id="r", first=9, second=0)
    assert ledger.do("ann", Settle(id="r", charge=10)) == Mismatch(id="r", first=9, second=10)
    ledger.do("ann", Reserve(id="s", amount=33, least=33))
    ledger.do("ann", Release(id="s"))
    assert ledger.do("ann", Release(id="s")) == Done(id="s", amount=33, replayed=True)
    assert ledger.do("ann", Settle(id="s", charge=4)) == Done(id="s", amount=4, late="released")


@pytest.mark.parametrize(
    ("settle", "facts"),
    [
        (Settle(id="r", charge=5), {"reserved": 60}),
        (Settle(id="r", charge=501), {"reserved": 60, "uncovered": 1}),
        (Settle(id="r", charge=5, turns=0), {"reserved": 60, "turns": 0}),
        (Settle(id="r", charge=502, turns=3), {"reserved": 60, "uncovered": 2, "turns": 3}),
    ],
    ids=["as usual", "over-run", "no turn", "over-run in three turns"],
)
def test_an_entry_says_what_is_not_as_usual_and_no_more(settle, facts):
    ledger = reserved()
    ledger.do("ann", settle)
    assert ledger.entries("ann")[-1].facts == facts
    assert ledger.balances["ann"].turns == settle.turns
    check_laws(ledger)


def test_a_plain_charge_has_no_facts():
    ledger = reserved()
    ledger.do("ann", Charge(id="c", charge=5))
    assert ledger.entries("ann")[-1].facts is None
