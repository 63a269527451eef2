-- Orders: they end in the transaction of their grant (see ledger.sql: write_orders_ended).

-- columns: order
o.id, o.account, o.type, o.state, o.credit, o.price_minor, o.currency, o.method, o.transaction_id, o.note,
o.created_at, o.ended_at, o.cell, o.provider, o.provider_ref, o.package, o.package_version, o.quantity,
o.bonus, o.discount_minor, o.coupon, o.credit_days, o.subscription, o.refunded_minor, o.refunded_credit,
o.refunded_last, o.refunds_failed, o.completed_at, o.ended_by, o.reason,
(select a.ref from tokenhouse.accounts a where a.cell = o.cell and a.id = o.account) as ref;

-- name: write_order :maybe
-- why: One order a payment: a provider's repeated call finds the first.
insert into tokenhouse.orders as o (cell, id, account, type, state, credit, price_minor, currency, method,
    transaction_id, note, created_at)
values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)
on conflict (cell, method, transaction_id) where transaction_id <> '' do nothing
returning {order};

-- name: write_order_bought :maybe
-- why: What a buyer asks for becomes one order, however often it is asked for under one key, and whichever
-- payment or coupon it is for.
insert into tokenhouse.orders as o (cell, id, account, type, state, credit, price_minor, currency, method,
    transaction_id, note, created_at, provider, package, package_version, quantity, bonus, discount_minor,
    coupon, credit_days, subscription, request_key)
values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21)
on conflict do nothing
returning {order};

-- name: find_order :maybe
-- why: One order for whoever completes, fails or refunds it.
select {order}
from tokenhouse.orders o where o.cell = $1 and o.id = $2;

-- name: find_order_anywhere :maybe
-- why: A payment provider and an operator know an order by its id alone.
select {order}
from tokenhouse.orders o where o.id = $1;

-- name: find_order_by_transaction :one
-- why: The order that a payment opened when it came first.
select {order}
from tokenhouse.orders o where o.cell = $1 and o.method = $2 and o.transaction_id = $3;

-- name: find_order_by_request :maybe
-- why: The order that a buyer's key opened when it came first.
select {order}
from tokenhouse.orders o where o.cell = $1 and o.account = $2 and o.request_key = $3;

-- name: list_orders :many
-- why: An account's orders, newest first, for its owner; ids grow with time.
select {order}
from tokenhouse.orders o
where o.cell = $1 and o.account = $2 and ($3::uuid is null or o.id < $3)
order by o.id desc
limit $4;

-- name: list_orders_anywhere :many
-- why: An operator looks through all orders, newest first, page by page.
select {order}
from tokenhouse.orders o
where ($1::uuid is null or o.id < $1)
  and ($2::text is null or o.state = $2)
  and ($3::text is null or o.provider = $3)
  and ($4::timestamptz is null or o.created_at >= $4)
  and ($5::timestamptz is null or o.created_at < $5)
  and ($6::smallint is null or (o.cell = $6 and o.account = $7::bigint))
order by o.id desc
limit $8;

-- name: list_orders_left :many
-- why: Orders that nobody paid for in time, and coupons' orders that were cut short before they gave.
select {order}
from tokenhouse.orders o
where o.state = 'pending' and o.provider <> ''
  and (o.created_at < $1 or (o.provider = 'coupon' and o.created_at < $2))
order by o.created_at
limit $3;

-- name: write_order_failed :maybe
-- why: Only a pending order can fail. That its money was given back is noted later as well: nothing pays for
-- it after that.
update tokenhouse.orders o
set state = 'failed', ended_at = $3, ended_by = $4, reason = $5
where o.cell = $1 and o.id = $2
  and (o.state = 'pending' or (o.state = 'failed' and $5 = 'refunded_before_completion' and o.reason <> $5))
returning o.id;

-- name: write_order_ended :maybe
-- why: An order of no credit, or a refund too small to take any, moves nothing in the ledger.
update tokenhouse.orders o
set state = $4, ended_at = $5, ended_by = $6, reason = $7, refunded_minor = $9, refunded_last = 0,
    refunds_failed = $11,
    completed_at = case when $3 in ('pending', 'failed') then $5 else o.completed_at end
where o.cell = $1 and o.id = $2 and o.state = $3 and o.refunded_minor = $8 and o.refunds_failed = $10
  and not (o.state = 'failed' and o.reason = 'refunded_before_completion')
returning o.id;

-- name: write_order_provider_ref :exec
-- why: What the provider calls it, so that a person finds it there.
update tokenhouse.orders o
set provider_ref = $3, method = case when $4 = '' then o.method else $4 end
where o.cell = $1 and o.id = $2;
