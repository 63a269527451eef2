"""Two servers on one database, over sockets: races for credit, words that must arrive, a stop in between."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.edges.serving import Served, serving
from tests.faults.books import assert_sound
from tests.store.processes import SURROUNDINGS
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = pytest.mark.fault
WITHIN_S = 5.0
"""What must be known within a second, on a machine that does much else."""
CHAT = {"model": "demo", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


class Nodes:
    """Two nodes, an owner who may do everything, and a client."""

    def __init__(self, urls: list[str], owner: str, client: httpx2.AsyncClient) -> None:
        self.urls, self.owner, self.client = urls, owner, client

    async def call(self, node: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call a node as the owner, or with another `authorization`; return status and document."""
        told = {"authorization": f"Bearer {self.owner}"} | {
            name.replace("_", "-"): said for name, said in headers.items()
        }
        answer = await self.client.request(method, self.urls[node % 2] + path, json=body, headers=told)
        return answer.status_code, answer.json() if answer.content else None

    async def account(self, ref: str, **more: Any) -> None:
        status, said = await self.call(0, "POST", "/api/v1/accounts", {"ref": ref, **more})
        assert status in (200, 201), said

    async def charge(self, node: int, ref: str, amount: int, **headers: str) -> Any:
        return await self.call(
            node, "POST", "/api/v1/charges", {"account": ref, "amount": f"{amount}"}, **headers
        )

    async def remaining(self, ref: str, *nodes: int) -> list[str]:
        """Return what an account has left, as each node says it."""
        said = [await self.call(node, "GET", f"/api/v1/accounts/{ref}/balance") for node in nodes]
        return [document["remaining"]["value"] for _, document in said]


def surroundings(database: str, home: Path) -> dict[str, str]:
    """Return the environment of a node."""
    ours = {name: said for name, said in SURROUNDINGS.items() if not name.startswith("TOKENHOUSE_")}
    return ours | {
        "TOKENHOUSE_DATABASE_URL": database,
        "TOKENHOUSE_HOME": str(home),
        "TOKENHOUSE_PLAN": "points",
        "TOKENHOUSE_STOP_S": "0",
    }


@pytest.fixture
def servers(database: str, tmp_path: Path) -> Iterator[list[Served]]:
    homes = [tmp_path / name for name in ("one", "other")]
    for home in homes:
        home.mkdir()
    with serving(surroundings(database, homes[0])) as one, serving(surroundings(database, homes[1])) as other:
        yield [one.started(), other.started()]


@pytest.fixture
async def nodes(database: str, servers: list[Served]) -> AsyncIterator[Nodes]:
    async with Tokenhouse.open(database, settings=Settings(plan="points", lanes=1)) as house:
        owner = (await house.create_key("", role="owner")).secret
    async with httpx2.AsyncClient(timeout=60) as client:
        yield Nodes([server.url for server in servers], owner, client)


async def until(held: Any) -> None:
    """Return as soon as something holds; fail if it takes too long."""
    began = time.monotonic()
    while not await held():
        assert time.monotonic() - began < WITHIN_S
        await asyncio.sleep(0.02)


@pytest.mark.row("E1", "E2")
async def test_credit_that_two_nodes_race_for_is_spent_once(nodes: Nodes, database: str):
    await nodes.account("alice")
    same = await asyncio.gather(
        *(nodes.charge(n, "alice", 10, idempotency_key="same") for n in range(16)),
    )
    assert len({said["id"] for _, said in same}) == 1
    assert [said["replayed"] for _, said in same].count(False) == 1
    other = await asyncio.gather(
        *(nodes.charge(n, "alice", 20 + n % 2, idempotency_key="other") for n in range(16)),
    )
    first = next(n for n, (status, _) in enumerate(other) if status == 201) % 2
    assert [status for status, _ in other] == [201 if n % 2 == first else 422 for n in range(16)]
    assert await nodes.remaining("alice", 0, 1) == [f"{100_000 - 10 - 20 - first}"] * 2
    await nodes.account("bob")
    body = {"account": "bob", "amount": "3000"}
    held = await asyncio.gather(*(nodes.call(n, "POST", "/api/v1/reservations", body) for n in range(60)))
    assert Counter(status for status, _ in held) == {201: 33, 402: 27}
    settled = await asyncio.gather(
        *(
            nodes.call(
                n, "POST", f"/api/v1/reservations/{said['id']}/settle", {"account": "bob", "charge": "3000"}
            )
            for status, said in held
            if status == 201
            for n in (0, 1)
        )
    )
    assert {status for status, _ in settled} == {200}
    assert await nodes.remaining("bob", 0, 1) == ["1000"] * 2
    await assert_sound(database)


@pytest.mark.row("E8", "D9")
async def test_what_one_node_decides_the_other_knows(nodes: Nodes):
    await nodes.account("alice")
    _, key = await nodes.call(0, "POST", "/api/v1/accounts/alice/keys", {"name": "k"})

    async def calls(node: int) -> int:
        secret = f"Bearer {key['secret']}"
        status, _ = await nodes.call(node, "POST", "/v1/chat/completions", CHAT, authorization=secret)
        return status

    assert [await calls(0), await calls(1)] == [200, 200]
    for state, status in (("suspended", 403), ("active", 200)):
        await nodes.call(0, "PATCH", "/api/v1/accounts/alice", {"state": state, "reason": "test"})
        assert await calls(1) == status
    _, before = await nodes.call(1, "GET", "/api/v1/statistics")
    await nodes.call(0, "DELETE", "/api/v1/statistics/cache")

    async def found_out_anew() -> bool:
        _, said = await nodes.call(1, "GET", "/api/v1/statistics")
        return said["cached_at"] != before["cached_at"]

    await until(found_out_anew)
    await nodes.call(0, "DELETE", f"/api/v1/accounts/alice/keys/{key['id']}")

    async def unknown() -> bool:
        return await calls(1) == 401

    await until(unknown)


@pytest.mark.row("E2", "E7")
async def test_who_is_not_answered_before_the_server_stops_is_told_so(
    nodes: Nodes, servers: list[Served], database: str
):
    await nodes.account("alice")
    await nodes.charge(0, "alice", 1)
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        await connection.execute("lock table tokenhouse.balances")
        waits = asyncio.create_task(nodes.charge(0, "alice", 5, idempotency_key="cut"))
        reads = asyncio.create_task(nodes.call(0, "GET", "/api/v1/accounts/alice/balance"))
        await asyncio.sleep(0.3)
        servers[0].process.terminate()
        for asked in (waits, reads):
            status, said = await asked
            assert (status, said["code"]) == (503, "busy")
            assert "under the same key" in said["detail"]
    await connection.close()
    assert await asyncio.to_thread(servers[0].process.wait, 30) == 0
    status, said = await nodes.charge(1, "alice", 5, idempotency_key="cut")
    assert (status, said["amount"]["value"]) == (201, "5")
    assert await nodes.remaining("alice", 1) == ["99994"]
    assert "Traceback" not in servers[0].err
    await assert_sound(database)
