-- The hot path: what one batch of the writer reads and writes. Every statement names its cells.

-- columns: balance
b.cell, b.account, b.plan, b.state, b.own_credit, b.zone, b.opened_at, b.version, b.seq, b.chain, b."left",
b.held, b.debt, b.used, b.used_total, b.turns, b.granted, b.drawn, b.expired, b.clawed, b.charged, b.forgiven,
b.bought, b.period_start_at, b.period_end_at, b.rolled_at, b.due_at, b.lapses_at, b.lots, b.counters, b.open;

-- columns: entry
e.cell, e.account, e.seq, e.at, e.kind, e.amount, e.balance_after, e.charge, e.lots, e.operation, e.model,
e.usage, e.rate, e.source, e.actor, e.note, e.facts, e.hash;

-- name: write_lane_session :exec
-- why: Every statement of a lane names its keys, so one plan, key by key through an index, is right for all
-- parameters and sizes: planning each time anew would take longer than running, and a plan made while a
-- table was empty would read table or index from end to end when it no longer is.
select set_config('plan_cache_mode', 'force_generic_plan', false), set_config('enable_seqscan', 'off', false),
       set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false);

-- name: lock_balances :many
-- why: A batch reads and locks all its accounts in one order, so that two batches never wait for each other;
-- the catalog's version comes along, so that no batch decides by terms that have been replaced.
select {balance},
       (select c.version from tokenhouse.catalog c) as catalog
from unnest($1::smallint[], $2::bigint[]) as u (cell, account)
join tokenhouse.balances b on b.cell = u.cell and b.account = u.account
order by b.cell, b.account
for update of b;

-- name: list_balances :many
-- why: The same without a lock, which would cost a write for every row and two round trips: `write_batch`
-- notices when somebody else was faster.
select {balance},
       (select c.version from tokenhouse.catalog c) as catalog
from unnest($1::smallint[], $2::bigint[]) as u (cell, account)
join tokenhouse.balances b on b.cell = u.cell and b.account = u.account;

-- name: write_batch :exec
-- why: One statement writes what a batch changed: its accounts, their journal, the callers' keys, and for the
-- roll-ups whose journals grew: one row, for a row an account would cost each call. An account
-- that is no longer as the batch knew it gets a version of null, which its column refuses, and nothing of
-- all this stands; so does every account where the catalog has become newer than the batch's terms.
with new_entries as (
    insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots,
        operation, model, usage, rate, source, actor, note, facts, hash)
    select * from unnest($2::tokenhouse.new_entry[])
), new_keys as (
    insert into tokenhouse.idempotency_keys (cell, account, key, operation, digest, at)
    select * from unnest($3::tokenhouse.new_key[])
), waiting as (
    insert into tokenhouse.usage_waiting (cells, accounts)
    select $5::smallint[], $6::bigint[] where $6::bigint[] <> '{}'
)
update tokenhouse.balances b
set plan = u.plan, state = u.state, seq = u.seq, chain = u.chain,
    version = case when b.version = u.was and $4 = (select c.version from tokenhouse.catalog c)
              then u.version end,
    "left" = u."left", held = u.held, debt = u.debt, used = u.used,
    used_total = u.used_total, turns = u.turns, granted = u.granted, drawn = u.drawn, expired = u.expired,
    clawed = u.clawed, charged = u.charged, forgiven = u.forgiven, bought = u.bought,
    period_start_at = u.period_start_at, period_end_at = u.period_end_at, rolled_at = u.rolled_at,
    due_at = u.due_at, lapses_at = u.lapses_at, lots = u.lots, counters = u.counters, open = u.open
from unnest($1::tokenhouse.changed_balance[]) as u
where b.cell = u.cell and b.account = u.account;

-- name: write_entries :exec
-- why: The first entries of new accounts, in the transaction that opens them.
with waiting as (
    insert into tokenhouse.usage_waiting (cells, accounts)
    select array_agg(u.cell), array_agg(u.account)
    from (select distinct n.cell, n.account from unnest($1::tokenhouse.new_entry[]) n) u
)
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots,
    operation, model, usage, rate, source, actor, note, facts, hash)
select * from unnest($1::tokenhouse.new_entry[]);

-- name: list_entries_of_operations :many
-- why: A repeat, a late settle or a refund must see what the journal already says about its operation. The
-- fence `offset 0` keeps it key by key even where the planner still believes the table to be empty.
select {entry}
from unnest($1::smallint[], $2::uuid[]) as u (cell, operation)
cross join lateral (
    select * from tokenhouse.entries j where j.cell = u.cell and j.operation = u.operation offset 0
) e
order by e.cell, e.account, e.seq;

-- name: list_keys :many
-- why: A caller's repeated key leads to the operation that it named first; key by key, as above.
select k.cell, k.account, k.key, k.operation, k.digest
from unnest($1::smallint[], $2::bigint[], $3::text[]) as u (cell, account, key)
cross join lateral (
    select * from tokenhouse.idempotency_keys i
    where i.cell = u.cell and i.account = u.account and i.key = u.key offset 0
) k;

-- name: write_orders_ended :many
-- why: An order ends in the transaction of its grant or claw-back, and only from the state that it must be
-- in; a refund only where no other refund came between, nor one came to nothing. One that failed may be paid
-- late, unless its money was given back.
update tokenhouse.orders o
set state = u.state, ended_at = u.ended_at, ended_by = u.ended_by, reason = u.reason,
    refunded_minor = u.refunded_minor, refunded_credit = u.refunded_credit,
    refunded_last = u.refunded_credit - o.refunded_credit, refunds_failed = u.failed_after,
    completed_at = case when u.was in ('pending', 'failed') then u.ended_at else o.completed_at end
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::integer[], $11::integer[], $12::timestamptz[])
     as u (cell, id, was, state, ended_by, reason, refunded_before, refunded_minor, refunded_credit,
           failed_before, failed_after, ended_at)
where o.cell = u.cell and o.id = u.id and o.state = u.was and o.refunded_minor = u.refunded_before
  and o.refunds_failed = u.failed_before
  and not (o.state = 'failed' and o.reason = 'refunded_before_completion')
returning o.id;

-- name: write_balances_opened :many
-- why: An account gets its balance in the transaction that creates it, or later by `init`; one that has it
-- keeps it.
insert into tokenhouse.balances (cell, account, plan, state, own_credit, zone, opened_at, version, seq,
    chain, "left", held, debt, used, used_total, turns, granted, drawn, expired, clawed, charged, forgiven,
    bought, period_start_at, period_end_at, rolled_at, due_at, lapses_at, lots, counters, open)
select * from unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::text[],
                     $7::bigint[], $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[],
                     $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
                     $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
                     $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[],
                     $28::bigint[], $29::json[], $30::json[], $31::json[])
on conflict (cell, account) do nothing
returning cell, account;
