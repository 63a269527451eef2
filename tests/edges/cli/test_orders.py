"""`packages`, `orders`, `coupons`: selling, and ending orders by hand, on the command line."""

import pytest

from tokenhouse import Tokenhouse, messages

pytestmark = pytest.mark.row("C2", "B8")

PACKAGE = """
name = "large"
credit = 50_000
bonus = 0.1
[title]
en = "Large"
ko = "라지"
[prices]
KRW = 9_900
USD = 799
"""


async def buy(dsn, clock):
    """Have alice buy in two currencies."""
    async with Tokenhouse.open(dsn, clock=clock) as house:
        for currency in ("KRW", "USD"):
            await house.buy("alice", "large", currency=currency)


@pytest.fixture
def large(tmp_path):
    file = tmp_path / "large.toml"
    file.write_text(PACKAGE, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_a_package_is_written_from_a_file_and_listed(cli, large, locale):
    assert cli("packages", "list", "--locale", locale).out
    made = cli("packages", "write", large, "--locale", locale).out
    assert ("Large" if locale == "en" else "라지") in made
    assert "$7.99" in cli("packages", "list", "--locale", locale).out
    [one] = cli("packages", "list", "--json").document["packages"]
    assert (one["name"], one["version"], one["prices"]) == ("large", 1, {"KRW": 9_900, "USD": 799})
    assert cli("packages", "write", "nowhere.toml", code=2).err.count("\n") == 1


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_coupons_are_made_listed_and_ended(cli, locale):
    assert cli("coupons", "list", "--locale", locale).out
    made = cli("coupons", "make", "--code", "hello-26", "--credit", "500", "--uses", "0", "--locale", locale)
    assert "HELLO26" in made.out
    cli("coupons", "make", "--discount", "0.2", "--count", "2")
    assert "20 %" in cli("coupons", "list", "--locale", locale).out
    assert "HELLO26" in cli("coupons", "end", "hello26", "--locale", locale).out
    found = cli("coupons", "list", "--json").document["coupons"]
    assert [one["ended_at"] is not None for one in found if one["code"] == "HELLO26"] == [True]
    assert cli("coupons", "make", code=2).err.count("\n") == 1
    assert cli("coupons", "end", "NOTHING", code=4).err.count("\n") == 1


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_orders_are_looked_at_and_ended_by_hand(cli, large, locale, postgres, database, clock):
    cli("accounts", "open", "alice")
    cli("packages", "write", large)
    assert cli("orders", "list", "--locale", locale).out
    postgres.run(buy(database, clock))
    first, second = (one["id"] for one in cli("orders", "list", "alice", "--json").document["orders"])
    why = ("--reason", "transfer", "--actor", "kim", "--locale", locale)
    assert first in cli("orders", "complete", first, *why).out
    assert second in cli("orders", "fail", second, *why).out
    shown = cli("orders", "show", first, "--json").document
    assert (shown["state"], shown["ended_by"], shown["credit"]) == ("completed", "kim", 55_000)
    assert first in cli("orders", "list", "--state", "completed", "--locale", locale).out
    assert messages.say("receipt.title", locale) in cli("orders", "receipt", first, "--locale", locale).out
    assert cli("orders", "receipt", second, code=4).err.count("\n") == 1
    back = cli("orders", "refund", first, *why).out
    assert "55,000" in back
    again = cli("orders", "refund", first, *why, "--json").document
    assert (again["replayed"], again["taken_back"]["unspent"]) == (True, 55_000)
    assert "--before" in cli("orders", "list", "--rows", "1", "--locale", locale).err
    assert cli("orders", "show", "0" * 32, code=4).err.count("\n") == 1
