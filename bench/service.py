"""The REST API: reserve and settle over HTTP beside the lanes alone; pages of accounts and journals."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from statistics import median
from urllib.parse import urlencode

import msgspec

from bench.frame import Figure, Findings, Form, in_turn
from bench.gateway import COMMAND
from bench.load import CHARGED, HELD, MODEL, USAGE, Load
from bench.peers import free_port, running
from bench.seed import Place, seed, state_settings
from bench.verify import check_all
from bench.wire import HEAD_ENDS, Connection, Heard, all_at_once, connections, post
from tokenhouse import Tokenhouse
from tokenhouse.store.pool import connect

CALLERS = (16, 64)
BATCH_ROWS = 100
MONTHS = 12
HEAVY = "u0"
"""The account that has half of the journal to itself."""
NO_INDEX = (
    "drop index tokenhouse.entries_by_operation, tokenhouse.entries_of_credit, tokenhouse.entries_by_time",
    "alter table tokenhouse.entries drop constraint entries_pkey",
)
INDEX = (
    "set maintenance_work_mem = '512MB'",
    "alter table tokenhouse.entries add primary key (cell, account, seq, at)",
    "create index entries_by_operation on tokenhouse.entries (cell, operation) where operation is not null",
    """create index entries_of_credit on tokenhouse.entries (cell, account, seq)
       where kind not in ('charge', 'use', 'release', 'lapse')""",
    "create index entries_by_time on tokenhouse.entries using brin (at) with (pages_per_range = 32)",
    "vacuum analyze",
    "checkpoint",
)
PAST = """
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots, operation,
                                model, usage, rate, source, actor, note, facts, hash)
select a.cell, a.id, case when n % 2 = 0 then 3 + n / 2 else 3 + n / (2 * $3) end,
       $2::timestamptz + n * ($4::interval / $1), case when n % 10000 < 2 then 'grant' else 'charge' end, -80,
       1000000, 80, '[[2,-80]]', gen_random_uuid(), case when n % 1000 < 2 then 'rare' else 'gpt-4o' end,
       '{"input":50,"output":30}', 0, 'provider', 'key:th_' || n % 7, '', '{"reserved":100}',
       substr(sha256(int8send(n)), 1, 16)
from generate_series(1, $1::bigint) n
join tokenhouse.directory d on d.ref = case when n % 2 = 0 then 'u0' else 'u' || (1 + n / 2 % $3) end
join tokenhouse.accounts a on a.cell = d.cell and a.id = d.account
"""
"""Plausible lines in the order of time: every second one the heavy account's. Their hashes are no chain."""


class Caller(Connection):
    """A connection that takes any success."""

    def sound(self, whole: bytes) -> None:
        assert whole.startswith(b"HTTP/1.1 20"), whole[:2_000]

    async def told(self, request: bytes) -> dict:
        """Return the document of an answer."""
        return msgspec.json.decode((await self.ask(request)).whole.partition(HEAD_ENDS)[2])


class Served:
    """A running server, and how its callers prove who they are."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.headers = port, {"authorization": f"Bearer {secret}"}
        self.pairs = 0

    def post(self, path: str, **asked: object) -> bytes:
        return post(path, msgspec.json.encode(asked), self.headers)

    def get(self, path: str, **asked: object) -> bytes:
        query = f"?{urlencode(asked)}" if asked else ""
        lines = [
            f"GET {path}{query} HTTP/1.1",
            "host: 127.0.0.1",
            f"authorization: {self.headers['authorization']}",
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def rate(self, names: Sequence[str], callers: int, seconds: float) -> float:
        """Return reserve and settle pairs a second, each two requests."""
        chance, waits = Random(1), 0

        async def pairs(caller: Caller, until: float) -> None:
            nonlocal waits
            while time.perf_counter() < until:
                name = chance.choice(names)
                asked = {"account": name, "amount": str(HELD), "tokens": HELD, "model": MODEL}
                held = await caller.told(self.post("/api/v1/reservations", **asked))
                used = {"charge": str(CHARGED), "usage": USAGE, "model": MODEL, "account": name}
                await caller.ask(self.post(f"/api/v1/reservations/{held['id']}/settle", **used))
                waits += 1

        taken = await all_at_once(self.port, pairs, callers, seconds, kind=Caller)
        self.pairs += waits
        return waits / taken

    async def batched(self, names: Sequence[str], callers: int, seconds: float) -> float:
        """Return pairs a second where each request settles a hundred calls and reserves for as many."""
        chance, done = Random(2), 0

        async def batches(caller: Caller, until: float) -> None:
            nonlocal done
            open_: list[tuple[str, str]] = []
            while open_ or time.perf_counter() < until:
                ended = [
                    {"do": "settle", "account": name, "reservation": one, "charge": str(CHARGED)}
                    for name, one in open_
                ]
                begun = [
                    {"do": "reserve", "account": chance.choice(names), "amount": str(HELD)}
                    for _ in range(BATCH_ROWS if time.perf_counter() < until else 0)
                ]
                told = await caller.told(self.post("/api/v1/reservations/batch", operations=ended + begun))
                done += len(ended)
                held = [one["reservation"] for one in told["outcomes"][len(ended) :]]
                open_ = [(one["account"], one["id"]) for one in held]

        taken = await all_at_once(self.port, batches, callers, seconds, kind=Caller)
        self.pairs += done
        return done / taken

    async def page_ms(self, request: bytes, times: int) -> float:
        """Return the median time of a page."""
        async with connections(self.port, 1, kind=Caller) as [caller]:
            heard: list[Heard] = [await caller.ask(request) for _ in range(times)]
        return median(one.took for one in heard) * 1_000


async def service(place: Place, form: Form, found: Findings) -> None:
    """Measure calls over HTTP, then pages over a long journal; what was answered must have been charged."""
    with ExitStack() as stack:
        async with place.house() as house:
            names = await seed(house, 1_000)
            await state_settings(house, found)
            secret = (await house.create_key(role="operator")).secret
            served = Served(stack.enter_context(_serve(place)), secret)
            await _calls(served, house, names, form, found)
            await check_all(house, found)
            await _lengthen(place, form.of(10_000_000, 500_000), len(names) - 1)
            await _pages(served, form, found)


@contextmanager
def _serve(place: Place) -> Iterator[int]:
    """Run `tokenhouse serve` over the house of a place."""
    home, port = place.settings.folder, free_port()
    surroundings = {"TOKENHOUSE_HOME": str(home), "TOKENHOUSE_ENVIRONMENT": "production"}
    command = [COMMAND, "serve", "--port", str(port), "--log-level", "warning"]
    with running(command, port, surroundings):
        yield port


async def _calls(served: Served, house: Tokenhouse, names: list[str], form: Form, found: Findings) -> None:
    """Measure pairs a second: the lanes alone, over HTTP one by one, and over HTTP in batches."""
    used = [(await house.balance(name)).used for name in names[:500]]
    for callers in CALLERS:
        lanes = Load(house, names[500:], callers, form.seconds)
        await served.rate(names[:500], callers, 1)
        taken = await in_turn(
            form,
            {
                "lanes": lanes.rate,
                "http": lambda callers=callers: served.rate(names[:500], callers, form.seconds),
                "batch": lambda: served.batched(names[:500], 4, form.seconds),
            },
        )
        line = {
            "unit": "pairs/s",
            "reference": "the lanes alone",
            "references": taken["lanes"],
            "target": 0.4,
        }
        found.figures += [
            Figure(name=f"reserve + settle over HTTP, {callers} connections", values=taken["http"], **line),
            Figure(name=f"the same, {BATCH_ROWS} in a request, 4 connections", values=taken["batch"], **line),
        ]
    after = [(await house.balance(name)).used for name in names[:500]]
    charged, due = sum(after) - sum(used), served.pairs * CHARGED
    said = "each charged once" if charged == due else f"CHARGED {charged:,} INSTEAD OF {due:,}"
    found.remarks.append(f"{served.pairs:,} pairs answered over HTTP: {said}")


async def _lengthen(place: Place, entries: int, others: int) -> None:
    """Write a long journal over the last months, half of it one account's."""
    connection = await connect(place.dsn)
    try:
        start = await connection.fetchval(f"select date_trunc('month', now()) - interval '{MONTHS} months'")
        for month in range(MONTHS):
            await connection.execute(
                "select tokenhouse.add_month($1::timestamptz + $2::integer * interval '1 month')",
                start,
                month,
            )
        for statement in NO_INDEX:
            await connection.execute(statement)
        await connection.execute("alter table tokenhouse.entries disable trigger all")
        await connection.execute("delete from tokenhouse.entries where seq > 2")
        await connection.execute("alter table tokenhouse.entries enable trigger all")
        span = await connection.fetchval("select date_trunc('month', now()) - $1::timestamptz", start)
        await connection.execute(PAST, entries, start, others, span, timeout=3_600)
        for statement in INDEX:
            await connection.execute(statement, timeout=3_600)
    finally:
        await connection.close()


async def _pages(served: Served, form: Form, found: Findings) -> None:
    """Measure how long a person waits for a page."""
    entries = f"/api/v1/accounts/{HEAVY}/entries"
    async with connections(served.port, 1, kind=Caller) as [caller]:
        first = await caller.told(served.get(entries, limit=1))
    newest, middle = first["items"][0]["seq"], "2026-04-15T00:00:00Z"
    deep = {"limit": 50, "cursor": _cursor(newest // 2)}
    pages = {
        "an account": served.get("/api/v1/accounts/u7"),
        "its balance": served.get("/api/v1/accounts/u7/balance"),
        "accounts found by a beginning": served.get("/api/v1/accounts", search="u12", limit=50),
        "history, the first page": served.get(entries, limit=50),
        f"history, {newest // 2:,} lines down": served.get(entries, **deep),
        "history of one month in the middle": served.get(entries, until=middle, limit=50),
        "history of a rare model": served.get(entries, model="rare", **deep),
        "history of a key that never called": served.get(entries, key="none", **deep),
        "history of grants": served.get(entries, kind="grant", **deep),
        "one line explained": served.get(f"{entries}/{newest // 2}"),
        "everybody's newest lines": served.get("/api/v1/entries", limit=50),
        "everybody's lines of a day in the middle": served.get("/api/v1/entries", until=middle, limit=50),
    }
    times = form.of(100, 30)
    for request in pages.values():
        await served.page_ms(request, 10)
    contenders = {
        name: lambda request=request: served.page_ms(request, times) for name, request in pages.items()
    }
    taken = await in_turn(form, contenders)
    found.figures += [
        Figure(name=name, unit="ms", values=taken[name], target=20, most=True, absolute=True)
        for name in pages
    ]


def _cursor(seq: int) -> str:
    """Return the place of a line, as the API writes it."""
    from tokenhouse.flow.cursors import cursor

    return cursor(seq)
