-- Auditing: what `verify` reads. Every statement but the directory's names its cell, and reads only.

-- name: sum_audited :one
-- why: How much there is to verify, and the totals of law 1 over all, in one snapshot; the last entry's
-- number is the number of entries.
select count(*) as balances,
       coalesce(sum(b.seq), 0) as entries,
       coalesce(sum(b."left"), 0) as "left",
       coalesce(sum(b.debt), 0) as debt,
       coalesce(sum(b.granted), 0) as granted,
       coalesce(sum(b.drawn), 0) as drawn,
       coalesce(sum(b.expired), 0) as expired,
       coalesce(sum(b.clawed), 0) as clawed,
       coalesce(sum(b.charged), 0) as charged,
       coalesce(sum(b.forgiven), 0) as forgiven,
       (select count(*) from tokenhouse.idempotency_keys k
        where ($1::smallint is null or k.cell = $1) and ($2::bigint is null or k.account = $2)) as keys
from tokenhouse.balances b
where ($1::smallint is null or b.cell = $1) and ($2::bigint is null or b.account = $2);

-- name: list_cells :many
-- why: The cells in which there is anything that `verify` reads: most of a small house's are empty. Each
-- question ends at the first row that it finds.
select c.cell::smallint as cell
from generate_series(0, $1::int - 1) as c (cell)
where (select 1 from tokenhouse.accounts a where a.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.balances b where b.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.entries e where e.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.idempotency_keys k where k.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.orders o where o.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.chat_sessions s where s.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.coupon_redemptions r where r.cell = c.cell limit 1) is not null
   or (select 1 from tokenhouse.subscriptions u where u.cell = c.cell limit 1) is not null
order by c.cell;

-- name: list_standing :many
-- why: A page of one cell's accounts as they stand, with or without balance, and what is held against
-- their journal: ended orders and chat sessions. The bounds keep each join to the page. The columns are
-- the fields of `rules.audit.Standing`, in their order.
with ids as materialized (
    select u.account
    from (
        (select b.account from tokenhouse.balances b
         where b.cell = $1 and b.account > $2 and b.account <= $3 order by b.account limit $4)
        union
        (select a.id from tokenhouse.accounts a
         where a.cell = $1 and a.id > $2 and a.id <= $3 order by a.id limit $4)
    ) u
    order by u.account
    limit $4
)
select i.account, a.ref, a.own_credit as pays_itself, a.time_zone,
       (select json_agg(json_build_array(replace(o.id::text, '-', ''), o.state, o.credit,
                                          o.refunded_credit))
        from tokenhouse.orders o
        where o.cell = $1 and o.account = i.account and o.state in ('completed', 'refunded')) as orders,
       (select sum(s.tokens)::bigint from tokenhouse.chat_sessions s
        where s.cell = $1 and s.account = i.account) as chat_tokens,
       (select json_agg(json_build_array(s.id, s.metered, s.charged)) from tokenhouse.chat_sessions s
        where s.cell = $1 and s.account = i.account and (s.metered > 0 or s.charged > 0)) as chats,
       b.own_credit, b.zone, b.held, b.rolled_at, b.due_at, b.lapses_at, b.lots, b.open, b.plan, b.state,
       b.opened_at, b.seq, b.chain, b."left", b.debt, b.used, b.used_total, b.turns, b.granted, b.drawn,
       b.expired, b.clawed, b.charged, b.forgiven, b.bought, b.period_start_at, b.period_end_at
from ids i
left join tokenhouse.accounts a
       on a.cell = $1 and a.id = i.account and a.id > $2 and a.id <= (select max(m.account) from ids m)
left join tokenhouse.balances b
       on b.cell = $1 and b.account = i.account and b.account > $2
      and b.account <= (select max(m.account) from ids m)
order by i.account;

-- name: list_audited :many
-- why: The journal of a range of one cell's accounts in its own order: the columns that the hash covers,
-- as it covers them, and the hash.
select e.account, e.seq, (extract(epoch from e.at) * 1000000)::bigint as at, e.kind, e.amount,
       e.balance_after, e.charge, e.lots, coalesce(encode(uuid_send(e.operation), 'hex'), '') as operation,
       e.model, e.usage, e.rate, e.source, e.actor, e.note, e.facts, e.hash
from tokenhouse.entries e
where e.cell = $1 and e.account > $2 and e.account <= $3
order by e.account, e.seq;

-- name: sum_held_below :many
-- why: Who draws on an account above it holds that account's credit; the payer is the nearest one with
-- credit of its own, at the latest the root.
select p.payer, sum(p.held)::bigint as held
from (
    select coalesce(
               (select w.account
                from unnest(d.path) with ordinality as w (account, nth)
                join tokenhouse.balances above on above.cell = $1 and above.account = w.account
                where above.own_credit
                order by w.nth
                limit 1),
               d.path[cardinality(d.path)]) as payer,
           (select sum((o.value ->> 0)::bigint) from json_each(b.open) as o (key, value)) as held
    from tokenhouse.balances b
    join tokenhouse.accounts a on a.cell = $1 and a.id = b.account
    join tokenhouse.directory d on d.ref = a.ref
    where b.cell = $1 and not b.own_credit and b.open::text <> '{}'
) p
group by p.payer;

-- name: list_loose :many
-- why: Rows that lead nowhere: of an account that is not there, or a caller's key for an operation that
-- neither the journal nor an open reservation knows. Refunds and claw-backs stand in the journal under
-- what they undo.
select 'orphans' as "check", 'orders' as figure, o.account, null as key, count(*) as rows
from tokenhouse.orders o
where o.cell = $1 and o.account > $2 and o.account <= $3
  and not exists (select from tokenhouse.accounts a where a.cell = o.cell and a.id = o.account)
group by o.account
union all
select 'orphans', 'chat_sessions', s.account, null, count(*)
from tokenhouse.chat_sessions s
where s.cell = $1 and s.account > $2 and s.account <= $3
  and not exists (select from tokenhouse.accounts a where a.cell = s.cell and a.id = s.account)
group by s.account
union all
select 'orphans', 'coupon_redemptions', r.account, null, count(*)
from tokenhouse.coupon_redemptions r
where r.cell = $1 and r.account > $2 and r.account <= $3
  and not exists (select from tokenhouse.accounts a where a.cell = r.cell and a.id = r.account)
group by r.account
union all
select 'orphans', 'subscriptions', s.account, null, count(*)
from tokenhouse.subscriptions s
where s.cell = $1 and s.account > $2 and s.account <= $3
  and not exists (select from tokenhouse.accounts a where a.cell = s.cell and a.id = s.account)
group by s.account
union all
select 'orders', 'order of coupon ' || r.code, r.account, null, 1
from tokenhouse.coupon_redemptions r
where r.cell = $1 and r.account > $2 and r.account <= $3
  and not exists (
      select from tokenhouse.orders o
      where o.cell = r.cell and o.id = r.order_id and o.account = r.account and o.coupon = r.code
        and o.state <> 'failed')
union all
select 'orders', 'paid order of the subscription', s.account, null, 1
from tokenhouse.subscriptions s
where s.cell = $1 and s.account > $2 and s.account <= $3 and s.state in ('active', 'past_due')
  and not exists (
      select from tokenhouse.orders o
      where o.cell = s.cell and o.id = s.last_order and o.account = s.account and o.subscription = s.id
        and o.state in ('completed', 'refunded'))
union all
select 'keys', 'operation', k.account, k.key, 1
from tokenhouse.idempotency_keys k
where k.cell = $1 and k.account > $2 and k.account <= $3
  and not exists (
      select from tokenhouse.entries e
      where e.cell = k.cell and e.operation = k.operation)
  and not exists (
      select from tokenhouse.balances b
      where b.cell = k.cell and b.account = k.account
        and b.open -> replace(k.operation::text, '-', '') is not null)
  and not exists (
      select from tokenhouse.entries e
      where e.cell = k.cell and e.account = k.account and e.kind in ('refund', 'unuse', 'claw_back')
        and e.facts ->> 'id' = replace(k.operation::text, '-', ''));

-- name: list_misplaced :many
-- why: Every name leads to its account and every account has its name, its cell and its way up; else
-- nobody finds it, or it pays from another's credit.
select coalesce(a.ref, d.ref) as ref,
       case when a.id is null then 'account' when d.ref is null then 'ref' else 'path' end as figure,
       concat_ws(' ', a.cell, a.id || above.path) as expected,
       concat_ws(' ', d.cell, d.path) as found
from tokenhouse.directory d
full join tokenhouse.accounts a on a.ref = d.ref
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
left join tokenhouse.directory above on above.ref = p.ref
where (a.id is null or d.ref is null or (a.cell, a.id || above.path) <> (d.cell, d.path))
  and ($1::smallint is null or coalesce(a.cell, d.cell) = $1)
  and ($2::text is null or coalesce(a.ref, d.ref) = $2);

-- name: list_coupons_miscounted :many
-- why: A coupon was used as often as accounts redeemed it, or its maximum means nothing.
select c.code, c.uses, coalesce(r.redeemed, 0) as redeemed
from tokenhouse.coupons c
left join (
    select d.code, count(*)::integer as redeemed from tokenhouse.coupon_redemptions d group by d.code
) r on r.code = c.code
where c.uses <> coalesce(r.redeemed, 0);
