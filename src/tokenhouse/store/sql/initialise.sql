-- Initialising: the balances and first entries of accounts that came without.

-- name: list_waiting :many
-- why: One page of a cell's accounts by kind of opening, and which of them have no balance; the lateral
-- look-up keeps it at one index probe an account, whatever the statistics of a freshly filled table say.
with page as materialized (
    select a.id, a.own_credit, a.time_zone, a.opening_plan
    from tokenhouse.accounts a
    where a.cell = $1 and a.id > $2
    order by a.id
    limit $3
)
select p.own_credit, p.time_zone, p.opening_plan, count(*) as seen, max(p.id) as last,
       array_agg(p.id order by p.id) filter (where b.account is null) as waiting
from page p
left join lateral (
    select b.account from tokenhouse.balances b where b.cell = $1 and b.account = p.id limit 1
) b on true
group by p.own_credit, p.time_zone, p.opening_plan;

-- name: write_openings :many
-- why: Accounts of the same terms get the same row but for id and hash; one that has a balance keeps it,
-- to the byte.
insert into tokenhouse.balances (cell, account, plan, state, own_credit, zone, opened_at, version, seq,
                                 chain, "left", held, debt, used, used_total, turns, granted, drawn, expired,
                                 clawed, charged, forgiven, bought, period_start_at, period_end_at, rolled_at,
                                 due_at, lapses_at, lots, counters, open)
select $1::smallint, u.account, $4, $5, $6, $7, $8, $9, $10, u.chain, $11, $12, $13, $14, $15, $16, $17,
       $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29::json, $30::json, $31::json
from unnest($2::bigint[], $3::bytea[]) as u (account, chain)
on conflict (cell, account) do nothing
returning account;

-- name: write_entries_alike :exec
-- why: The same first line of many accounts' journals, each with its own hash; the roll-ups hear of it once.
with waiting as (
    insert into tokenhouse.usage_waiting (cells, accounts)
    select array_fill($1::smallint, array[cardinality($2::bigint[])]), $2::bigint[] where $4::bigint = 1
)
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots,
                                operation, model, usage, rate, source, actor, note, facts, hash)
select $1::smallint, u.account, $4, $5, $6, $7, $8, $9, $10::json, $11::uuid, $12, $13::json, $14, $15,
       $16, $17, $18::json, u.hash
from unnest($2::bigint[], $3::bytea[]) as u (account, hash);
