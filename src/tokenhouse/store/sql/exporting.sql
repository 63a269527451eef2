-- Exporting: whole tables, streamed through a cursor. `since` and `until` bound the time half open; null
-- means no bound.

-- name: list_export_accounts :many
-- why: Who there is, under the column names that `import users` reads.
select a.ref, a.kind, p.ref as parent, coalesce(b.plan, a.opening_plan) as plan, b.state, a.own_credit,
       a.name, a.email,
       a.locale, a.time_zone, a.tags, a.created_at
from tokenhouse.accounts a
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
where ($1::timestamptz is null or a.created_at >= $1) and ($2::timestamptz is null or a.created_at < $2)
  and ($3::smallint is null or (a.cell = $3 and a.id = $4::bigint))
order by a.cell, a.id;

-- name: list_export_balances :many
-- why: What each account has, as it is stored.
select a.ref, a.email, b.plan, b.state, b.used, b.used_total, b.turns, b."left", b.held, b.debt, b.granted,
       b.drawn, b.expired, b.clawed, b.charged, b.forgiven, b.bought, b.opened_at, b.period_start_at,
       b.period_end_at, b.lots, b.seq, encode(b.chain, 'hex') as chain
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
where ($1::timestamptz is null or b.opened_at >= extract(epoch from $1) * 1000000)
  and ($2::timestamptz is null or b.opened_at < extract(epoch from $2) * 1000000)
  and ($3::smallint is null or (b.cell = $3 and b.account = $4::bigint))
order by b.cell, b.account;

-- name: list_export_entries :many
-- why: The journal, account by account; a time bound leaves out whole months.
select a.ref, e.seq, e.at, e.kind, e.amount, e.balance_after, e.charge, e.lots,
       e.operation::text as operation, e.model,
       e.usage, e.rate, e.source, e.actor, e.note, e.facts, encode(e.hash, 'hex') as hash
from tokenhouse.entries e
join tokenhouse.accounts a on a.cell = e.cell and a.id = e.account
where ($1::timestamptz is null or e.at >= $1) and ($2::timestamptz is null or e.at < $2)
  and ($3::smallint is null or (e.cell = $3 and e.account = $4::bigint))
order by e.cell, e.account, e.seq;

-- name: list_export_orders :many
-- why: What was bought and given, and how it ended.
select a.ref, o.id::text as id, o.type, o.state, o.credit, o.price_minor, o.currency, o.method,
       o.transaction_id, o.note,
       o.created_at, o.ended_at
from tokenhouse.orders o
join tokenhouse.accounts a on a.cell = o.cell and a.id = o.account
where ($1::timestamptz is null or o.created_at >= $1) and ($2::timestamptz is null or o.created_at < $2)
  and ($3::smallint is null or (o.cell = $3 and o.account = $4::bigint))
order by o.cell, o.account, o.created_at, o.id;
