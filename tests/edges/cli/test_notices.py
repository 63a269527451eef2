"""`tokenhouse notify` and `tokenhouse deliveries`: run by hand, for people and programs."""

import pytest


@pytest.mark.row("B4")
def test_notify_by_hand_tells_once(cli):
    cli("accounts", "open", "alice")
    assert cli("notify", "--json").document == {"levels": 0, "expiring": 0, "bought": 0}
    assert "알린 계정" in cli("notify", "--locale", "ko").out


def test_deliveries_are_listed_sent_and_sent_again(cli):
    assert cli("deliveries", "list", "--json").document == {"deliveries": []}
    assert "no deliveries" in cli("deliveries", "list", "--state", "dead").out
    assert cli("deliveries", "send", "--json").document == {"sent": 0, "again": 0, "dead": 0}
    assert "Given up" in cli("deliveries", "send").out
    cli("deliveries", "resend", "0" * 32, code=4)
    cli("deliveries", "list", "--state", "lost", code=2)
