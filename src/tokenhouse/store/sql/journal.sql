-- The journal as people leaf through it: of one account, filtered; of one operation; of everybody, by time.

-- name: list_entries_filtered :many
-- why: A page of an account's lines that match, newest first. Only so many lines are looked at, however few
-- match, so that no filter makes a page slow.
select {entry}
from (
    select * from tokenhouse.entries j
    where j.cell = $1 and j.account = $2 and j.seq < $3 and j.seq >= $4
    order by j.seq desc
    limit $10
) e
where (cardinality($5::text[]) = 0 or e.kind = any($5::text[]))
  and ($6 = '' or e.model = $6)
  and ($7::text = '' or e.actor in ('key:' || $7::text, 'key ' || $7::text))
  and e.at >= $8 and e.at < $9
order by e.seq desc
limit $11;

-- name: list_entries_of_credit :many
-- why: A page of an account's lines that are no calls, which have an index of their own: however many calls
-- lie between them.
select {entry}
from tokenhouse.entries e
where cell = $1 and account = $2 and seq < $3 and seq >= $4
  and kind not in ('charge', 'use', 'release', 'lapse')
  and kind = any($5::text[]) and at >= $6 and at < $7
order by seq desc
limit $8;

-- name: find_entry_after :maybe
-- why: Where a page that ended early goes on: the last line that was looked at, if there may be more.
select seq from tokenhouse.entries
where cell = $1 and account = $2 and seq < $3 and seq >= $4
order by seq desc
offset $5 limit 1;

-- name: find_entry_since :one
-- why: The first line of an account from a moment on, by halving: lines and their times only grow, so twenty
-- looks find it among a million.
with recursive halving (low, high) as (
    select 0::bigint, $3::bigint
    union all
    select case when e.at >= $4 or e.at is null then low else (low + high) / 2 end,
           case when e.at >= $4 or e.at is null then (low + high) / 2 else high end
    from halving
    left join lateral (
        select j.at from tokenhouse.entries j
        where j.cell = $1 and j.account = $2 and j.seq >= (low + high) / 2
        order by j.seq limit 1
    ) e on true
    where high - low > 1
)
select min(high) as seq from halving;

-- name: find_last_entry :maybe
-- why: How many lines an account has had.
select seq from tokenhouse.entries where cell = $1 and account = $2 order by seq desc limit 1;

-- name: find_entry :maybe
-- why: One line, to be explained.
select {entry}
from tokenhouse.entries e where cell = $1 and account = $2 and seq = $3;

-- name: list_entries_of_operation :many
-- why: What else an operation did to an account: a charge and its refunds, a grant and what was taken back.
-- The fence `offset 0` keeps it from going through the whole account instead.
select {entry}
from (select * from tokenhouse.entries j where j.cell = $1 and j.operation = $2 offset 0) e
where account = $3
order by seq
limit $4;

-- name: find_payer_entry :maybe
-- why: Who paid for a call, and by which plan it is explained to all others on its way up: of an operation's
-- entries of one moment exactly one is a charge. The fence as above.
select {entry}, b.plan
from (select * from tokenhouse.entries j where j.cell = $1 and j.operation = $2 and j.at = $3 offset 0) e
join tokenhouse.balances b on b.cell = e.cell and b.account = e.account
where e.kind = 'charge';

-- name: list_entries_of_lots :many
-- why: The lines that made an account's lots: the id of a lot is the number of its line.
select {entry}
from tokenhouse.entries e where cell = $1 and account = $2 and seq = any($3::bigint[]);

-- name: list_entries_by_time :many
-- why: What happened last, to whomever; a summary of the pages finds a short span of time, and the caller
-- widens the span until it holds a page.
select {entry}, a.ref
from tokenhouse.entries e
cross join lateral (
    select * from tokenhouse.accounts o where o.cell = e.cell and o.id = e.account offset 0
) a
where e.at >= $1 and e.at <= $2
  and (e.at, e.cell, e.account, e.seq) < ($2, $3::smallint, $4::bigint, $5::bigint)
order by e.at desc, e.cell desc, e.account desc, e.seq desc
limit $6;
