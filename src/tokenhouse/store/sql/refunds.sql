-- Refunds: what a provider gave back of an order, by its own names, and what we asked it to give back.

-- name: write_refund :one
-- why: Whoever is told of a refund first keeps it. It can only come to nothing, and never come back from
-- that; one of which nothing was known before it came to nothing was never counted, and needs no correction.
insert into tokenhouse.refunds as r (provider, ref, cell, order_id, minor, state, at)
values ($1, $2, $3, $4, $5, case when $6::boolean then 'corrected' else 'made' end, $7)
on conflict (provider, ref) do update
set state = case when r.state = 'made' and $6::boolean then 'failed' else r.state end
returning r.order_id, r.xmax = 0 as fresh;

-- name: find_refund :maybe
-- why: A provider may tell of one by its own name of it alone.
select r.order_id from tokenhouse.refunds r where r.provider = $1 and r.ref = $2;

-- name: list_refunds :many
-- why: The sum of those that stand is what a provider gave back of an order.
select r.provider, r.ref, r.minor, r.state
from tokenhouse.refunds r
where r.order_id = $1
order by r.at, r.ref;

-- name: write_refund_corrected :maybe
-- why: A refund that came to nothing is undone once: in the transaction that corrects its order.
update tokenhouse.refunds r
set state = 'corrected'
where r.provider = $1 and r.ref = $2 and r.state = 'failed'
returning r.order_id;

-- name: write_refund_try :maybe
-- why: Before a provider is asked it is on record what for; one at a time, so that two never give the same
-- money back.
insert into tokenhouse.refund_tries (cell, order_id, nth, minor, total, note, state, at)
select $1, $2, coalesce(max(t.nth), 0) + 1, $3, $4, $5, 'open', $6
from tokenhouse.refund_tries t
where t.cell = $1 and t.order_id = $2
on conflict do nothing
returning nth, minor, total, note, at;

-- name: find_refund_try :maybe
-- why: The one of which nobody knows yet what became of it.
select t.nth, t.minor, t.total, t.note, t.at
from tokenhouse.refund_tries t
where t.cell = $1 and t.order_id = $2 and t.state = 'open';

-- name: write_refund_try_ended :maybe
-- why: What became of it; the next one has another number, and with it another key.
update tokenhouse.refund_tries t
set state = $4, ended_at = $5
where t.cell = $1 and t.order_id = $2 and t.nth = $3 and t.state = 'open'
returning t.nth;
