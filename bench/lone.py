"""One caller alone: a reserve beside one committed UPDATE of a row like an account's."""

import time

from bench.frame import Figure, Findings, Form, in_turn
from bench.load import CHARGED, HELD, MODEL, USAGE
from bench.reference import one_by_one
from bench.seed import Place
from tokenhouse import Tokenhouse
from tokenhouse.store import batch
from tokenhouse.store.pool import connect

LIKE = "create table bench_rows (like tokenhouse.balances including all) with (fillfactor = 50)"
COPY = "insert into bench_rows select * from tokenhouse.balances limit 1000"
UPDATE = "update bench_rows set turns = turns + 1 where cell = $1 and account = $2"


async def lone(place: Place, house: Tokenhouse, names: list[str], form: Form, found: Findings) -> None:
    """Measure one operation after the other, over a thousand accounts."""
    names, rounds = names[:1_000], form.of(1_000, 300)
    connection = await connect(place.dsn, application_name="bench")
    try:
        await batch.begin(connection)
        for statement in (LIKE, COPY, "vacuum analyze bench_rows"):
            await connection.execute(statement)
        rows = await connection.fetch("select cell, account from bench_rows")
        update = await connection.prepare(UPDATE)
        open_: list[tuple[str, str]] = []

        async def updates() -> float:
            begin = time.perf_counter()
            for number in range(rounds):
                await update.fetch(*rows[number % len(rows)])
            return (time.perf_counter() - begin) / rounds * 1e6

        async def reserves(through: Tokenhouse = house) -> float:
            begin = time.perf_counter()
            for number in range(rounds):
                name = names[number % len(names)]
                open_.append((name, (await through.reserve(name, HELD, tokens=HELD, model=MODEL)).id))
            return (time.perf_counter() - begin) / rounds * 1e6

        async def settles() -> float:
            begin = time.perf_counter()
            for name, reservation in open_:
                await house.settle(name, reservation, CHARGED, usage=USAGE, model=MODEL)
            taken, count = time.perf_counter() - begin, len(open_)
            open_.clear()
            return taken / count * 1e6

        async with one_by_one(house, place.dsn) as other:
            await reserves()
            await settles()
            contenders = {"update": updates, "reserve": reserves, "settle": settles}
            taken = await in_turn(form, contenders | {"each": lambda: reserves(other), "": settles})
    finally:
        await connection.close()
    update_line = {"reference": "one UPDATE, committed", "references": taken["update"]}
    each_line = {"reference": "a transaction each", "references": taken["each"]}
    found.figures += [
        Figure(name="a lone reserve", unit="µs", values=taken["reserve"], target=2, most=True, **update_line),
        Figure(name="a lone settle", unit="µs", values=taken["settle"], **update_line),
        Figure(name="a lone reserve", unit="µs", values=taken["reserve"], **each_line),
    ]
