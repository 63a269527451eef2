-- Attention: what waits for a person who runs the deployment.

-- name: find_attention :one
-- why: One look tells how much there is of it; each part goes by an index or a table of a few rows. Events
-- are looked for from an id on, for ids grow with time; forged ones prove nothing and say nothing. A refund
-- that came to nothing waits until its order is refunded after all: somebody waits for the money.
select d.dead, d.dead_at, h.held, h.held_at, e.unmatched, e.unmatched_at, f.unrefunded, f.unrefunded_at
from (select count(*) as dead, max(o.ended_at) as dead_at
      from tokenhouse.deliveries o where o.state = 'dead') d,
     (select count(*) as held, min(r.created_at) as held_at
      from tokenhouse.rates_held r where r.decided_at is null) h,
     (select count(*) as unmatched, max(p.received_at) as unmatched_at
      from tokenhouse.payment_events p
      where p.id >= $1 and p.verdict = 'refused' and p.kind <> '') e,
     (select coalesce(array_agg(o.id order by o.id), '{}') as unrefunded, max(p.at) as unrefunded_at
      from (select p.order_id, max(p.received_at) as at
            from tokenhouse.payment_events p
            where p.id >= $1 and p.verdict = 'accepted' and p.reason = 'refund_failed'
            group by p.order_id) p
      join tokenhouse.orders o on o.id = p.order_id and o.reason = 'refund_failed') f;
