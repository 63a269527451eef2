-- Insight: what an operator asks of orders and balances beyond the journal's sums.

-- name: list_purchases :many
-- why: What was bought and given, by day or month and currency. An order counts when it ended, and while it
-- is pending when it was made.
select date_trunc($3, coalesce(o.ended_at, o.created_at), $4) as start_at, o.type, o.state, o.currency,
       count(*) as orders, sum(o.credit) as credit, sum(o.price_minor) as price_minor,
       sum(o.refunded_minor) as refunded_minor
from tokenhouse.orders o
where coalesce(o.ended_at, o.created_at) >= $1 and coalesce(o.ended_at, o.created_at) < $2
group by 1, 2, 3, 4
order by 1, 2, 3, 4;

-- name: list_exhausted :many
-- why: Who has nothing left that is not set aside already, a page in order of the key. A period that is over
-- has been renewed in its owner's eyes, so its account is not among them.
select {balance}, a.ref, a.email, a.name
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
where (b.cell, b.account) > ($1::smallint, $2::bigint)
  and b."left" <= b.held and b.period_end_at > $3 and b.own_credit
order by b.cell, b.account
limit $4;
