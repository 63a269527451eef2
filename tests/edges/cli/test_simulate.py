"""`tokenhouse simulate`: answers for people, for programs and as a picture, without a database."""

import re

import pytest

from tokenhouse.flow.traces import sample_trace

pytestmark = pytest.mark.row("E11")

TRACE = "time,account,model,input,output\n0,ann,m,9000,10\n60,ann,m,2000,10\n120,bob,m,100,10\n"


@pytest.fixture
def cli(cli):
    """Run the command line without any database that it could reach."""

    def run(*words, **more):
        return cli(*words, TOKENHOUSE_DATABASE_URL="postgresql://nobody@localhost:1/none", **more)

    return run


@pytest.fixture
def trace(tmp_path):
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    return str(file)


def test_people_see_who_is_blocked_when_and_by_what(cli, trace):
    told = cli(
        "simulate", trace, "--plan", "quota", "--start", "2026-10-31T12:00:00+00:00", "--output-cap", "10"
    )
    assert re.search(r"refused +1 \(33.3 %\)", told.out)
    assert "by: too little credit" in told.out
    assert "quota: who is refused first (1 of 1)" in told.out
    assert "ann       2026-10-31 12:01:00+00:00   too little credit" in told.out


def test_programs_get_one_document_with_every_account_and_day(cli):
    document = cli("simulate", "--sample", "--plan", "quota", "--plan", "points", "--json").document
    quota, points = document["plans"]
    assert (quota["plan"], points["plan"], points["unit"]) == ("quota", "points", "point")
    assert len(quota["accounts"]) == len(sample_trace().accounts) == quota["totals"]["accounts"]
    assert len(quota["days"]) == 14
    assert quota["totals"]["refused"] > points["totals"]["refused"] > 0
    assert quota["totals"]["overspend"] == 0


def test_plans_stand_side_by_side_each_with_its_own_laws(cli, trace, tmp_path):
    (tmp_path / "own.toml").write_text(
        'name = "own"\nsignup = { amount = 10**6 }\n'.replace("10**6", "1_000_000")
        + 'limit = [{ what = "requests", amount = 1, every = "day" }]\n'
    )
    told = cli(
        "simulate", trace, "--plan", "quota", "--plan", str(tmp_path / "own.toml"), "--output-cap", "10"
    )
    assert re.search(r"quota +own\n", told.out)
    assert "by: requests/day" in told.out


def test_a_picture_is_drawn(cli, trace, tmp_path):
    for words in (["--sample", "--plan", "quota", "--plan", "chat-tokens"], [trace, "--plan", "points"]):
        file = tmp_path / "picture.svg"
        told = cli("simulate", *words, "--picture", str(file))
        assert f"Drawn: {file}" in told.out
        drawn = file.read_text()
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
        assert "Accounts refused at least once that day, % of all" in texts
        assert 'width="1400"' in drawn
    cli("simulate", trace, "--picture", str(tmp_path / "none" / "p.svg"), code=2)


def test_prices_give_the_cost_at_the_provider(cli, trace, tmp_path):
    rates = tmp_path / "rates.toml"
    rates.write_text('[[rate]]\nmodel = "m"\ninput = 2.50\noutput = 10.0\nunit = "dollar"\n')
    told = cli("simulate", trace, "--plan", "money", "--rates", str(rates), "--grant", "1.00")
    assert "$0.03" in told.out
    rates.write_text("rate = []")
    assert "no [[rate]] in it" in cli("simulate", trace, "--rates", str(rates), code=2).err


def test_assumptions_change_the_answer(cli, trace):
    def refused(*words):
        asked = ("simulate", trace, "--plan", "quota", "--output-cap", "10", "--json", *words)
        return cli(*asked).document["plans"][0]["totals"]["refused"]

    assert refused() == 1
    assert refused("--grant", "5,000") == 0
    assert refused("--scale", "0.1") == 0
    assert refused("--scale", "0.85", "--one-account") == 0
    assert refused("--one-account") == 1


NO = (
    ["none.csv"],
    [],
    ["--sample", "--plan", "none.toml"],
    ["--sample", "--plan", "quota", "--scale", "0"],
    ["--sample", "--plan", "quota", "--scale", "x"],
    ["--sample", "--plan", "quota", "--grant", "-1"],
    ["--sample", "--plan", "quota", "--grant", "90001"],
    ["--sample", "--plan", "quota", "--time-zone", "Mars/Base"],
    ["--sample", "--plan", "quota", "--output-cap", "0"],
    ["--sample", "--plan", "quota", "--start", "2026-01-01"],
    ["--sample", "--plan", "quota", "--start", "9989-12-31T00:00:00+00:00"],
)


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_what_cannot_be_taken_is_one_line(cli, locale):
    for words in NO:
        told = cli("simulate", *words, "--locale", locale, code=2)
        assert told.err.count("\n") == 1
        assert told.out == ""


def test_a_trace_and_the_sample_at_once_are_refused(cli, trace):
    assert "either" in cli("simulate", trace, "--sample", code=2).err


def test_a_long_trace_is_not_listed_day_by_day(cli, tmp_path):
    file = tmp_path / "long.csv"
    file.write_text(
        "time,account,model,input,output\n" + "".join(f"{n * 86_400},a,m,1,1\n" for n in range(40))
    )
    told = cli("simulate", str(file), "--plan", "quota", "--locale", "ko")
    assert "날짜별" not in told.out
    assert "규칙만으로" in told.out
