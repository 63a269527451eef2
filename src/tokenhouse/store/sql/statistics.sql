-- Statistics and the audit's reports: whole tables at once, read only.

-- name: find_figures :one
-- why: All figures of all balances in one scan. A share used / (used + rest) is compared as
-- `rest > used / n`, exact in whole numbers; a row whose period is over counts as unused, as its owner
-- would see it. The scan also collects the few accounts above a given use, so that the greatest users need
-- no second one.
with nested as materialized (
    select b.cell, b.account, b.turns,
           case when b.period_end_at > $1 then b.used else 0 end as used
    from tokenhouse.accounts a
    join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
    where a.parent is not null and a.own_credit
)
select (select count(*) from tokenhouse.accounts) as accounts,
       count(*) as balances,
       count(*) filter (where f.used > 0) as active,
       coalesce(sum(f.used) filter (where f.own_credit), 0)
           - (select coalesce(sum(n.used), 0) from nested n) as used,
       coalesce(max(f.used), 0) as used_max,
       coalesce(sum(f.turns) filter (where f.own_credit), 0)
           - (select coalesce(sum(n.turns), 0) from nested n) as turns,
       coalesce(max(f.turns), 0) as turns_max,
       coalesce(sum(f.bought), 0) as bought,
       coalesce(max(f.bought), 0) as bought_max,
       coalesce(sum(f."left"), 0) as "left",
       coalesce(sum(f.debt), 0) as debt,
       count(*) filter (where f.own_credit and f.rest > f.used) as under50,
       count(*) filter (where f.own_credit and f.rest <= f.used and f.rest > f.used / 4) as under80,
       count(*) filter (where f.own_credit and f.rest <= f.used / 4 and f.rest > f.used / 9) as under90,
       count(*) filter (where f.own_credit and f.rest <= f.used / 9 and f.rest > f.used / 19) as under95,
       count(*) filter (where f.own_credit and f.rest <= f.used / 19) as over95,
       count(*) filter (where f.own_credit and f.available <= 0) as exhausted,
       count(*) filter (where f.used > f.used_total) as inconsistent,
       count(*) filter (where not f.conserved) as broken,
       coalesce(array_agg(array[f.cell, f.account, f.used]) filter (where f.used > $2), '{}') as greatest
from (
    select b.cell, b.account, b.own_credit, b.turns, b."left", b.debt, b.used_total, b.bought,
           b."left" - b.held - b.debt as available,
           case when b.period_end_at > $1 then b.used else 0 end as used,
           case when b.period_end_at > $1 then b."left" - b.debt else 1 end as rest,
           b.granted = b."left" + b.drawn + b.expired + b.clawed and b.charged = b.drawn + b.debt + b.forgiven
               as conserved
    from tokenhouse.balances b
) f;

-- name: find_use_of_few :maybe
-- why: A sample tells above which use about so many accounts lie, for `find_figures` to collect them as
-- it goes by.
select b.used from tokenhouse.balances b tablesample system ($1)
order by b.used desc
offset $2 limit 1;

-- name: find_balances_estimate :one
-- why: Whether the table is large enough for a sample to be worth it; the planner's own figure costs
-- nothing.
select greatest(c.reltuples, 0)::bigint
from pg_catalog.pg_class c
where c.oid = 'tokenhouse.balances'::regclass;

-- name: list_greatest :many
-- why: The accounts that use most, where a sample did not find them.
select b.cell, b.account, b.used
from tokenhouse.balances b
where b.used > 0 and b.period_end_at > $1
order by b.used desc, b.cell, b.account
limit $2;

-- name: list_lines :many
-- why: A page of balances with who they belong to, in order of the key, for the per-account lines of a
-- report; the keyset makes a million of them one walk.
select b.cell, b.account, b.plan, b.state, b.own_credit, b.zone, b.opened_at, b.version, b.seq, b.chain,
       b."left", b.held, b.debt, b.used, b.used_total, b.turns, b.granted, b.drawn, b.expired, b.clawed,
       b.charged, b.forgiven, b.bought, b.period_start_at, b.period_end_at, b.rolled_at, b.due_at, b.lapses_at,
       b.lots, b.counters, b.open, a.ref, a.email, a.name
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
where (b.cell, b.account) > ($1::smallint, $2::bigint)
order by b.cell, b.account
limit $3;

-- name: list_lines_of :many
-- why: The same line of a few accounts: those that use most.
select b.cell, b.account, b.plan, b.state, b.own_credit, b.zone, b.opened_at, b.version, b.seq, b.chain,
       b."left", b.held, b.debt, b.used, b.used_total, b.turns, b.granted, b.drawn, b.expired, b.clawed,
       b.charged, b.forgiven, b.bought, b.period_start_at, b.period_end_at, b.rolled_at, b.due_at, b.lapses_at,
       b.lots, b.counters, b.open, a.ref, a.email, a.name
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
where (b.cell, b.account) in (select * from unnest($1::smallint[], $2::bigint[]));

-- name: find_strays :one
-- why: How many accounts chat but have no balance: the anomaly that the audit looks for.
select count(distinct (s.cell, s.account)) from tokenhouse.chat_sessions s
where not exists (select 1 from tokenhouse.balances b where b.cell = s.cell and b.account = s.account);

-- name: list_strays :many
-- why: Who they are, for the operator.
select a.ref, a.email, count(*) as sessions, sum(s.tokens)::bigint as tokens
from tokenhouse.chat_sessions s
join tokenhouse.accounts a on a.cell = s.cell and a.id = s.account
where not exists (select 1 from tokenhouse.balances b where b.cell = s.cell and b.account = s.account)
group by a.cell, a.id, a.ref, a.email
order by a.cell, a.id
limit $1;
