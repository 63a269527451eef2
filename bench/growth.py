"""Growth: the same load on a ledger whose journal is a hundred times longer."""

from urllib.parse import urlsplit, urlunsplit

from bench.frame import Figure, Findings, Form, in_turn
from bench.load import Load
from bench.seed import Place, know, seed, state_settings
from tokenhouse.flow.identify import months_ahead
from tokenhouse.store.pool import connect

ACCOUNTS = 50_000
"""Opened with two entries each: the 100,000 of the short journal."""

PAST = """
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots, operation,
                                model, usage, rate, source, actor, note, facts, hash)
select a.cell, a.id, 1000000 + n, $2::timestamptz + n * interval '100 microseconds', 'charge', -80,
       1000000 - n, 80, '[[2,-80]]',
       (lpad(to_hex(1790000000000 + n / 10), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
        || substr(md5(n::text), 4, 15))::uuid,
       'gpt-4o', '{"input":50,"output":30}', 0, 'provider', '', '', '{"reserved":100}',
       substr(sha256(int8send(n)), 1, 16)
from generate_series(1, $1::bigint) n
join tokenhouse.accounts a on a.id = 1 + (hashint8(n)::bigint + 2147483648) % $3::bigint
"""
"""Plausible lines in the order of time, over all accounts at random; only their hashes are no chain."""

KEY = "alter table tokenhouse.entries add primary key (cell, account, seq, at)"
NO_KEY = "alter table tokenhouse.entries drop constraint entries_pkey"
INDEX = (
    "create index entries_by_operation on tokenhouse.entries (cell, operation) where operation is not null"
)
NO_INDEX = "drop index tokenhouse.entries_by_operation"


async def growth(place: Place, form: Form, found: Findings) -> None:
    """Measure 64 and 256 callers on both ledgers in turn; all past lines lie in this month."""
    entries = form.of(10_000_000, 1_000_000)
    short, long = (urlunsplit(urlsplit(place.dsn)._replace(path=f"/{name}")) for name in ("short", "long"))
    await _execute(place.dsn, "create database short template template0")
    async with place.house(short) as house:
        names = await seed(house, ACCOUNTS)
        start_at = months_ahead(house.desk.clock())[0].replace(hour=0, minute=0, second=0, microsecond=0)
    await _execute(place.dsn, "create database long template short")
    await _execute(long, NO_KEY, NO_INDEX)
    connection = await connect(long)
    await connection.execute(PAST, entries, start_at, ACCOUNTS)
    await connection.close()
    await _execute(long, "set maintenance_work_mem = '512MB'", KEY, INDEX, "vacuum analyze", "checkpoint")
    async with place.house(short) as one, place.house(long) as other:
        await state_settings(other, found)
        await know(one)
        await know(other)
        loads = {
            f"{name} {callers}": Load(house, names, callers, form.seconds)
            for callers in (64, 256)
            for name, house in (("short", one), ("long", other))
        }
        taken = await in_turn(form, {name: load.rate for name, load in loads.items()})
    for callers in (64, 256):
        found.figures.append(
            Figure(
                name=f"{callers} callers, {entries:,} entries in the journal",
                unit="pairs/s",
                values=taken[f"long {callers}"],
                reference="100,000 entries",
                references=taken[f"short {callers}"],
                target=0.8,
            )
        )
    found.remarks.append(
        "growth: its past lines were made by SQL and are not chained, so that ledger is not verified."
    )


async def _execute(dsn: str, *statements: str) -> None:
    """Run statements one by one."""
    connection = await connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
