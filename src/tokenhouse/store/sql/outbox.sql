-- The outbox: deliveries on their way, and the endpoints that they go to.

-- columns: delivery
d.cell, d.id, d.account, d.notice, d.channel, d.endpoint, d.target, d.payload, d.state, d.attempts, d.next_at,
d.created_at, d.ended_at, d.error;

-- columns: endpoint
e.id, e.cell, e.account, e.ref, e.channel, e.name, e.url, e.kinds, e.secret, e.secret_before,
e.secret_before_until, e.created_at, e.created_by, e.disabled_at, e.disabled_why;

-- name: write_deliveries :exec
-- why: Notices go on their way in the transaction that writes them.
insert into tokenhouse.deliveries (cell, id, account, notice, channel, endpoint, target, payload, next_at,
    created_at)
select u.cell, u.id, u.account, u.notice, u.channel, u.endpoint, u.target, u.payload, $9::timestamptz,
       $9::timestamptz
from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::text[],
            $8::json[])
     as u (cell, id, account, notice, channel, endpoint, target, payload);

-- name: lock_deliveries_due :many
-- why: A node takes a lease of what is due and lets the transaction go before it calls anybody; what another
-- one has in its hands is skipped. The lease is the next time at which it would be due, if nobody came back.
-- Endpoints that this node lets rest are left alone, for one that hangs must not hold up the others.
with due as (
    select d.cell, d.id from tokenhouse.deliveries d
    where d.state = 'pending' and d.next_at <= $1 and d.channel = any($4::text[])
      and (d.endpoint is null or d.endpoint <> all ($5::uuid[]))
    order by d.next_at
    limit $6
    for update skip locked
)
update tokenhouse.deliveries d
set next_at = $2, leased_by = $3, attempts = d.attempts + 1
from due
where d.cell = due.cell and d.id = due.id and d.state = 'pending' and d.next_at <= $1
returning {delivery};

-- name: lock_delivery :maybe
-- why: One delivery is tried at once, by whoever asked for it: a test of an endpoint.
update tokenhouse.deliveries d
set next_at = $4, leased_by = $5, attempts = d.attempts + 1
where d.cell = $1 and d.id = $2 and d.state = 'pending' and d.next_at <= $3
returning {delivery};

-- name: write_deliveries_tried :exec
-- why: What came of attempts, written only by who still has the lease: one that came too late says nothing.
update tokenhouse.deliveries d
set state = u.state, next_at = u.next_at, error = u.error, leased_by = null,
    ended_at = case when u.state = 'pending' then null else $6::timestamptz end
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
     as u (cell, id, state, next_at, error)
where d.cell = u.cell and d.id = u.id and d.leased_by = $7 and d.state = 'pending';

-- name: write_deliveries_put_back :exec
-- why: What a node took and did not try, because its receiver failed for others, is due as it was before.
update tokenhouse.deliveries d
set next_at = $3, leased_by = null, attempts = d.attempts - 1
from unnest($1::smallint[], $2::uuid[]) as u (cell, id)
where d.cell = u.cell and d.id = u.id and d.leased_by = $4 and d.state = 'pending';

-- name: write_deliveries_of_endpoint_dead :exec
-- why: What waits for an endpoint that was disabled will not be sent by itself; it can be sent again by hand.
update tokenhouse.deliveries
set state = 'dead', ended_at = $2, error = $3, leased_by = null
where endpoint = $1 and state = 'pending';

-- name: write_delivery_again :maybe
-- why: A dead or a sent delivery goes on its way once more, with all its attempts before it.
update tokenhouse.deliveries d
set state = 'pending', ended_at = null, attempts = 0, next_at = $2, error = ''
where id = $1 and state <> 'pending'
returning {delivery};

-- name: write_dead_deliveries_again :exec
-- why: After a receiver was away for long, all that was given up goes on its way at once. What an endpoint
-- that rests would only refuse again stays where it is. A batch at a time: none holds locks for long.
with dead as (
    select d.cell, d.id from tokenhouse.deliveries d
    left join tokenhouse.endpoints e on e.id = d.endpoint
    where d.state = 'dead' and e.disabled_at is null
    order by d.id
    limit $2
    for update of d skip locked
)
update tokenhouse.deliveries d
set state = 'pending', ended_at = null, attempts = 0, next_at = $1, error = ''
from dead
where d.cell = dead.cell and d.id = dead.id and d.state = 'dead';

-- name: list_deliveries :many
-- why: A page of deliveries, newest first, all or those in one state: dead letters are seen here.
select {delivery}
from tokenhouse.deliveries d
where ($1::uuid is null or d.id < $1) and ($2 = '' or d.state = $2)
order by d.id desc
limit $3;

-- name: find_delivery :maybe
-- why: One delivery, for the operator.
select {delivery}
from tokenhouse.deliveries d
where d.id = $1;

-- name: sum_deliveries :many
-- why: How many are in each state that asks for somebody's eye, for metrics and the operator's page.
select d.state, count(*) as deliveries from tokenhouse.deliveries d
where d.state in ('pending', 'dead')
group by d.state;

-- name: write_endpoint :maybe
-- why: A new place for notices, unless its account, or the deployment, has as many as it may.
insert into tokenhouse.endpoints (id, cell, account, ref, channel, name, url, kinds, secret, created_at,
    created_by)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
where (select count(*) from tokenhouse.endpoints e
       where e.disabled_at is null and e.cell is not distinct from $2::smallint
         and e.account is not distinct from $3::bigint) < $12::bigint
returning id;

-- name: list_endpoints :many
-- why: Every endpoint, newest first, for the operator.
select {endpoint}
from tokenhouse.endpoints e
where $1::uuid is null or id < $1
order by id desc
limit $2;

-- name: list_endpoints_for :many
-- why: Where the notices of some accounts go: the deployment's own endpoints and theirs.
select {endpoint}
from tokenhouse.endpoints e
where disabled_at is null
  and (account is null or (cell, account) in (select * from unnest($1::smallint[], $2::bigint[])));

-- name: list_endpoints_by_id :many
-- why: The endpoints of a batch of deliveries, as they are now: their secret may have been rotated since.
select {endpoint}
from tokenhouse.endpoints e where id = any($1::uuid[]);

-- name: write_endpoint_rotated :maybe
-- why: A new secret signs at once; the one before it signs beside it for a while, so that nothing is refused.
update tokenhouse.endpoints e
set secret_before = secret, secret_before_until = $3, secret = $2
where id = $1 and channel = 'webhook'
returning {endpoint};

-- name: write_endpoint_disabled :maybe
-- why: An endpoint rests, by hand or because its owner answered 410; the first time and reason stand.
update tokenhouse.endpoints e set disabled_why = $3, disabled_at = $2
where id = $1 and disabled_at is null
returning {endpoint};

-- name: write_endpoint_enabled :maybe
-- why: An endpoint that rested is used again.
update tokenhouse.endpoints e set disabled_at = null, disabled_why = ''
where id = $1 and disabled_at is not null
returning {endpoint};

-- name: write_deliveries_pruned :exec
-- why: Deliveries that ended are kept for a stated time, not for ever.
delete from tokenhouse.deliveries where ended_at < $1;
