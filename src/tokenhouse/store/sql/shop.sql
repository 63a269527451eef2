-- The shop: packages, coupons and their redemptions, subscriptions.

-- columns: coupon
c.code, c.credit, c.discount, c.credit_days, c.uses_max, c.uses, c.valid_from, c.valid_until, c.plans,
c.packages, c.note, c.created_at, c.actor, c.ended_at;

-- columns: subscription
s.cell, s.account, s.id, s.package, s.plan, s.former_plan, s.every, s.price_minor, s.currency, s.provider,
s.provider_ref, s.state, s.anchor_at, s.start_at, s.end_at, s.ends_then, s.last_order, s.created_at,
s.ended_at, s.reason,
(select a.ref from tokenhouse.accounts a where a.cell = s.cell and a.id = s.account) as ref;

-- name: list_packages :many
-- why: The newest version of everything that can be bought.
select distinct on (p.name) p.name, p.version, p.document
from tokenhouse.packages p
order by p.name, p.version desc;

-- name: find_package :maybe
-- why: What one package is now, or was in the version that an order names.
select p.name, p.version, p.document
from tokenhouse.packages p
where p.name = $1 and ($2::integer is null or p.version = $2)
order by p.version desc
limit 1;

-- name: write_package :one
-- why: A package changes by a newer version; one that says the same as the newest changes nothing. The key
-- refuses the second of two writers at once.
with newest as (
    select p.version, p.document from tokenhouse.packages p where p.name = $1 order by p.version desc limit 1
), written as (
    insert into tokenhouse.packages (name, version, document, created_at, actor)
    select $1, coalesce((select n.version from newest n), 0) + 1, $2::text::json, $3, $4
    where $2::text is distinct from (select n.document::text from newest n)
    returning version
)
select coalesce((select w.version from written w), (select n.version from newest n)) as version;

-- name: write_coupon :maybe
-- why: A code is given once.
insert into tokenhouse.coupons as c (code, credit, discount, credit_days, uses_max, valid_from, valid_until,
    plans, packages, note, created_at, actor)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (code) do nothing
returning {coupon};

-- name: find_coupon :maybe
-- why: What a code is good for.
select {coupon}
from tokenhouse.coupons c where code = $1;

-- name: list_coupons :many
-- why: An operator looks through the codes: all, those in a state, those whose code or note holds a text.
select {coupon}
from tokenhouse.coupons c
where c.code > $1
  and ($3 = '' or $3 = case when c.ended_at is not null then 'ended'
                            when c.valid_until <= $4 then 'expired'
                            when c.uses >= c.uses_max then 'used up'
                            when c.valid_from > $4 then 'waiting'
                            else 'active' end)
  and ($5 = '' or position(lower($5) in lower(c.note)) > 0 or ($6 <> '' and position($6 in c.code) > 0))
order by c.code
limit $2;

-- name: list_redemptions :many
-- why: An operator sees who used a code, for which order, and what that was worth; the newest first.
select a.ref as account, r.order_id, r.at, o.state, o.credit, o.price_minor, o.discount_minor, o.currency
from tokenhouse.coupon_redemptions r
join tokenhouse.accounts a on a.cell = r.cell and a.id = r.account
join tokenhouse.orders o on o.cell = r.cell and o.account = r.account and o.id = r.order_id
where r.code = $1 and ($2::uuid is null or r.order_id < $2)
order by r.order_id desc
limit $3;

-- name: write_coupon_ended :maybe
-- why: A code that got into the wrong hands is good for nothing more; ended again, it stays as it was.
update tokenhouse.coupons c set ended_at = $2
where c.code = $1 and c.ended_at is null
returning {coupon};

-- name: write_coupon_used :maybe
-- why: A code is used up to its maximum and no further, whoever comes at once: the row's lock makes a line.
update tokenhouse.coupons c set uses = c.uses + 1
where c.code = $1 and c.ended_at is null and (c.uses_max is null or c.uses < c.uses_max)
  and c.valid_from <= $2 and (c.valid_until is null or c.valid_until > $2)
returning c.code;

-- name: write_redemption :maybe
-- why: Once for each account; its key says so.
insert into tokenhouse.coupon_redemptions (cell, account, code, order_id, at)
values ($1, $2, $3, $4, $5)
on conflict (cell, account, code) do nothing
returning code;

-- name: find_redemption :maybe
-- why: A coupon redeemed again leads to the order that it opened.
select order_id from tokenhouse.coupon_redemptions where cell = $1 and account = $2 and code = $3;

-- name: write_redemption_undone :exec
-- why: An order that came to nothing gives its coupon back.
with undone as (
    delete from tokenhouse.coupon_redemptions r
    where r.cell = $1 and r.account = $2 and r.code = $3 and r.order_id = $4
    returning r.code
)
update tokenhouse.coupons c set uses = c.uses - 1 from undone u where c.code = u.code;

-- name: write_redemption_again :exec
-- why: An order that failed had given its coupon back, and was paid after all.
with c as (
    select k.code from tokenhouse.coupons k
    where k.code = $3 and (k.uses_max is null or k.uses < k.uses_max)
    for update
), used as (
    insert into tokenhouse.coupon_redemptions (cell, account, code, order_id, at)
    select $1, $2, c.code, $4, $5 from c
    on conflict (cell, account, code) do nothing
    returning code
)
update tokenhouse.coupons k set uses = k.uses + 1 from used u where k.code = u.code;

-- name: write_subscription :maybe
-- why: An account has one subscription at a time.
insert into tokenhouse.subscriptions (cell, account, id, package, plan, former_plan, every, price_minor,
    currency, provider, state, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11)
on conflict (cell, account) where state <> 'ended' do nothing
returning id;

-- name: find_subscription :maybe
-- why: The subscription that an account has, or had last.
select {subscription}
from tokenhouse.subscriptions s
where s.cell = $1 and s.account = $2 and ($3::uuid is null or s.id = $3)
order by (s.state = 'ended'), s.created_at desc
limit 1;

-- name: find_subscription_by_provider :maybe
-- why: A provider that renews by itself names the subscription in its own words.
select {subscription}
from tokenhouse.subscriptions s
where s.provider = $1 and s.provider_ref = $2
order by s.created_at desc
limit 1;

-- name: list_subscriptions_due :many
-- why: Subscriptions whose period has ended, and those whose first payment came and was cut short.
select {subscription}
from tokenhouse.subscriptions s
where (s.state in ('active', 'past_due') and s.end_at <= $1)
   or (s.state <> 'ended' and exists (
          select from tokenhouse.orders o
          where o.cell = s.cell and o.subscription = s.id and o.state = 'completed'
            and (s.last_order is null or o.id > s.last_order)))
order by s.end_at
limit $2;

-- name: find_order_of_subscription :maybe
-- why: The newest order of a subscription, which is what its present or next period waits for.
select o.id from tokenhouse.orders o
where o.cell = $1 and o.subscription = $2 and o.state = any($3::text[])
order by o.id desc
limit 1;

-- name: write_subscription_paid :maybe
-- why: A paid order brings the next period, once.
update tokenhouse.subscriptions s
set state = 'active', anchor_at = coalesce(s.anchor_at, $4), start_at = $4, end_at = $5, last_order = $6
where s.cell = $1 and s.account = $2 and s.id = $3 and s.state <> 'ended'
  and (s.last_order is null or s.last_order < $6)
returning s.id;

-- name: write_subscription_again :maybe
-- why: An order that was paid when its subscription was over begins another one, if the account has none.
with opened as (
    insert into tokenhouse.subscriptions (cell, account, id, package, plan, former_plan, every, price_minor,
        currency, provider, provider_ref, state, created_at)
    select s.cell, s.account, $4, s.package, s.plan, $5, s.every, s.price_minor, s.currency, s.provider,
           s.provider_ref, 'pending', $6
    from tokenhouse.orders o
    join tokenhouse.subscriptions s on s.cell = o.cell and s.account = o.account and s.id = o.subscription
    where o.cell = $1 and o.id = $2 and o.state = 'failed' and s.id = $3 and s.state = 'ended'
    on conflict (cell, account) where state <> 'ended' do nothing
    returning id
)
update tokenhouse.orders o set subscription = w.id from opened w where o.cell = $1 and o.id = $2
returning o.id;

-- name: write_subscription_state :exec
-- why: What the provider calls it, or that it waits for money.
update tokenhouse.subscriptions s
set provider_ref = coalesce($4, s.provider_ref),
    state = case when $5 and s.state = 'active' then 'past_due' else s.state end
where s.cell = $1 and s.account = $2 and s.id = $3;

-- name: write_subscription_ending :maybe
-- why: It ends with its period; told again, that is no news.
update tokenhouse.subscriptions s set ends_then = true
where s.cell = $1 and s.account = $2 and s.id = $3 and not s.ends_then
returning s.id;

-- name: write_subscription_ended :maybe
-- why: It is over; its account is back on its former plan.
update tokenhouse.subscriptions s
set state = 'ended', ended_at = $4, reason = $5
where s.cell = $1 and s.account = $2 and s.id = $3 and s.state <> 'ended'
returning s.id;

-- name: write_subscription_dropped :exec
-- why: A subscription whose first order came to nothing never was.
update tokenhouse.subscriptions s
set state = 'ended', ended_at = $4, reason = 'unpaid'
where s.cell = $1 and s.account = $2 and s.id = $3 and s.state = 'pending' and s.last_order is null;
