-- Standings: what an operator's page of accounts shows of each, and how it picks some out.

-- name: list_places_out_of_use :many
-- why: Accounts that are suspended or closed are few; their index holds nobody else.
select b.cell, b.account
from tokenhouse.balances b
where b.state <> 'active' and b.state = $1 and (b.cell, b.account) > ($2::smallint, $3::bigint)
  and ($4::text = '' or b.plan = $4)
order by b.cell, b.account
limit $5;

-- name: list_places_among :many
-- why: Of the next so many accounts those that match. An index of plans would be paid for by every call; so a
-- page looks at a stretch and no more, and says where the next one begins: in its last row, matching or not.
with stretch as materialized (
    select b.cell, b.account, b.plan, b.state
    from tokenhouse.balances b
    where (b.cell, b.account) > ($2::smallint, $3::bigint)
    order by b.cell, b.account
    limit $5
), last as (select s.cell, s.account from stretch s order by s.cell desc, s.account desc limit 1)
select s.cell, s.account, ($1::text = '' or s.state = $1) and ($4::text = '' or s.plan = $4) as matches,
       (select count(*) from stretch) as looked_at
from stretch s
where ($1 = '' or s.state = $1) and ($4 = '' or s.plan = $4)
   or (s.cell, s.account) = (select l.cell, l.account from last l)
order by s.cell, s.account
limit $6;

-- name: list_profiles :many
-- why: Who these accounts are, in the order asked for.
select {account}
from unnest($1::smallint[], $2::bigint[]) with ordinality as u (cell, account, nth)
join tokenhouse.accounts a on a.cell = u.cell and a.id = u.account
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
order by u.nth;

-- name: sum_chats :maybe
-- why: How much one account has chatted, over all its conversations, those from elsewhere among them.
select count(*) as sessions, count(*) filter (where s.archived_at is not null) as archived,
       coalesce(sum(s.turns), 0)::bigint as turns, coalesce(sum(s.tokens), 0)::bigint as tokens,
       coalesce(sum(s.charged), 0)::bigint as charged, max(coalesce(s.updated_at, s.created_at)) as last_at
from tokenhouse.chat_sessions s
where s.cell = $1 and s.account = $2;

-- name: list_people_of :many
-- why: Who signs in for one account.
select {person}
from tokenhouse.people p where ref = $1 and ref <> '' and email > $2 order by email limit $3;
