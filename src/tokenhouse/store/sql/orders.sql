-- Orders: they end in the transaction of their grant (see ledger.sql: write_orders_ended).

-- name: write_order :maybe
-- why: One order a payment: a provider's repeated call finds the first.
insert into tokenhouse.orders (cell, id, account, type, state, credit, price_minor, currency, method,
    transaction_id,
                               note, created_at)
values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)
on conflict (cell, method, transaction_id) where transaction_id <> '' do nothing
returning id, account, type, state, credit, price_minor, currency, method, transaction_id, note, created_at,
          ended_at;

-- name: find_order :maybe
-- why: One order for whoever completes, fails or refunds it.
select id, account, type, state, credit, price_minor, currency, method, transaction_id, note, created_at,
       ended_at
from tokenhouse.orders where cell = $1 and id = $2;

-- name: find_order_by_transaction :one
-- why: The order that a payment opened when it came first.
select id, account, type, state, credit, price_minor, currency, method, transaction_id, note, created_at,
       ended_at
from tokenhouse.orders where cell = $1 and method = $2 and transaction_id = $3;

-- name: list_orders :many
-- why: An account's newest orders, for its owner.
select id, account, type, state, credit, price_minor, currency, method, transaction_id, note, created_at,
       ended_at
from tokenhouse.orders where cell = $1 and account = $2
order by created_at desc, id desc
limit $3;

-- name: write_order_failed :exec
-- why: Only a pending order can fail.
update tokenhouse.orders set state = 'failed',
                             ended_at = $3 where cell = $1 and id = $2 and state = 'pending';
