"""The hash chain: no line of a journal can change, go, or come in between unnoticed."""

import json
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import NOON
from tokenhouse.rules.account import opened
from tokenhouse.rules.balance import CHAIN_START, Entry
from tokenhouse.rules.chain import HASH_BYTES, link, seal
from tokenhouse.rules.openings import Opening
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.usage import Usage

ENTRY = Entry(
    account=7, seq=3, at=NOON, kind="charge", amount=-5, balance_after=20, charge=5, lots=((1, -5),),
    operation="0" * 32, model="모델", usage=Usage(input=4, output=1), rate=2, source="provider", actor="ann",
    note='a "note"\n', facts={"reserved": 9},
)  # fmt: skip


@pytest.mark.row("E2")
def test_a_hash_is_what_anybody_can_compute_from_the_columns_as_stored():
    sealed = seal(b"before", ENTRY)
    columns = [
        7,
        3,
        NOON,
        "charge",
        -5,
        20,
        5,
        sealed.lots,
        "0" * 32,
        "모델",
        sealed.usage,
        2,
        "provider",
        "ann",
    ]
    text = json.dumps([*columns, 'a "note"\n', sealed.facts], ensure_ascii=False, separators=(",", ":"))
    assert sealed.hash == sha256(b"before" + text.encode()).digest()[:16]
    assert HASH_BYTES == 16
    assert json.loads(sealed.lots) == [[1, -5]]
    assert json.loads(sealed.facts) == {"reserved": 9}


def test_what_is_not_there_is_stored_as_nothing():
    sealed = seal(CHAIN_START, Entry(account=1, seq=1, at=NOON, kind="open"))
    assert (sealed.lots, sealed.usage, sealed.facts) == (None, None, None)


CHANGES = {
    "account": 8, "seq": 4, "at": NOON + 1, "kind": "use", "amount": -6, "balance_after": 21, "charge": 6,
    "lots": ((1, -6),), "operation": "1" * 32, "model": "other", "usage": None, "source": "estimated",
    "actor": "bob", "note": "", "rate": 3, "facts": None,
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_any_column_changes_the_hash(name):
    changed = msgspec.structs.replace(ENTRY, **{name: CHANGES[name]})
    assert seal(b"", changed).hash != seal(b"", ENTRY).hash
    assert set(CHANGES) == set(Entry.__struct_fields__)


@given(seqs=st.permutations(range(5)), gone=st.integers(0, 4))
def test_order_and_completeness_are_in_the_last_hash(seqs, gone):
    def last(entries):
        chain = CHAIN_START
        for entry in entries:
            chain = seal(chain, entry).hash
        return chain

    entries = [msgspec.structs.replace(ENTRY, seq=seq) for seq in range(5)]
    whole = last(entries)
    assert (last([entries[seq] for seq in seqs]) == whole) == (list(seqs) == [0, 1, 2, 3, 4])
    assert last([entry for entry in entries if entry.seq != gone]) != whole


def test_a_link_is_the_seal_of_what_was_stored():
    sealed = seal(b"x", ENTRY)
    assert link(b"x", ENTRY, ENTRY.operation, sealed.lots, sealed.usage, sealed.facts) == sealed.hash


@given(account=st.integers(1, 2**62))
def test_the_opening_of_many_accounts_is_that_of_each(account):
    """`Opening` seals the same lines for any id as the rule that it stands for."""
    plan = parse_plan({"name": "p", "signup": {"amount": 5}, "allowance": [{"amount": 9}]})
    opening = Opening.of(plan, NOON, own_credit=True, zone="Asia/Seoul", actor="init")
    _, entries = opened(account, plan, NOON, own_credit=True, zone="Asia/Seoul", actor="init")
    chain, hashes = CHAIN_START, []
    for entry in entries:
        chain = seal(chain, entry).hash
        hashes.append(chain)
    assert opening.hashes(account) == hashes
