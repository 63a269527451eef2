-- Payments: which order each is for, and everything that was said in a provider's name.

-- name: write_payment :one
-- why: One payment is for one order, over all accounts: whoever comes second learns for which.
with claimed as (
    insert into tokenhouse.payments (provider, ref, cell, order_id, at) values ($1, $2, $3, $4, $5)
    on conflict (provider, ref) do update set at = payments.at
    returning order_id
)
select c.order_id from claimed c;

-- name: find_payment :maybe
-- why: A provider speaks of its payment where it does not know our order.
select p.order_id from tokenhouse.payments p where p.provider = $1 and p.ref = $2;

-- name: write_payment_event :exec
-- why: Each attempt is on record before anything is done about it.
insert into tokenhouse.payment_events (id, provider, event, kind, verdict, reason, ref, order_id, price_minor,
    currency, digest, received_at, decided_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- name: write_payment_verdict :exec
-- why: What was made of it.
update tokenhouse.payment_events e
set verdict = $2, reason = $3, order_id = $4, decided_at = $5
where e.id = $1;

-- name: find_payment_event :maybe
-- why: An event that was accepted once is a duplicate from then on; its digest tells whether it is the same.
select e.order_id, e.digest from tokenhouse.payment_events e
where e.provider = $1 and e.event = $2 and e.verdict = 'accepted';

-- name: write_attempts_pruned :exec
-- why: Anybody can be refused as often as they like; what proved nothing says nothing of any money.
delete from tokenhouse.payment_events e
where e.verdict = 'refused' and e.kind = '' and e.received_at < $1;

-- name: list_payment_events :many
-- why: An operator sees each attempt, newest first; ids grow with time.
select e.id, e.provider, e.event, e.kind, e.verdict, e.reason, e.ref, e.order_id, e.price_minor, e.currency,
       e.digest, e.received_at, e.decided_at
from tokenhouse.payment_events e
where ($1::uuid is null or e.id < $1)
  and ($2::text is null or e.provider = $2)
  and ($3::text is null or e.verdict = $3)
  and ($4::uuid is null or e.order_id = $4)
  and (not $5::boolean or (e.verdict = 'refused' and e.kind <> '')
       or (e.verdict = 'accepted' and e.reason = 'refund_failed'))
order by e.id desc
limit $6;

-- name: list_payments_of_order :many
-- why: What a provider calls an order's payment, so that the money can be given back where it was taken.
select p.ref from tokenhouse.payments p
where p.provider = $1 and p.cell = $2 and p.order_id = $3
order by p.at, p.ref;
