-- Statistics and the audit's reports: whole tables at once, read only.

-- name: find_figures :one
-- why: All figures of all balances in one scan. A share used / (used + left) is compared as
-- `left <= used / n`, exact in whole numbers; who owes has nothing left, so debt changes no comparison; and
-- `left <= used` goes first, for it spares most rows the divisions. A row whose period is over counts as
-- unused, as its owner would see it. What was used is counted where it was paid. The scan also collects the
-- few accounts above a given one in the order of use, cell and account, so that the greatest users need no
-- second; use alone would not do, for many may have used the same.
select (select count(*) from tokenhouse.accounts) as accounts,
       t.balances, t.active, t.used, t.used_max, t.turns, t.turns_max,
       t.bought, t.bought_max, t."left", t.debt, t.exhausted,
       t.payers - t.from50 as under50, t.from50 - t.from80 as under80, t.from80 - t.from90 as under90,
       t.from90 - t.from95 as under95, t.from95 as over95, t.greatest
from (
    select count(*) as balances,
           count(*) filter (where b.own_credit) as payers,
           count(*) filter (where b.used > 0 and b.period_end_at > $1) as active,
           coalesce(sum(b.used) filter (where b.period_end_at > $1 and b.own_credit), 0) as used,
           coalesce(max(b.used) filter (where b.period_end_at > $1), 0) as used_max,
           coalesce(sum(b.turns) filter (where b.own_credit), 0) as turns,
           coalesce(max(b.turns), 0) as turns_max,
           coalesce(sum(b.bought), 0) as bought,
           coalesce(max(b.bought), 0) as bought_max,
           coalesce(sum(b."left"), 0) as "left",
           coalesce(sum(b.debt), 0) as debt,
           count(*) filter (where b."left" <= b.used and b.period_end_at > $1 and b.own_credit) as from50,
           count(*) filter (where b."left" <= b.used and b."left" <= b.used / 4
                              and b.period_end_at > $1 and b.own_credit) as from80,
           count(*) filter (where b."left" <= b.used and b."left" <= b.used / 9
                              and b.period_end_at > $1 and b.own_credit) as from90,
           count(*) filter (where b."left" <= b.used and b."left" <= b.used / 19
                              and b.period_end_at > $1 and b.own_credit) as from95,
           count(*) filter (where b."left" <= b.held and b.period_end_at > $1 and b.own_credit) as exhausted,
           coalesce(
               array_agg(array[b.cell, b.account, b.used])
                   filter (where b.used >= $2 and b.period_end_at > $1
                             and (b.used > $2 or (b.cell, b.account) < ($3::smallint, $4::bigint))), '{}')
               as greatest
    from tokenhouse.balances b
) t;

-- name: find_unsound :one
-- why: How many balances used more in the period than ever, or break a law of conservation: both must
-- be 0.
select count(*) filter (where b.used > b.used_total) as inconsistent,
       count(*) filter (where b.granted <> b."left" + b.drawn + b.expired + b.clawed
                           or b.charged <> b.drawn + b.debt + b.forgiven) as broken
from tokenhouse.balances b;

-- name: find_use_of_few :maybe
-- why: A sample tells above which account about so many lie, for `find_figures` to collect them on its way.
select b.used, b.cell, b.account from tokenhouse.balances b tablesample system ($1)
order by b.used desc, b.cell, b.account
offset $2 limit 1;

-- name: sum_available :one
-- why: What all accounts have, less what they owe, where no other figure is asked for.
select coalesce(sum(b."left") - sum(b.debt), 0) as available from tokenhouse.balances b;

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
select {balance}, a.ref, a.email, a.name
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
where (b.cell, b.account) > ($1::smallint, $2::bigint)
order by b.cell, b.account
limit $3;

-- name: list_lines_of :many
-- why: The same line of a few accounts: those that use most.
select {balance}, a.ref, a.email, a.name
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

-- name: list_signups :many
-- why: Who came on each day, the n-th bound to the next.
select width_bucket(a.created_at, $1::timestamptz[]) - 1 as day, count(*) as signups
from tokenhouse.accounts a
where a.created_at >= $2 and a.created_at < $3
group by day;

-- name: list_signups_waiting :many
-- why: Who of them still waits for a balance. To look for each takes long, so only where some account does.
select width_bucket(a.created_at, $1::timestamptz[]) - 1 as day, count(*) as waiting
from tokenhouse.accounts a
where a.created_at >= $2 and a.created_at < $3
  and not exists (select 1 from tokenhouse.balances b where b.cell = a.cell and b.account = a.id)
group by day;

-- name: find_account_count :one
-- why: Whether any account waits for a balance: there are as many of both where none does.
select count(*) as accounts from tokenhouse.accounts;

-- name: find_renewal :one
-- why: A period that is over is renewed by whoever touches its account next, so an idle one is sound. One
-- that was brought forward past its end and kept the old period, or will not be due at its end, never renews.
select count(*) filter (where b.period_end_at > $1 and b.opened_at < b.period_start_at) as renewed,
       count(*) filter (where b.period_end_at > $1 and b.opened_at >= b.period_start_at) as first,
       count(*) filter (where b.period_end_at <= $1) as idle,
       count(*) filter (where b.period_end_at <= b.rolled_at or b.period_end_at < b.due_at) as stuck
from tokenhouse.balances b;
