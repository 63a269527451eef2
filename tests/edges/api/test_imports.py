"""Imports over REST: what would change is said first; then all of it is written, or nothing, and said so."""

import asyncio
import json
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.flow.sixty_two import users_csv
from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput
from tokenhouse.flow import importing, works
from tokenhouse.flow.imports import Import, Upload
from tokenhouse.settings import Settings
from tokenhouse.store import accounts
from tokenhouse.store.pool import connect

IMPORTS = "/api/v1/imports"
COUNTS = ("rows", "new", "changed", "unchanged", "differing", "refused")
TABLE = "id,name,email,used,bought,turns\nalice,Alice,a@example.com,500,1000,3\nbora,Bora,b@example.com,,,\n"
BAD = (
    "ref,name,plan,parent,bought\n"
    "a,A,,,\n"
    "b,B,gold,,\n"
    "c,C\n"
    "a,again,,,\n"
    "d,D,,nobody,\n"
    "e,E,,d,\n"
    "f,F,small,,5000\n"
    "g,G,,f,\n"
    "h,H,,a,\n"
    "i,I,,j,\n"
    "j,J,,i,\n"
    "k,K,small,,-5\n"
)


async def sent(service: Service, content: str | bytes, **params: Any) -> dict:
    """Send a file, and return the import once it has been looked through."""
    body = content.encode() if isinstance(content, str) else content
    begun = await service.call("POST", IMPORTS, who="operator", content=body, params=params)
    assert begun.status_code == 202, begun.text
    return await rested(service, begun.json())


async def rested(service: Service, found: dict) -> dict:
    """Return an import once nothing of it is under way."""
    while found["state"] in ("checking", "writing"):
        found = await service.ok("GET", f"{IMPORTS}/{found['id']}", who="auditor")
        await asyncio.sleep(0.01)
    return found


async def resting(house: Tokenhouse, one: str) -> Import:
    """Return an import once nothing of it is under way, on this node."""
    if (task := house.desk.under_way.tasks.get(one)) is not None:
        await asyncio.wait({task})
    return await house.find_import(one)


async def carried_out(service: Service, found: dict, **asked: Any) -> dict:
    """Have an import carried out, and return it once it has ended."""
    asked = {"reason": "from the old system", **asked}
    begun = await service.ok("POST", f"{IMPORTS}/{found['id']}/carry-out", who="operator", json=asked)
    return await rested(service, begun)


def counts(report: dict) -> tuple[int, ...]:
    return tuple(report[name] for name in COUNTS)


async def files_kept(database: str) -> int:
    connection = await connect(database)
    try:
        return int(await connection.fetchval("select count(*) from tokenhouse.work_files"))
    finally:
        await connection.close()


@pytest.mark.row("A3", "D7")
async def test_what_would_change_is_said_then_done_and_never_twice(
    service: Service, database: str, clock: Any
):
    await service.house.account("bora", email="else@example.com")
    found = await sent(service, TABLE, name="people.csv")
    assert (found["state"], found["name"], found["form"]) == ("ready", "people.csv", "users")
    assert counts(found["check"]) == (2, 1, 0, 1, 1, 0)
    assert [one.ref for one in await service.house.accounts()] == ["bora"], "nothing has changed"
    assert await files_kept(database) == 1
    done = await carried_out(service, found)
    assert (done["state"], done["rows_done"], done["rows_total"], done["problem"]) == ("done", 2, 2, "")
    assert counts(done["result"]) == counts(done["check"])
    alice = await service.house.balance("alice")
    assert (alice.used, alice.turns) == (500, 3)
    assert (await service.house.describe("bora")).email == "else@example.com"
    assert (await service.house.verify()).clean
    assert await files_kept(database) == 0
    log = await service.house.audit_log(action="import")
    assert [one.action for one in log] == ["import.users", "import.start"]
    assert (log[0].reason, log[0].after["new"], log[0].subject) == ("from the old system", 1, "people.csv")

    clock.move(seconds=1)
    again = await sent(service, TABLE)
    assert counts(again["check"]) == (2, 0, 0, 2, 1, 0)
    before = await service.house.history("alice")
    assert counts((await carried_out(service, again))["result"]) == (2, 0, 0, 2, 1, 0)
    assert await service.house.history("alice") == before
    [second, first] = (await service.ok("GET", IMPORTS, who="auditor"))["items"]
    assert (second["id"], first["id"]) == (again["id"], found["id"])
    page = await service.ok("GET", IMPORTS, who="auditor", params={"limit": 1})
    rest = await service.ok("GET", IMPORTS, who="auditor", params={"limit": 1, "cursor": page["next"]})
    assert rest["items"] == [first]
    no = await service.no(
        400, "POST", f"{IMPORTS}/{found['id']}/carry-out", who="operator", json={"reason": "again"}
    )
    assert "Send the file again" in no["detail"]


async def test_lines_that_cannot_be_imported_are_named_and_left_out_on_demand(service: Service):
    await service.house.write_plan({"name": "small", "credit": {"maximum": 1_000}})
    found = await sent(service, BAD)
    assert counts(found["check"]) == (12, 2, 0, 0, 0, 10)
    told = {one["line"]: (one["column"], one["problem"]) for one in found["check"]["lines"]}
    assert [*told] == [3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
    assert [column for column, _ in told.values()] == [
        "plan", "-", "ref", "parent", "parent", "used", "parent", "parent", "parent", "bought",
    ]  # fmt: skip
    for line, said in ((3, "'gold'"), (4, "2 fields"), (5, "on line 2"), (6, "'nobody'"), (8, "plan small")):
        assert said in told[line][1]
    [listed] = (await service.ok("GET", IMPORTS, who="auditor"))["items"]
    assert (listed["check"]["refused"], listed["check"]["lines"]) == (10, [])
    asked = {"reason": "move"}
    no = await service.no(400, "POST", f"{IMPORTS}/{found['id']}/carry-out", who="operator", json=asked)
    assert (no["field"], no["value"]) == ("leave_out", 10)
    done = await carried_out(service, found, leave_out=True)
    assert counts(done["result"]) == (12, 2, 0, 0, 0, 10)
    assert sorted(one.ref for one in await service.house.accounts()) == ["a", "h"]
    assert (await service.house.describe("h")).address.path[-1] == (
        await service.house.describe("a")
    ).address.account
    assert (await service.house.verify()).clean
    assert (await service.house.waiting())[1] == 0, "everyone has a balance"


@pytest.mark.row("A3")
async def test_the_sixty_two_of_the_source_get_their_balances(service: Service, tmp_path: Any):
    found = await sent(service, users_csv(tmp_path).read_bytes(), name="users.csv")
    assert counts(found["check"]) == (62, 62, 0, 0, 0, 0)
    done = await carried_out(service, found)
    assert counts(done["result"]) == (62, 62, 0, 0, 0, 0)
    assert (await service.house.balance("1")).used == 12_977
    assert (await service.house.verify()).clean


@pytest.mark.row("D7")
async def test_points_come_as_they_are_and_a_wrong_sum_is_named(service: Service):
    line = {"type": "signup_bonus", "amount": 100, "timestamp": "2025-10-01T00:00:00", "balance_after": 100}
    good = {"current_points": 100, "total_earned": 100, "total_spent": 0, "history": [line]}
    content = json.dumps({"a@b": good, "c@d": {**good, "current_points": 7}, "e@f": 5})
    no = await service.no(400, "POST", IMPORTS, who="operator", content=content, params={"form": "points"})
    assert (no["field"], no["value"]) == ("plan", "chat-tokens")
    await service.house.write_plan({"name": "gift"})
    found = await sent(service, content, plan="gift")
    assert (found["form"], found["name"]) == ("points", "points.json")
    assert counts(found["check"]) == (3, 1, 0, 0, 0, 2)
    assert [one["column"] for one in found["check"]["lines"]] == ["c@d.current_points", "e@f"]
    await carried_out(service, found, leave_out=True)
    assert (await service.house.balance("a@b")).available == 100


async def test_a_file_that_is_none_says_what_is_wrong_with_it(service: Service, database: str):
    await service.house.write_plan({"name": "gift"})
    for content, said in ((b"", "no column ref"), (b"name\nx\n", "no column ref"), (b"{", "points.json")):
        found = await sent(service, content, plan="gift") if content == b"{" else await sent(service, content)
        assert (found["state"], said in found["problem"]) == ("failed", True), found["problem"]
        assert found["check"] is None
    assert await files_kept(database) == 0
    mapped = await sent(service, "userId\n7\n", column="userId=ref")
    assert counts(mapped["check"]) == (1, 1, 0, 0, 0, 0)
    for params, field in (
        ({"column": "ref"}, "column"),
        ({"form": "xml"}, "form"),
        ({"plan": "gift"}, "plan"),
        ({"name": "a\0b"}, "name"),
    ):
        problem = await service.no(400, "POST", IMPORTS, who="operator", content=b"ref\n", params=params)
        assert problem["field"] == field


async def test_only_an_operator_imports(service: Service):
    for who in ("alice", "auditor"):
        await service.no(403, "POST", IMPORTS, who=who, content=b"ref\na\n")
    await service.no(401, "POST", IMPORTS, content=b"ref\na\n")
    found = await sent(service, "ref\na\n")
    path = f"{IMPORTS}/{found['id']}"
    await service.no(403, "GET", IMPORTS, who="alice")
    await service.no(403, "POST", f"{path}/carry-out", who="auditor", json={"reason": "x"})
    await service.no(403, "POST", f"{path}/cancel", who="auditor")
    await service.no(404, "GET", f"{IMPORTS}/{'0' * 32}", who="auditor")
    ended = await service.ok("POST", f"{path}/cancel", who="operator")
    assert ended["state"] == "cancelled"
    await service.no(400, "POST", f"{path}/carry-out", who="operator", json={"reason": "x"})


class TestALargeFile:
    @pytest.fixture
    def settings(self):
        return {"import_bytes_max": 2_000_000}

    async def test_it_may_be_larger_than_other_bodies_and_is_bounded(self, service: Service):
        lines = b"ref,name\n" + b"".join(b"u%07d,%s\n" % (n, b"x" * 90) for n in range(15_000))
        assert len(lines) > service.house.desk.settings.api_body_bytes_max
        found = await sent(service, lines)
        assert found["check"]["new"] == 15_000

        async def parts():
            for _ in range(3):
                yield lines

        for content in (lines * 2, parts()):
            no = await service.no(413, "POST", IMPORTS, who="operator", content=content)
            assert no["most"] == 2_000_000


async def test_one_runs_at_a_time_and_tells_how_far_it_is(service: Service, monkeypatch: Any, clock: Any):
    going_on = asyncio.Event()
    opened = accounts.write_opened

    async def slowly(*asked: Any) -> Any:
        await going_on.wait()
        return await opened(*asked)

    monkeypatch.setattr(importing, "ROWS", 2)
    other = await sent(service, "ref\ne\n")
    found = await sent(service, "ref\na\nb\nc\nd\n")
    monkeypatch.setattr(accounts, "write_opened", slowly)
    path = f"{IMPORTS}/{found['id']}"
    begun = await service.ok("POST", f"{path}/carry-out", who="operator", json={"reason": "x"})
    assert (begun["state"], begun["rows_done"], begun["rows_total"]) == ("writing", 0, 4)
    yes = {"json": {"reason": "x"}}
    for at, asked in (
        (IMPORTS, {"content": b"ref\n"}),
        (f"{path}/carry-out", yes),
        (f"{IMPORTS}/{other['id']}/carry-out", yes),
    ):
        busy = await service.no(409, "POST", at, who="operator", **asked)
        assert busy["code"] == "still_running"
    going_on.set()
    done = await rested(service, begun)
    assert (done["state"], done["rows_done"]) == ("done", 4)


async def test_one_that_is_called_off_in_the_middle_leaves_nothing(service: Service, monkeypatch: Any):
    found = await sent(service, TABLE)
    begun, opened = asyncio.Event(), accounts.write_opened
    go = asyncio.Event()

    async def slowly(*asked: Any) -> Any:
        begun.set()
        await go.wait()
        return await opened(*asked)

    with monkeypatch.context() as held:
        held.setattr(accounts, "write_opened", slowly)
        path = f"{IMPORTS}/{found['id']}"
        await service.ok("POST", f"{path}/carry-out", who="operator", json={"reason": "x"})
        await begun.wait()
        ended = await service.ok("POST", f"{path}/cancel", who="operator")
        go.set()
        await asyncio.wait(set(service.house.desk.under_way.tasks.values()))
    assert ended["state"] == "cancelled"
    assert (await service.ok("GET", path, who="auditor"))["state"] == "cancelled"
    assert await service.house.accounts() == []


@pytest.mark.parametrize("taken_up", [True, False])
async def test_what_breaks_off_is_taken_up_by_another_node_or_carried_out_again(
    database: str, clock: Any, monkeypatch: Any, taken_up: bool
):
    never = asyncio.Event()

    async def stuck(*_: Any) -> None:
        await never.wait()

    settings = Settings()
    async with Tokenhouse.open(database, settings=settings, clock=clock) as other:
        async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
            begun = await house.start_import(Upload(content=TABLE.encode()), actor="test")
            await resting(house, begun.id)
            with monkeypatch.context() as held:
                held.setattr(accounts, "write_opened", stuck)
                await house.carry_out_import(begun.id, reason="moving in", actor="kim")
        assert await other.accounts() == []
        clock.move(minutes=2)
        assert (await other.find_import(begun.id)).state == "writing", "another node may take it up"
        if taken_up:
            assert (await other.run_job("works")).result == {"works": 1}
        else:
            clock.move(minutes=4)
            assert (await other.run_job("works")).result == {"works": 0}, "nobody waits for it any more"
            found = await other.find_import(begun.id)
            assert (found.state, found.result) == ("lost", None)
            await other.carry_out_import(begun.id, reason="moving in", actor="kim")
        found = await resting(other, begun.id)
        assert (found.state, found.result and found.result.new) == ("done", 2)
        assert len(await other.accounts()) == 2
        [kept] = await other.audit_log(action="import")
        assert (kept.action, kept.actor, kept.reason) == ("import.users", "kim", "moving in")
        assert (await other.run_job("works")).result == {"works": 0}


async def test_a_file_whose_node_is_lost_while_it_is_looked_through_is_looked_through_again(
    database: str, clock: Any, monkeypatch: Any
):
    async def stuck(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    async with Tokenhouse.open(database, clock=clock) as other:
        async with Tokenhouse.open(database, clock=clock) as house:
            with monkeypatch.context() as held:
                held.setattr(importing, "survey", stuck)
                begun = await house.start_import(Upload(content=TABLE.encode(), named={"id": "ref"}))
        clock.move(minutes=2)
        await other.run_job("works")
        found = await other.find_import(begun.id)
        assert (found.state, found.check and found.check.new) == ("ready", 2)


async def test_a_database_that_goes_away_breaks_it_off_and_a_changed_plan_fails_it(
    service: Service, monkeypatch: Any, database: str
):
    async def away(*_: Any) -> None:
        raise DatabaseTrouble("postgres_away", problem="gone")

    found = await sent(service, TABLE)
    with monkeypatch.context() as held:
        held.setattr(accounts, "write_opened", away)
        assert (await carried_out(service, found))["state"] == "lost"
    await service.house.write_plan({"name": "chat-tokens", "credit": {"maximum": 10}})
    failed = await carried_out(service, found)
    assert (failed["state"], "does not allow" in failed["problem"]) == ("failed", True)
    assert await service.house.accounts() == []
    assert await files_kept(database) == 0


async def test_other_lines_that_are_refused_now_end_it(service: Service):
    await service.house.account("team")
    found = await sent(service, "ref,parent\na,team\nb,nobody\n")
    assert counts(found["check"]) == (2, 1, 0, 0, 0, 1)
    await service.house.account("nobody")
    failed = await carried_out(service, found, leave_out=True)
    assert (failed["state"], "send the file again" in failed["problem"]) == ("failed", True)
    with pytest.raises(InvalidInput):
        await service.house.start_import(Upload(content=b"x" * (16 * 1024 * 1024 + 1)))


async def test_what_nobody_came_back_to_is_let_go(service: Service, clock: Any, database: str):
    found = await sent(service, TABLE)
    clock.move(hours=23)
    assert await works.forget(service.house.desk) == 0
    clock.move(hours=2)
    assert await works.forget(service.house.desk) == 1
    [left] = (await service.ok("GET", IMPORTS, who="auditor"))["items"]
    assert (left["id"], left["state"], await files_kept(database)) == (found["id"], "cancelled", 0)
