"""`plans`, `stats`, `upkeep`, `migrate` and `doctor`: what an operator does with a deployment."""

import tomllib
from decimal import Decimal

import pytest

from tokenhouse.edges.cli.toml import written
from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.rules.plans import parse_plan


@pytest.mark.parametrize("name", PRESETS)
def test_a_plan_shown_is_the_plan_read_back(cli, surroundings, monkeypatch, tmp_path, name):
    monkeypatch.setitem(surroundings, "TOKENHOUSE_PLAN", name)
    before = cli("plans", "show", name, "--json").document
    file = tmp_path / "plan.toml"
    file.write_text(cli("plans", "show", name).out, encoding="utf-8")
    assert "nothing was written" in cli("plans", "write", str(file), "--dry-run").out
    assert cli("plans", "show", name, "--json").document["version"] == 1
    assert cli("plans", "write", str(file), "--actor", "me", "--json").document["plan"]["version"] == 2
    after = cli("plans", "show", name, "--json").document
    assert parse_plan(after | {"version": 1}) == parse_plan(before)


def test_a_deployment_keeps_its_unit(cli):
    cli("plans", TOKENHOUSE_PLAN="money")
    ran = cli("plans", code=8)
    assert "chat-tokens" in ran.err
    assert "dollar" in ran.err


def test_toml_reads_back():
    document = {
        "text": 'a "b" \\ \n\x7f 안녕',
        "share": Decimal(1),
        "number": 5,
        "on": True,
        "words": ["a", "b"],
        "odd key": 1,
        "table": {"below": {"x": Decimal("0.5")}},
        "rows": [{"a": 1, "more": {"b": 2}}, {"a": 2}],
    }
    assert tomllib.loads(written(document), parse_float=Decimal) == document
    for name in PRESETS:
        assert tomllib.loads(written(preset(name)), parse_float=Decimal) == preset(name)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('name = "x"\n[stop\n', "line 2"),
        ('name = "x"\n[stop]\nblok = 1\n', "blok"),
        ('name = "X Y"\n', "name"),
        ("", "name"),
        ('name = "x"\n[signup]\namount = -1\n', "signup.amount"),
        ('name = "x"\nunit = { name = "point" }\n', "point"),
        (b"\xff\xfe", "decode"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_bad_file_is_named_with_what_is_wrong_and_nothing_is_written(cli, tmp_path, text, part, more):
    file = tmp_path / "bad.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = cli("plans", "write", str(file), *more, code=2)
    assert ran.err.count("\n") == 1
    assert str(file) in ran.err
    assert part in ran.err
    assert [plan["name"] for plan in cli("plans", "--json").document["plans"]] == ["chat-tokens"]


def test_a_file_that_is_not_there_is_named(cli, tmp_path):
    ran = cli("plans", "write", str(tmp_path / "none.toml"), code=2)
    assert "none.toml" in ran.err
    cli("plans", "write", str(tmp_path), code=2)


def test_presets_are_shown_and_used(cli):
    shown = cli("plans", "presets", "--json").document["presets"]
    assert [plan["name"] for plan in shown] == list(PRESETS)
    assert cli("plans", "use-preset", "quota", "--json").document["plan"]["name"] == "quota"
    assert "10,000 토큰 / 월" in cli("plans", "--locale", "ko").out
    cli("plans", "use-preset", "points", code=2)
    cli("plans", "use-preset", "nope", code=2)
    cli("plans", "show", "nope", code=4)


def test_a_version_is_planned_listed_and_called_off(cli, tmp_path):
    file = tmp_path / "team.toml"
    file.write_text('name = "team"\n[signup]\namount = 5\n')
    cli("plans", "write", str(file))
    file.write_text('name = "team"\n[signup]\namount = 9\n')
    start = "2099-12-01T00:00:00+09:00"
    planned = cli("plans", "write", str(file), "--from", start, "--json").document
    assert (planned["plan"]["version"], planned["starts_at"]) == (2, start)
    assert "team" in cli("plans").out
    assert "version 2 from" in cli("plans").out
    assert cli("plans", "--json").document["planned"][0]["version"] == 2
    assert "signup" in cli("plans", "show", "team").out
    assert "amount = 5" in cli("plans", "show", "team").out
    for _ in range(2):
        off = cli("plans", "withdraw", "team", "2", "--json").document
        assert (off["version"], off["state"]) == (2, "withdrawn")
    versions = cli("plans", "versions", "team", "--json").document["versions"]
    assert [(one["version"], one["state"], one["follows"]) for one in versions] == [
        (2, "withdrawn", 1),
        (1, "in_force", None),
    ]
    assert "철회" in cli("plans", "versions", "team", "--locale", "ko").out
    cli("plans", "withdraw", "team", "1", code=2)
    cli("plans", "versions", "nope", code=4)
    assert "past" in cli("plans", "write", str(file), "--from", "2001-01-01T00:00:00Z", code=2).err


def test_presets_need_no_database(cli):
    assert "quota" in cli("plans", "presets", TOKENHOUSE_DATABASE_URL="postgresql://x@127.0.0.1:1/x").out


def test_statistics_of_three_accounts(cli):
    for name in ("a", "b", "c"):
        cli("accounts", "open", name)
    cli("grant", "a", "500", "--source", "purchase")
    found = cli("stats", "--top", "2", "--json").document
    assert found["unit"]["name"] == "token"
    assert found["overview"]["accounts"] == 3
    assert found["overview"]["left"] == 300_500
    assert sum(found["distribution"].values()) == 3
    assert len(found["top"]) <= 2
    assert "< 50 %" in cli("stats").out
    assert "전체 계정" in cli("stats", "--locale", "ko").out
    cli("stats", "--top", "-1", code=2)


@pytest.mark.row("A7")
def test_the_last_days_show_sign_ups_renewal_and_use(cli, clock):
    cli("accounts", "open", "alice")
    clock.move(days=1)
    cli("accounts", "open", "bob")
    trend = cli("stats", "--days", "3", "--json").document["trend"]
    assert [day["signups"] for day in trend["days"]] == [0, 1, 1]
    assert {day["waiting"] for day in trend["days"]} == {0}
    assert trend["renewal"] == {"renewed": 0, "first": 2, "idle": 0, "stuck": 0}
    shown = cli("stats", "--days", "3").out
    assert "Last 3 days" in shown
    assert f"{clock.now:%Y-%m-%d}" in shown
    assert "최근 14일" in cli("stats", "--locale", "ko").out
    assert "trend" not in cli("stats", "--days", "0", "--json").document
    assert "Last" not in cli("stats", "--days", "0").out
    cli("stats", "--days", "367", code=2)


def test_statistics_of_nothing(cli):
    assert cli("stats", "--json").document["top"] == []
    assert ">= 95 %" in cli("stats").out


@pytest.mark.row("E5")
def test_upkeep_brings_idle_accounts_forward(cli, clock):
    cli("accounts", "open", "alice")
    assert cli("upkeep", "--json").document == {"touched": 0, "lapsed": 0, "keys_dropped": 0}
    clock.move(days=30)
    assert cli("upkeep", "--json").document["touched"] == 1
    assert "0" in cli("upkeep", "--locale", "ko").out


def test_migrate_says_where_the_schema_stands_and_applies_it(cli, empty_database):
    away = {"TOKENHOUSE_DATABASE_URL": empty_database}
    before = cli("migrate", "--status", "--json", code=1, **away).document
    assert before["pending"] == len(before["migrations"]) > 0
    assert cli("migrate", "--dry-run", "--json", **away).document == before
    applied = cli("migrate", "--json", **away).document
    assert applied["applied"] == [one["version"] for one in before["migrations"]]
    assert cli("migrate", "--status", "--json", **away).document["pending"] == 0
    assert "0개를 적용했습니다" in cli("migrate", "--locale", "ko", **away).out


def test_migrate_refuses_a_schema_that_is_newer(cli, database, postgres):
    async def newer():
        import asyncpg

        connection = await asyncpg.connect(database)
        await connection.execute("insert into tokenhouse.schema_versions values (9999, 'future', 'x')")
        await connection.close()

    postgres.run(newer())
    assert cli("migrate", "--dry-run", "--json", code=1).document["migrations"][-1]["state"] == "unknown"
    cli("migrate", code=8)
    findings = {one["subject"]: one for one in cli("doctor", "--json", code=1).document["findings"]}
    assert findings["schema"]["verdict"] == "fail"


@pytest.fixture
def examined(cli):
    """Return a look of the doctor: its findings by subject."""

    def run(code, *words, **env):
        document = cli("doctor", "--json", *words, code=code, **env).document
        assert document["healthy"] is (code == 0)
        return {one["subject"]: one for one in document["findings"]}

    return run


def test_the_doctor_finds_that_the_tests_server_would_forget(cli, examined):
    cli("plans")  # Opens the house, which makes the journal's months.
    found = examined(1)
    verdicts = {subject: one["verdict"] for subject, one in found.items()}
    assert verdicts.pop("durability") == "fail"
    assert verdicts.pop("home") != "fail"
    assert verdicts.pop("round_trip") != "fail"
    assert verdicts.pop("purchase") == "warn"
    assert set(verdicts.values()) == {"ok"}
    assert set(verdicts) == {
        "python",
        "package",
        "settings",
        "time",
        "postgres",
        "clock",
        "lanes",
        "schema",
        "partitions",
        "access",
        "chat",
    }
    assert found["round_trip"]["facts"]["write_read_ms"] > 0
    assert found["postgres"]["facts"]["kind"] == "own"
    assert "power cut" in cli("doctor", code=1).out
    assert "실패" in cli("doctor", "--locale", "ko", code=1).out


@pytest.fixture
def configured(surroundings, tmp_path):
    """Return a writer of `tokenhouse.toml`; the doctor finds it in the home folder."""

    def write(text):
        (tmp_path / "tokenhouse.toml").write_text(text, encoding="utf-8")

    return write


@pytest.mark.row("B2")
def test_the_doctor_says_that_refusals_have_no_link(cli, examined):
    assert examined(1)["purchase"] == {
        "subject": "purchase",
        "verdict": "warn",
        "facts": {"purchase_url": "http://127.0.0.1:8300/app/buy"},
    }
    assert "set purchase_url" in cli("doctor", code=1).out
    assert "purchase_url을 설정" in cli("doctor", "--locale", "ko", code=1).out
    link = {"TOKENHOUSE_PURCHASE_URL": "https://shop.example.com/tokens"}
    assert examined(1, **link)["purchase"]["verdict"] == "ok"
    assert "https://shop.example.com/tokens" in cli("doctor", code=1, **link).out
    assert "set purchase_url" not in cli("doctor", code=1, **link).out


def test_the_doctor_says_that_nobody_answers_in_the_chat(cli, examined, configured):
    configured(
        """
        environment = "production"
        [chat]
        models = ["gpt-4o", "claude-x"]
        [[upstream]]
        name = "openai"
        url = "https://api.openai.com/v1"
        models = ["gpt-*"]
        """
    )
    found = examined(1)["chat"]
    assert found["verdict"] == "warn"
    assert found["facts"] == {"models": ["demo", "gpt-4o", "claude-x"], "missing": ["demo", "claude-x"]}
    assert "without a provider: demo, claude-x" in cli("doctor", code=1).out
    assert "공급자가 없는 모델: demo, claude-x" in cli("doctor", "--locale", "ko", code=1).out
    configured('environment = "production"\n')
    assert examined(1)["chat"]["verdict"] == "ok"  # Where no other is, the demonstration model answers.


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_the_doctor_lets_a_developer_be(examined, host):
    assert examined(1, TOKENHOUSE_HOST=host)["access"]["verdict"] == "ok"


def test_the_doctor_says_that_others_reach_a_server_in_development(cli, examined):
    away = {"TOKENHOUSE_HOST": "::"}
    found = examined(1, **away)["access"]
    assert found["verdict"] == "warn"
    assert found["facts"] == {"host": "::", "environment": "development"}
    assert "made-up usage" in cli("doctor", code=1, **away).out
    assert "시험 사용량" in cli("doctor", "--locale", "ko", code=1, **away).out
    assert examined(1, TOKENHOUSE_ENVIRONMENT="production", **away)["access"]["verdict"] == "ok"


def test_the_doctor_leaves_nothing_behind(cli, postgres, database):
    cli("doctor", code=1)

    async def left():
        import asyncpg

        connection = await asyncpg.connect(database)
        found = await connection.fetchval("select count(*) from tokenhouse.idempotency_keys")
        await connection.close()
        return found

    assert postgres.run(left()) == 0


def test_the_doctor_keeps_secrets(cli, examined):
    url = "postgresql://joe:s3cret@127.0.0.1:1/x?password=t0p"
    found = examined(1, TOKENHOUSE_DATABASE_URL=url)
    assert found["settings"]["facts"]["database_url"] == "postgresql://joe:***@127.0.0.1:1/x"
    assert found["postgres"]["facts"]["error"]["code"] == "database_trouble"
    for ran in (
        cli("doctor", code=1, TOKENHOUSE_DATABASE_URL=url),
        cli("doctor", "--json", code=1, TOKENHOUSE_DATABASE_URL=url),
    ):
        assert "s3cret" not in ran.out + ran.err
        assert "t0p" not in ran.out + ran.err


def test_the_doctor_sees_what_is_missing(examined, empty_database):
    found = examined(1, TOKENHOUSE_DATABASE_URL=empty_database)
    assert found["schema"]["verdict"] == "warn"
    assert "round_trip" not in found


def test_the_doctor_says_that_settings_are_wrong(cli):
    cli("doctor", code=8, TOKENHOUSE_TIME_ZONE="Mars/Base")
