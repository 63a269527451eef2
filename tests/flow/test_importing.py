"""Importing: all lines or none; a bad line is named with its column and a way out; again, it is harmless."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import Clock
from tests.flow.sixty_two import users_csv
from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.tables import guarded, unguarded
from tokenhouse.settings import Settings


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as opened:
        yield opened


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


def written(folder: Path, text: str | bytes, name: str = "users.csv") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        "ref,name\nkim,김철수\n".encode(),
        b"\xef\xbb\xbf" + "ref,name\r\nkim,김철수\r\n".encode(),
        "ref,name\r\nkim,김철수\r\n".encode("cp949"),
        '"ref";"name"\n"kim";"김철수"\n\n'.encode(),
        "ID\tname\tunknown\nkim\t김철수\tx".encode(),
        'name,ref\n"김철수",kim\n'.encode(),
    ],
    ids=["utf-8", "bom-crlf", "cp949", "semicolon", "tab-id", "order"],
)
async def test_a_table_is_read_whatever_wrote_it(house: Tokenhouse, tmp_path: Path, content: bytes):
    done = await house.import_users(written(tmp_path, content))
    assert (done.lines, done.made, done.kept, done.balances) == (1, 1, 0, 0)
    assert (await house.describe("kim")).name == "김철수"


async def test_columns_are_named_by_a_mapping(house: Tokenhouse, tmp_path: Path):
    file = written(tmp_path, "userId,mail,usedTokens\n7,a@b,5\n")
    await house.import_users(file, named={"userId": "ref", "mail": "email", "usedTokens": "used"})
    assert (await house.describe("7")).email == "a@b"
    assert (await house.balance("7")).used == 5


BAD = {
    "no ref": ("name\nx\n", "has no column ref", None),
    "empty file": ("", "has no column ref", None),
    "twice the column": ("ref,name,name\na,b,c\n", "twice", None),
    "duplicate": ("ref\na\nb\na\n", "stands on line 2", 4),
    "too few fields": ("ref,name\na\n", "1 fields", 2),
    "empty ref": ('ref,name\n"",x\n', "it needs 1 to 200", 2),
    "long ref": (f"ref\n{'a' * 201}\n", "201 characters", 2),
    "huge field": (f"ref\n{'a' * 200_000}\n", "field larger", 2),
    "NUL": ("ref,name\na,b\0c\n", "characters", 2),
    "unknown plan": ("ref,plan\na,\nb,gold\n", "'gold'; choose one of chat-tokens", 3),
    "unknown kind": ("ref,kind\na,robot\n", "choose one of user", 2),
    "unknown zone": ("ref,time_zone\na,Mars/Base\n", "IANA", 2),
    "negative": ("ref,used\na,-1\n", "whole number", 2),
    "fraction": ("ref,used\na,1.5\n", "whole number", 2),
    "not a number": ("ref,used\na,NaN\n", "whole number", 2),
    "2^63": ("ref,used\na,9223372036854775808\n", "whole number", 2),
    "bad time": ("ref,created_at\na,yesterday\n", "no date", 2),
    "bad flag": ("ref,own_credit\na,perhaps\n", "choose one of true", 2),
    "bad tags": ("ref,tags\na,[1]\n", "table of named values", 2),
    "unknown parent": ("ref,parent\na,\nb,nobody\n", "'nobody' is neither", 3),
    "itself": ("ref,parent\na,a\n", "lead back", 2),
    "circle": ("ref,parent\nr,\na,b\nb,c\nc,a\n", "lead back", 3),
    "too deep": (
        "ref,parent\na0,\n" + "".join(f"a{n},a{n - 1}\n" for n in range(1, 12)),
        "8 accounts deep",
        10,
    ),
    "open quote": ('ref,name\na,"b\nc,d\n', "no sound CSV", 2),
    "usage below": ("ref,parent,used\na,,\nb,a,5\n", "account without a parent", 3),
    "multi-line": ('ref,name\na,"b"\n\n\nc,x,y\n', "3 fields", 5),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_line_is_named_and_nothing_is_imported(house: Tokenhouse, sql, tmp_path: Path, case: str):
    text, said, line = BAD[case]
    with pytest.raises(InvalidInput) as failure:
        await house.import_users(written(tmp_path, text))
    message = failure.value.message()
    assert said in message
    assert "users.csv" in message
    assert failure.value.facts.get("line") == line
    assert failure.value.message("ko") != message
    for table in ("accounts", "directory", "balances", "import_lines"):
        assert await sql.fetchval(f"select count(*) from tokenhouse.{table}") == 0


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [(b"ref\n\xff\xfe\xff\n", None, "Save it as UTF-8"), (b"ref\na\n", "klingon", "--encoding")],
)
async def test_an_encoding_that_does_not_fit_is_told(house, tmp_path, content, encoding, said):
    with pytest.raises(InvalidInput, match=said):
        await house.import_users(written(tmp_path, content), encoding=encoding)


async def test_a_file_that_is_not_there_is_told(house: Tokenhouse, tmp_path: Path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        await house.import_users(tmp_path / "none.csv")


async def test_a_file_that_cannot_be_read_is_told_also_where_its_encoding_is(house, tmp_path: Path):
    with pytest.raises(InvalidInput) as no:
        await house.import_users(tmp_path, encoding="utf-8")
    assert (no.value.reason, no.value.facts["value"]) == ("import_unreadable", tmp_path.name)


async def test_a_mapping_names_a_column_that_the_file_has(house: Tokenhouse, tmp_path: Path):
    file = written(tmp_path, "userId,mail\n7,a@b\n")
    for named, told in (({"userid": "ref"}, "userId, mail"), ({"userId": "reference"}, "ref, kind")):
        with pytest.raises(InvalidInput) as no:
            await house.import_users(file, named=named)
        assert no.value.facts["field"] == "map"
        assert no.value.facts["known"].startswith(told)


async def test_a_past_that_the_plan_does_not_allow_is_told_by_its_line(house: Tokenhouse, sql, tmp_path):
    await house.write_plan({"name": "small", "credit": {"maximum": 1_000}})
    file = written(tmp_path, "ref,plan,bought,used\na,small,900,5\nb,small,1001,5\n")
    with pytest.raises(InvalidInput) as no:
        await house.import_users(file)
    assert (no.value.facts["line"], no.value.facts["problem"].reason) == (3, "import_refused")
    assert "the plan small does not allow" in no.value.message()
    assert await sql.fetchval("select count(*) from tokenhouse.accounts") == 0


async def test_a_tree_comes_in_any_order_and_below_what_is_there(house: Tokenhouse, tmp_path: Path):
    await house.account("group", kind="company")
    rows = ["user,user,team,", "team,team,company,", "company,company,,", "sub,company,group,yes"]
    text = "\n".join(["ref,kind,parent,own_credit", *rows])
    done = await house.import_users(written(tmp_path, text))
    assert (done.made, done.balances) == (4, 0)
    await house.initialise()
    user, company = await house.describe("user"), await house.describe("company")
    assert (user.parent, user.own_credit, user.address.cell) == ("team", False, company.address.cell)
    assert len((await house.desk.address("user")).path) == 3
    assert (await house.describe("sub")).own_credit
    assert (await house.charge("user", 10)).balance.available == (await house.balance("company")).available


@pytest.mark.row("A3", "C7")
async def test_usage_from_before_gets_its_balance_orders_and_entries(house: Tokenhouse, tmp_path: Path):
    await house.import_users(users_csv(tmp_path), actor="migration")
    view = await house.balance("1")
    assert (view.used, view.turns, view.remaining, view.used_percent) == (12_977, 22, 187_023, 6.49)
    (order,) = await house.orders("1")
    assert (order.type, order.state, order.credit, order.method) == (
        "purchase",
        "completed",
        100_000,
        "import",
    )
    kinds = {entry.kind: entry for entry in await house.history("1")}
    assert set(kinds) == {"open", "allowance", "grant", "charge"}
    assert kinds["grant"].operation == order.id
    assert kinds["grant"].facts["order"] == order.id
    assert (kinds["charge"].source, kinds["charge"].facts["turns"]) == ("imported", 22)
    assert kinds["charge"].actor == "migration"
    await house.initialise()
    assert (await house.verify()).clean


async def test_a_past_of_nothing_is_a_balance_too(house: Tokenhouse, tmp_path: Path):
    done = await house.import_users(written(tmp_path, "ref,parent,used\na,,0\nb,,\nc,a,0\n"))
    assert (done.made, done.balances) == (3, 1)
    assert (await house.balance("a")).remaining == 100_000


async def test_more_use_than_credit_is_debt(house: Tokenhouse, tmp_path: Path):
    await house.import_users(written(tmp_path, "ref,used,turns\na,120000,3\n"))
    view = await house.balance("a")
    assert (view.debt, view.used, view.level) == (20_000, 120_000, "blocked")


async def test_again_it_is_harmless(house: Tokenhouse, sql, tmp_path: Path):
    await house.import_users(users_csv(tmp_path))
    before = await sql.fetch("select b::text from tokenhouse.balances b order by account")
    again = await house.import_users(users_csv(tmp_path))
    assert (again.lines, again.made, again.kept, again.balances) == (62, 0, 62, 0)
    assert await sql.fetch("select b::text from tokenhouse.balances b order by account") == before
    assert await sql.fetchval("select count(*) from tokenhouse.orders") == 1
    assert await sql.fetchval("select count(*) from tokenhouse.import_lines") == 0


async def test_a_table_of_users_is_only_read(house: Tokenhouse, sql, database: str):
    await sql.execute('create schema app; create table app."User" (id bigint, "eMail" text, at timestamptz)')
    await sql.execute("""insert into app."User" values (1, 'a@b', now()), (2, null, null)""")
    named = {"id": "ref", "eMail": "email", "at": "created_at"}
    for url in (None, database):
        done = await house.import_table("app.User", url=url, named=named)
    assert (done.made, done.kept) == (0, 2)
    assert (await house.describe("1")).email == "a@b"
    with pytest.raises(InvalidInput, match="cannot be copied"):
        await house.import_table('app.User"; drop table app."User')
    await sql.execute("create view app.people as select 1 as id")
    with pytest.raises(InvalidInput, match="cannot be copied"):
        await house.import_table("app.people")


async def test_sessions_need_their_accounts(house: Tokenhouse, sql, tmp_path: Path):
    await house.account("a")
    good = written(tmp_path, "ref,session,title,tokens,turns\na,s1,안녕,12,1\na,s2,,0,0\n", "s.csv")
    done = await house.import_sessions(good)
    assert (done.made, done.kept) == (2, 0)
    assert (await house.import_sessions(good)).kept == 2
    assert await sql.fetchval("select sum(tokens) from tokenhouse.chat_sessions") == 12
    with pytest.raises(InvalidInput, match="there is no account 'b'"):
        await house.import_sessions(written(tmp_path, "ref,session\na,s3\nb,s1\n", "s.csv"))
    with pytest.raises(InvalidInput, match="line 2 already"):
        await house.import_sessions(written(tmp_path, "ref,session\na,s3\na,s3\n", "s.csv"))
    assert await sql.fetchval("select count(*) from tokenhouse.chat_sessions") == 2


@pytest.mark.parametrize(
    ("line", "column"),
    [("a,s1,x,1,0", "tokens"), ("a,s1,1,x,0", "turns"), (",s1,1,0,0", "ref"), ("a,,1,0,0", "session")],
)
async def test_a_bad_line_of_sessions_is_named(
    house: Tokenhouse, sql, tmp_path: Path, line: str, column: str
):
    await house.account("a")
    with pytest.raises(InvalidInput) as no:
        await house.import_sessions(
            written(tmp_path, f"ref,session,tokens,turns,title\na,s0,1,1,\n{line}\n", "s.csv")
        )
    assert (no.value.facts["file"], no.value.facts["line"], no.value.facts["column"]) == ("s.csv", 3, column)
    assert await sql.fetchval("select count(*) from tokenhouse.chat_sessions") == 0


@pytest.mark.parametrize("text", ["plain", "'quoted'", "", "안녕", "a=1", "'", " a"])
def test_what_is_no_formula_is_left_as_it_is(text: str):
    assert guarded(text) == unguarded(text) == text


@pytest.mark.parametrize("text", ["=1+1", "'=1", "''@x", "-5", "\tx", "\nx", "\r=1", " =1", "\ufeff=1"])
@pytest.mark.parametrize("wide", [False, True])
def test_the_guard_against_formulas_is_taken_away_again(text: str, wide: bool):
    said = text.translate(str.maketrans("=+-@", "＝＋－＠")) if wide else text  # noqa: RUF001 -- full-width
    assert guarded(said) == f"'{said}"
    assert unguarded(guarded(said)) == said


@pytest.mark.parametrize("form", ["csv", "parquet"])
async def test_exports_hold_every_row(house: Tokenhouse, tmp_path: Path, form: str):
    parquet = pytest.importorskip("pyarrow.parquet") if form == "parquet" else None
    await house.import_users(users_csv(tmp_path))
    await house.account("=cmd", name="+x", tags={"a": "b"})
    await house.initialise()
    counts = {"accounts": 63, "balances": 63, "entries": 63 * 2 + 4, "orders": 1}
    for what, count in counts.items():
        output = io.BytesIO()
        assert await house.export(what, output, form=form) == count
        output.seek(0)
        if parquet is not None:
            rows = parquet.read_table(output).to_pylist()
        else:
            rows = list(csv.DictReader(io.TextIOWrapper(output, encoding="utf-8", newline="")))
        assert len(rows) == count
        if what == "accounts":
            assert rows[-1]["ref"] == ("=cmd" if parquet else "'=cmd")


async def test_an_export_is_bounded_by_time_and_account(house: Tokenhouse, clock: Clock):
    first = clock.now
    await house.account("a")
    second = clock.move(days=1)
    await house.account("b")
    await house.grant("a", 5)

    async def count(what: str, **bounds) -> int:
        return await house.export(what, io.BytesIO(), **bounds)

    assert await count("accounts", since=first, until=second) == 1
    assert await count("balances", since=second) == 1
    assert await count("entries", until=second) == 2
    assert await count("entries", since=second) == 3
    assert await count("entries", account="a") == 3
    assert await count("orders", account="a") == 0
    with pytest.raises(InvalidInput, match="choose one of"):
        await count("secrets")
    with pytest.raises(InvalidInput, match="offset"):
        await count("entries", since=first.replace(tzinfo=None))


async def test_exported_accounts_are_imported_as_they_were(
    house: Tokenhouse, postgres, clock: Clock, tmp_path: Path
):
    await house.account("=root", kind="company", name="'@x", tags={"k": "값"}, time_zone="Asia/Seoul")
    await house.account("leaf", parent="=root", email="-a@b", locale="ko")
    file = tmp_path / "accounts.csv"
    with file.open("wb") as output:
        await house.export("accounts", output)
    other = await asyncio.to_thread(postgres.make)
    async with Tokenhouse.open(other, settings=Settings(), clock=clock) as second:
        await second.import_users(file)
        await second.initialise()
        for ref in ("=root", "leaf"):
            ours, theirs = await house.describe(ref), await second.describe(ref)
            for field in (
                "kind",
                "parent",
                "plan",
                "own_credit",
                "name",
                "email",
                "locale",
                "time_zone",
                "tags",
            ):
                assert getattr(ours, field) == getattr(theirs, field), field
    await asyncio.to_thread(postgres.drop, other)


POINTS = {
    "user@example.com": {
        "user_id": "abcdef123456",
        "email": "user@example.com",
        "current_points": 99_676,
        "total_earned": 100_000,
        "total_spent": 324,
        "last_updated": "2025-08-04T14:18:51.789439",
        "history": [
            {
                "type": "signup_bonus",
                "amount": 100_000,
                "description": "신규 회원가입 보너스 (100,000 포인트)",
                "timestamp": "2025-08-04T14:18:45.579953",
                "balance_after": 100_000,
            },
            *(
                {
                    "type": "chat_usage",
                    "amount": -2 * (read + 33),
                    "description": f"채팅 사용 (토큰: {read + 33}, 입력: {read}, 출력: 33)",
                    "timestamp": f"2025-08-04T14:18:4{nth}.789439",
                    "balance_after": after,
                    "token_details": {
                        "prompt_tokens": read,
                        "completion_tokens": 33,
                        "total_tokens": read + 33,
                    },
                }
                for nth, (read, after) in enumerate([(3, 99_928), (16, 99_830), (44, 99_676)], 7)
            ),
        ],
    }
}


@pytest.fixture
async def points_house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as opened:
        yield opened


@pytest.mark.row("D7", "D6")
@pytest.mark.parametrize("indent", [None, 2])
async def test_points_come_with_their_balance_and_history(
    points_house: Tokenhouse, tmp_path: Path, indent: int | None
):
    file = written(tmp_path, json.dumps(POINTS, ensure_ascii=False, indent=indent), "points.json")
    done = await points_house.import_points(file)
    assert (done.made, done.balances) == (1, 1)
    view = await points_house.balance("user@example.com")
    assert (view.remaining, view.granted, view.charged, view.turns) == (99_676, 100_000, 324, 3)
    newest, *_, signup, opening = await points_house.history("user@example.com")
    assert opening.kind == "open"
    assert (signup.amount, signup.facts["type"]) == (100_000, "signup_bonus")
    assert signup.facts["timestamp"] == "2025-08-04T14:18:45.579953"
    assert (newest.amount, newest.balance_after) == (-154, 99_676)
    assert newest.usage == {"input": 44, "output": 33}
    assert (newest.source, newest.facts["timestamp"]) == ("imported", "2025-08-04T14:18:49.789439")
    again = await points_house.import_points(file)
    assert (again.made, again.kept, again.balances) == (0, 1, 0)
    assert (await points_house.balance("user@example.com")).remaining == 99_676
    assert (await points_house.verify()).clean


def changed(path: str, value: object) -> str:
    document = json.loads(json.dumps(POINTS))
    *way, last = path.split(".")
    at = document["user@example.com"]
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[last] = value
    return json.dumps(document)


@pytest.mark.row("D7")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed("current_points", 1), "add up to 99676"),
        (changed("total_earned", 1), "total_earned"),
        (changed("total_spent", 1), "total_spent"),
        (changed("history.2.balance_after", 5), "history[2].balance_after"),
        (changed("history.1.amount", "x"), "Expected `int`"),
        (changed("history.1.amount", 1.5), "Expected `int`"),
        (changed("history.1.token_details.prompt_tokens", -1), "count of tokens"),
        ("[]", "{ is expected"),
        ("", "{ is expected"),
        ('{"a": {}', "missing required field"),
        ('{"a" 1}', ": is expected"),
        (json.dumps(POINTS)[:-1], "} is expected"),
        (json.dumps(POINTS) + "x", "after the end"),
        ('{"a": {"b', "Unterminated"),
        (json.dumps(POINTS)[:-1] + "," + json.dumps(POINTS)[1:], "stands on line 1"),
    ],
)
async def test_points_that_do_not_add_up_are_refused(points_house: Tokenhouse, sql, tmp_path, text, said):
    with pytest.raises(InvalidInput) as failure:
        await points_house.import_points(written(tmp_path, text, "points.json"))
    assert said in failure.value.message()
    assert await sql.fetchval("select count(*) from tokenhouse.accounts") == 0


async def test_points_need_a_plan_that_gives_nothing_by_itself(house: Tokenhouse, tmp_path: Path):
    with pytest.raises(InvalidInput, match="without"):
        await house.import_points(written(tmp_path, "{}", "points.json"))


@pytest.mark.row("D7")
async def test_points_of_somebody_who_cannot_be_named_are_refused(points_house: Tokenhouse, sql, tmp_path):
    text = json.dumps({"a" * 201: POINTS["user@example.com"]})
    with pytest.raises(InvalidInput) as no:
        await points_house.import_points(written(tmp_path, text, "points.json"))
    assert (no.value.facts["line"], no.value.facts["column"]) == (1, "ref")
    assert await sql.fetchval("select count(*) from tokenhouse.accounts") == 0


async def test_pasts_hold_under_a_clock_that_goes_on(database: str, tmp_path: Path):
    async with Tokenhouse.open(database, settings=Settings()) as opened:
        lines = "".join(f"u{n},{n},{n}\n" for n in range(50))
        await opened.import_users(written(tmp_path, f"ref,used,bought\n{lines}"))
        assert (await opened.verify()).clean
