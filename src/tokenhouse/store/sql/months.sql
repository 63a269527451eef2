-- Months: what one account's journal says of each. However many calls lie in them, none is read one by one.

-- name: write_generic_plans :exec
-- why: Until the end of the transaction a statement keeps one plan, which leaves out partitions when it runs;
-- planning each time anew, partition by partition, takes five times as long as running.
select set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: list_months :many
-- why: Use comes from the roll-up and the entries since; credit bought, less what was taken back of it since,
-- from the index of what is no call; the first and last entry of a month from the ends of the months, for an
-- account numbers its entries without a gap. Months that do not begin with an hour ($6) are added up entry by
-- entry.
with bounds as (
    select b.at, b.nth - 1 as nth from unnest($3::timestamptz[]) with ordinality as b (at, nth)
), ends as (
    select b.nth, coalesce(e.seq, 0) as seq, coalesce(e.balance_after, 0) as closing
    from bounds b
    left join lateral (
        select j.seq, j.balance_after from tokenhouse.entries j
        where j.cell = $1 and j.account = $2 and j.at < b.at
        order by j.seq desc limit 1
    ) e on true
), use as (
    select width_bucket(u.at, $3::timestamptz[]) - 1 as nth, sum(u.charged) as used, sum(u.turns) as turns
    from (
        select h.hour as at, h.charged, h.turns
        from tokenhouse.usage_hourly h
        where $6 and h.cell = $1 and h.account = $2 and h.hour >= $4 and h.hour < $5
        union all
        select e.at, e.charge,
               case when e.kind in ('charge', 'use') then coalesce((e.facts ->> 'turns')::bigint, 1)
                    else 0 end
        from tokenhouse.entries e
        where e.cell = $1 and e.account = $2 and e.at >= $4 and e.at < $5
          and e.seq > case when $6 then coalesce((select m.seq from tokenhouse.usage_marks m
                                                  where m.cell = $1 and m.account = $2), 0) else 0 end
    ) u
    group by 1
), purchases as (
    select width_bucket(e.at, $3::timestamptz[]) - 1 as nth,
           sum(e.amount - coalesce((select sum((c.facts ->> 'asked')::bigint) from tokenhouse.entries c
                                    where c.cell = $1 and c.account = $2 and c.operation = e.operation
                                      and c.kind = 'claw_back'), 0)) as bought
    from tokenhouse.entries e
    where e.cell = $1 and e.account = $2 and e.at >= $4 and e.at < $5
      and e.kind not in ('charge', 'use', 'release', 'lapse') and e.kind = 'grant'
      and e.lots -> 0 ->> 2 = 'purchase'
    group by 1
)
select a.nth, a.seq + 1 as first_seq, b.seq as last_seq, coalesce(u.used, 0) as used,
       coalesce(u.turns, 0) as turns, coalesce(p.bought, 0) as bought, b.closing
from ends a
join ends b on b.nth = a.nth + 1
left join use u on u.nth = a.nth
left join purchases p on p.nth = a.nth
where b.seq > a.seq
order by a.nth;

-- name: find_entry_count :one
-- why: How long the list is of which a page is shown.
select count(*) from tokenhouse.entries e where e.cell = $1 and e.account = $2 and e.kind = any($3::text[]);
