"""`check`, `init`, `import` and `export` on the command line: what they say, and how they end."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.edges.cli.conftest import Run
from tests.flow.sixty_two import EXPERT, sessions_csv, users_csv


@pytest.fixture
def sixty_two(cli: Run, tmp_path: Path) -> Run:
    cli("import", "users", str(users_csv(tmp_path)))
    cli("import", "sessions", str(sessions_csv(tmp_path)))
    return cli


@pytest.mark.row("A1")
def test_check_tells_who_waits_in_three_forms_and_two_languages(sixty_two: Run):
    text = sixty_two("check", code=1).out
    for said in ("59 (95.2 %)", "14,008", "100,000", "4,669", "12,977", EXPERT, "187,023", "normal"):
        assert said in text
    korean = sixty_two("check", "--form", "markdown", code=1, TOKENHOUSE_LOCALE="ko").out
    assert "| 초기화가 필요한 계정 | 59 (95.2%) |" in korean
    assert (
        "| 32 | user1@consult-on.kr | 100,000 | 0 | 100,000 | 762 | 1 | 99,238 | 99 | 2 | 381 | 정상 |"
        in korean
    )
    table = list(csv.reader(io.StringIO(sixty_two("check", "--form", "csv", code=1).out)))
    assert ["Used, total", "14008"] in table
    document = sixty_two("check", "--json", code=1).document
    assert (document["overview"]["used"], document["anomalies"]) == (14_008, 1)
    assert document["strays"][0]["email"] == EXPERT
    assert sixty_two("check", "--rows", "1", code=1).out.count("2 more") == 1


@pytest.mark.row("A1")
def test_check_changes_nothing(sixty_two: Run):
    assert sixty_two("check", "--json", code=1).out == sixty_two("check", "--json", code=1).out


@pytest.mark.row("A3", "A4")
def test_init_reports_in_every_form(sixty_two: Run, tmp_path: Path):
    files = {form: tmp_path / f"report.{form}" for form in ("json", "csv", "md", "txt")}
    planned = sixty_two("init", "--dry-run", "--json").document
    assert (planned["made"], planned["kept"], planned["dry_run"]) == (59, 3, True)
    done = sixty_two("init", "--rows", "3", "--report", str(files["json"]))
    assert "Made 59, kept 3, failed 0." in done.out
    assert "report.json" in done.err
    for form in ("csv", "md", "txt"):
        sixty_two("init", "--report", str(files[form]))
    document = json.loads(files["json"].read_text())
    assert (document["made"], document["after"]["used_mean"], document["unused"]) == (59, 226, 59)
    assert [check["held"] for check in document["integrity"]] == [True] * 5
    (admin,) = (line for line in document["accounts"] if line["account"] == "1")
    assert (admin["total"], admin["used"], admin["left"], admin["turns"]) == (200_000, 12_977, 187_023, 22)
    assert (len(document["accounts"]), admin["mean_per_turn"]) == (62, 590)
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text())))
    assert (len(rows), rows[0]["Total"], rows[0]["Used %"]) == (62, "200000", "6")
    markdown = files["md"].read_text()
    assert markdown.count("\n| ") == 62 + 1 + 15 + 8 + 6
    assert "| 1 | admin@consult-on.kr | 100,000 | 100,000 | 200,000 | 12,977 | 6 | 187,023 | 94 |" in markdown
    assert files["txt"].read_text() == markdown
    assert list(tmp_path.glob("*.part")) == []


def test_init_refuses_a_report_of_unknown_form_before_it_begins(sixty_two: Run, tmp_path: Path):
    assert "report.xls" in sixty_two("init", "--report", str(tmp_path / "report.xls"), code=2).err
    assert sixty_two("check", "--json", code=1).document["overview"]["with_balance"] == 3


def test_import_tells_of_a_bad_line_and_its_way_out(cli: Run, tmp_path: Path):
    file = tmp_path / "bad.csv"
    file.write_text("ref,used\na,1\nb,minus\n")
    said = cli("import", "users", str(file), code=2).err
    assert "bad.csv, line 3, column used" in said
    assert "Nothing was imported." in said
    korean = cli("import", "users", str(file), code=2, TOKENHOUSE_LOCALE="ko").err
    assert "3행" in korean
    assert "정수를 쓰세요" in korean
    assert "--table" in cli("import", "users", code=2).err
    assert "ref=" not in cli("import", "users", str(file), "--map", "x", code=2).out


@pytest.mark.row("D7")
def test_import_points_needs_a_deployment_of_points(cli: Run, tmp_path: Path):
    file = tmp_path / "points.json"
    file.write_text(
        '{"a@b": {"current_points": 5, "total_earned": 5, "total_spent": 0, "history": '
        '[{"type": "signup_bonus", "amount": 5, "timestamp": "2025-08-04T14:18:45", "balance_after": 5}]}}'
    )
    done = cli("import", "points", str(file), "--json", TOKENHOUSE_PLAN="points").document
    assert done == {"lines": 1, "made": 1, "kept": 0, "balances": 1}


def test_export_goes_to_a_file_or_to_standard_output(sixty_two: Run, tmp_path: Path):
    out = sixty_two("export", "orders", "--account", "1").out
    assert out.splitlines()[0].startswith("ref,id,type,state,credit")
    file = tmp_path / "entries.csv"
    said = sixty_two("export", "entries", "--output", str(file), "--json").document
    assert said == {"what": "entries", "rows": 10, "file": str(file)}
    assert len(file.read_text().splitlines()) == 11
    assert "--output" in sixty_two("export", "entries", "--format", "parquet", code=2).err
    missing = tmp_path / "none" / "x.csv"
    assert "x.csv" in sixty_two("export", "entries", "--output", str(missing), code=2).err


def test_parquet_without_its_package_is_one_line(sixty_two: Run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    file = tmp_path / "x.parquet"
    said = sixty_two("export", "accounts", "--format", "parquet", "--output", str(file), code=2).err
    assert "tokenhouse[parquet]" in said
    assert not file.exists()
