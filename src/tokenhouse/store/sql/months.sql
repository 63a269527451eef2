-- Months: what one account's journal says of each; the time bounds leave out the partitions of all others.

-- name: list_months :many
-- why: Use, turns and credit bought in each month, less what was taken back of it since; and the first and last
-- entry, between which nothing is missing, for an account numbers its entries without a gap.
select m.nth, m.first_seq, m.last_seq, m.used, m.turns, m.bought,
       (select e.balance_after from tokenhouse.entries e
        where e.cell = $1 and e.account = $2 and e.seq = m.last_seq) as closing
from (
    select width_bucket(e.at, $3::timestamptz[]) - 1 as nth, min(e.seq) as first_seq, max(e.seq) as last_seq,
           coalesce(sum(e.charge), 0)::bigint as used,
           coalesce(sum(coalesce((e.facts ->> 'turns')::bigint, 1))
                    filter (where e.kind in ('charge', 'use')), 0)::bigint as turns,
           coalesce(sum(e.amount - coalesce((select sum((c.facts ->> 'asked')::bigint)
                                             from tokenhouse.entries c
                                             where c.cell = e.cell and c.account = e.account and c.operation = e.operation
                                                   and c.kind = 'claw_back'), 0))
                    filter (where e.kind = 'grant' and e.lots -> 0 ->> 2 = 'purchase'), 0)::bigint as bought
    from tokenhouse.entries e
    where e.cell = $1 and e.account = $2 and e.at >= $4 and e.at < $5
    group by 1
) m
order by m.nth;

-- name: find_entry_count :one
-- why: How long the list is of which a page is shown.
select count(*) from tokenhouse.entries e where e.cell = $1 and e.account = $2 and e.kind = any($3::text[]);
