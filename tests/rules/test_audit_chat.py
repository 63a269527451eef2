"""Audit of the chat: what each session says that it used, held against the entries that name it."""

from typing import Any

import pytest

from tests.rules.test_audit import Ledger
from tokenhouse.rules.operations import Reserve, Settle
from tokenhouse.rules.usage import Usage


@pytest.mark.row("A2")
def test_each_session_of_the_chat_is_compared_with_the_entries_that_name_it():
    ledger = Ledger()
    for session, charge, tokens in (("a", 60, 30), ("b", 10, 5), ("a", 40, 20)):
        reservation = ledger.new_id()
        ledger.ask(Reserve(id=reservation, amount=100, least=100))
        usage, facts = Usage(input=tokens), {"session": session}
        ledger.ask(Settle(id=reservation, charge=charge, usage=usage, facts=facts))

    def found(chats: str | None) -> set[tuple[str, Any, Any]]:
        return {(one.figure, one.expected, one.found) for one in ledger.found(chats=chats)}

    assert found('[["b",5,10],["a",50,100]]') == set()
    assert found('[["b",5,11],["a",49,100]]') == {
        ("charge of session b", 10, 11),
        ("tokens of session a", 50, 49),
    }
    assert found('[["a",50,100],["c",1,0]]') == {
        ("tokens of session b", 5, 0),
        ("charge of session b", 10, 0),
        ("tokens of session c", 0, 1),
    }
    assert len(found(None)) == 4
