-- The hot path: what one batch of the writer reads and writes. Every statement names its cells.

-- name: lock_balances :many
-- why: A batch reads and locks all its accounts in one order, so that two batches never wait for each other; the
-- catalog's version comes along, so that no batch decides by terms that have been replaced.
select b.cell, b.account, b.plan, b.state, b.own_credit, b.zone, b.opened_at, b.version, b.seq, b.chain, b."left",
       b.held, b.debt, b.used, b.used_total, b.turns, b.granted, b.drawn, b.expired, b.clawed, b.charged, b.forgiven,
       b.period_start_at, b.period_end_at, b.rolled_at, b.due_at, b.lapses_at, b.lots, b.counters, b.open,
       (select c.version from tokenhouse.catalog c) as catalog
from tokenhouse.balances b
where (b.cell, b.account) in (select * from unnest($1::smallint[], $2::bigint[]))
order by b.cell, b.account
for update of b;

-- name: write_balances :exec
-- why: One statement writes back every account of a batch.
update tokenhouse.balances b
set plan = u.plan, state = u.state, version = u.version, seq = u.seq, chain = u.chain, "left" = u."left",
    held = u.held, debt = u.debt, used = u.used, used_total = u.used_total, turns = u.turns, granted = u.granted,
    drawn = u.drawn, expired = u.expired, clawed = u.clawed, charged = u.charged, forgiven = u.forgiven,
    period_start_at = u.period_start_at, period_end_at = u.period_end_at, rolled_at = u.rolled_at, due_at = u.due_at,
    lapses_at = u.lapses_at, lots = u.lots, counters = u.counters, open = u.open
from unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
            $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[],
            $22::bigint[], $23::bigint[], $24::bigint[], $25::json[], $26::json[], $27::json[])
     as u (cell, account, plan, state, version, seq, chain, "left", held, debt, used, used_total, turns, granted, drawn,
           expired, clawed, charged, forgiven, period_start_at, period_end_at, rolled_at, due_at, lapses_at, lots,
           counters, open)
where b.cell = u.cell and b.account = u.account;

-- name: write_entries :exec
-- why: The journal of a batch in one statement.
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots, operation, model,
                                usage, rate, source, actor, note, facts, hash)
select * from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bigint[],
                     $7::bigint[], $8::bigint[], $9::json[], $10::uuid[], $11::text[], $12::json[], $13::integer[],
                     $14::text[], $15::text[], $16::text[], $17::json[], $18::bytea[]);

-- name: list_entries_of_operations :many
-- why: A repeat, a late settle or a refund must see what the journal already says about its operation.
select cell, account, seq, at, kind, amount, balance_after, charge, lots, operation, model, usage, rate, source, actor,
       note, facts, hash
from tokenhouse.entries
where (cell, operation) in (select * from unnest($1::smallint[], $2::uuid[]))
order by cell, account, seq;

-- name: list_keys :many
-- why: A caller's repeated key leads to the operation that it named first.
select cell, account, key, operation, digest
from tokenhouse.idempotency_keys
where (cell, account, key) in (select * from unnest($1::smallint[], $2::bigint[], $3::text[]));

-- name: write_keys :exec
-- why: A key is remembered in the transaction of the operation that it names: both stand or neither.
insert into tokenhouse.idempotency_keys (cell, account, key, operation, digest, at)
select * from unnest($1::smallint[], $2::bigint[], $3::text[], $4::uuid[], $5::bytea[], $6::timestamptz[]);

-- name: write_orders_ended :many
-- why: An order ends in the transaction of its grant or claw-back, and only from the state that it must be in.
update tokenhouse.orders o
set state = u.state, ended_at = u.ended_at
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as u (cell, id, was, state, ended_at)
where o.cell = u.cell and o.id = u.id and o.state = u.was
returning o.id;

-- name: write_balances_opened :many
-- why: An account gets its balance in the transaction that creates it, or later by `init`; one that has it keeps it.
insert into tokenhouse.balances (cell, account, plan, state, own_credit, zone, opened_at, version, seq, chain, "left",
                                 held, debt, used, used_total, turns, granted, drawn, expired, clawed, charged,
                                 forgiven, period_start_at, period_end_at, rolled_at, due_at, lapses_at, lots,
                                 counters, open)
select * from unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[],
                     $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
                     $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
                     $26::bigint[], $27::bigint[], $28::json[], $29::json[], $30::json[])
on conflict (cell, account) do nothing
returning cell, account;
