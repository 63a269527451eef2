"""`rates`: lists and shows prices, adds files, imports the list, and lets a person decide on absurd ones."""

import pytest

from tokenhouse import messages

OWN = """
[[rate]]
model = "HCX-005"
input = 1.25
output = 5
[[rate]]
model = "gpt-4o*"
input = 2.5
output = 10
[[rate.above]]
tokens = 200_000
input = 5
"""
ABSURD = 'model = "oops"\nper = 1\ninput = 996000\noutput = 1\n'


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "rates.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_a_file_of_rates_is_added_listed_and_shown(cli, file, locale):
    said = {"en": "2 rates written", "ko": "단가 2개를 썼고"}[locale]
    assert said in cli("rates", "add", file(OWN), "--actor", "me", "--locale", locale).out
    assert "HCX-005" in cli("rates", "list", "--locale", locale).out
    shown = cli("rates", "show", "gpt-4o-mini", "--locale", locale).out
    assert "gpt-4o*" in shown
    assert "200,000" in shown
    assert cli("rates", "add", file(OWN), "--json").document["kept"] == 2


def test_a_program_reads_rates_as_documents(cli, file):
    cli("rates", "add", file(OWN))
    listed = cli("rates", "list", "HCX", "--json").document
    assert listed["rates"] == [
        {
            "model": "HCX-005",
            "version": 1,
            "input": "1.25",
            "output": "5",
            "per": 1_000_000,
            "per_request": "0",
            "listed": False,
        }
    ]
    shown = cli("rates", "show", "gpt-4o", "--json").document
    assert shown["holds"]["above"] == [{"tokens": 200_000, "input": "5", "output": "10"}]
    assert shown["history"] == [shown["holds"]]
    assert cli("rates", "show", "claude", "--json").document == {
        "model": "claude",
        "holds": None,
        "history": [],
    }


def test_a_list_says_how_much_of_it_is_shown(cli, file):
    assert "rates import" in cli("rates", "list").out
    cli("rates", "add", file(OWN))
    assert "1 of 2" in cli("rates", "list", "--rows", "1").err
    assert cli("rates", "list", "--layer", "listed", "--json").document["all"] == 0
    assert "No rate knows claude" in cli("rates", "show", "claude").out


def test_a_rate_that_begins_later_does_not_hold_yet(cli, file):
    cli("rates", "add", file('model = "soon"\ninput = 1\noutput = 1\nstarts_at = 2040-01-01T00:00:00Z\n'))
    assert "has begun" in cli("rates", "show", "soon").out


@pytest.mark.row("E4")
def test_an_absurd_price_waits_for_a_person(cli, file):
    added = cli("rates", "add", file(ABSURD))
    assert "1 in quarantine" in added.out
    assert "--accept ID" in added.err
    (held,) = cli("rates", "quarantine", "--json").document["held"]
    assert "996000" in held["why"]
    assert "oops" in cli("rates", "quarantine").out
    assert "No rate knows oops" in cli("rates", "show", "oops").out
    assert "version" in cli("rates", "quarantine", "--accept", str(held["id"]), "--actor", "me").out
    assert "No price waits" in cli("rates", "quarantine").out
    assert "is charged by oops" in cli("rates", "show", "oops").out
    cli("rates", "quarantine", "--discard", str(held["id"]), code=2)
    cli("rates", "quarantine", "--discard", "999", code=4)


def test_a_discarded_price_does_not_come_back(cli, file):
    cli("rates", "add", file(ABSURD))
    (held,) = cli("rates", "quarantine", "--json").document["held"]
    assert "discarded" in cli("rates", "quarantine", "--discard", str(held["id"])).out
    assert cli("rates", "add", file(ABSURD), "--json").document["held"] == 0


def test_a_dry_run_changes_nothing(cli, file):
    assert "Nothing was written" in cli("rates", "add", file(OWN), "--dry-run").out
    assert cli("rates", "list", "--json").document["all"] == 0


@pytest.mark.parametrize(
    "text", ["model = 1", "model = ", "rate = [1]", 'model = "m"\ninput = -1\noutput = 1\nper = 0\n']
)
def test_a_file_that_cannot_be_taken_is_named(cli, file, text):
    assert "rates.toml" in cli("rates", "add", file(text), code=2).err


@pytest.mark.row("E4")
def test_list_prices_are_imported_for_a_deployment_in_dollars(cli):
    pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")
    told = cli("rates", "import", "--dry-run", "--json", TOKENHOUSE_PLAN="money").document
    assert told["written"] > 5_000
    assert told["dry_run"]
    assert len(told["unpriced"]) > 100
