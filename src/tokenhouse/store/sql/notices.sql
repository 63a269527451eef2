-- Notices: who is near an end, what they have been told, and when they read it.

-- columns: notice
n.cell, n.account, n.id, n.kind, n.subject, n.level, n.percent, n.at, n.read_at, n.facts, a.ref;

-- name: list_near_level :many
-- why: Hourly, a page of one cell's accounts that may have reached a level: a generous look that the rules
-- then decide exactly. `least` is the lowest level of each plan. A row whose period is over has used nothing
-- in the new one, so it is near a level only if it owes; one whose lot has ended has less than its row says.
select {balance},
       a.ref, a.email, a.locale, a.time_zone, s.levels, coalesce(s.by_email, true) as by_email
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
left join unnest($4::text[], $5::integer[]) as p (plan, least) on p.plan = b.plan
left join tokenhouse.notice_settings s on s.cell = b.cell and s.account = b.account
where b.cell = $1 and b.account > $2 and b.own_credit and b.state = 'active'
  and case when b.period_end_at <= $3 then b.debt > 0
           when b.due_at <= $3 then b.used > 0
           else b.used > 0 and b.used::float8 * 10000.001
                >= (b.used::float8 + b."left" - b.debt)
                 * coalesce((select min(l) from unnest(s.levels) l), p.least, 1000001) end
order by b.account
limit $6;

-- name: list_expiring :many
-- why: Hourly, a page of one cell's accounts with credit that will soon end and is not their allowance. A
-- lot's columns in its JSON are id, left, amount, source, priority, end.
select {balance},
       a.ref, a.email, a.locale, a.time_zone, s.levels, coalesce(s.by_email, true) as by_email
from tokenhouse.balances b
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
left join tokenhouse.notice_settings s on s.cell = b.cell and s.account = b.account
where b.cell = $1 and b.account > $2 and b.own_credit and b.state = 'active' and b.due_at <= $4
  and exists (select from json_array_elements(b.lots) l
              where (l ->> 5)::bigint > $3 and (l ->> 5)::bigint <= $4
                and l ->> 3 <> 'allowance' and (l ->> 1)::bigint > 0)
order by b.account
limit $5;

-- name: list_addressees :many
-- why: Accounts that have just crossed a level, or to which something has happened, as they are told of it.
select {balance},
       a.ref, a.email, a.locale, a.time_zone, s.levels, coalesce(s.by_email, true) as by_email
from unnest($1::smallint[], $2::bigint[]) as u (cell, account)
join tokenhouse.balances b on b.cell = u.cell and b.account = u.account
join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
left join tokenhouse.notice_settings s on s.cell = b.cell and s.account = b.account
order by b.cell, b.account;

-- name: list_purchases_untold :many
-- why: Hourly, what was bought of late and its account not told of, for a process may have died in between.
-- The order's id is that of its grant, and so the notice's subject.
select o.cell, o.account, o.id, o.credit
from tokenhouse.orders o
where o.state = 'completed' and o.type = 'purchase' and o.provider <> 'coupon' and o.credit > 0
  and o.ended_at >= $1
  and not exists (
      select from tokenhouse.notices n
      where n.cell = o.cell and n.account = o.account and n.kind = 'bought'
        and n.subject = replace(o.id::text, '-', '') and n.round = 0)
order by o.cell, o.account
limit $2;

-- name: write_notices_of_levels :many
-- why: A level is told once: the mark of an account's level moves on in one guarded step, so that of any
-- number of nodes one gets it back, and the notice is written with it. A level is also left unsaid for a day
-- after a higher one was told. Rows come in the order of the key, lest two nodes wait in a ring.
with asked as (
    select * from unnest($1::smallint[], $2::bigint[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[],
                         $7::bigint[], $8::json[])
           with ordinality as u (cell, account, id, share, round, level, percent, facts, nth)
), told as (
    insert into tokenhouse.notice_marks as m (cell, account, share, round, at)
    select u.cell, u.account, u.share, u.round, $9::timestamptz from asked u
    where not exists (
        select from tokenhouse.notice_marks k
        where k.cell = u.cell and k.account = u.account
          and ((k.share = u.share and k.round = u.round)
               or (k.share >= u.share and k.at > $9::timestamptz - interval '24 hours')))
    order by u.nth
    on conflict (cell, account, share) do update set round = excluded.round, at = excluded.at
    where m.round <> excluded.round and m.at <= excluded.at - interval '24 hours'
    returning m.cell, m.account, m.share
)
insert into tokenhouse.notices (cell, account, id, kind, subject, round, level, percent, at, facts)
select u.cell, u.account, u.id, 'level', u.share::text, u.round, u.level, u.percent, $9::timestamptz, u.facts
from asked u
join told t on t.cell = u.cell and t.account = u.account and t.share = u.share
on conflict (cell, account, kind, subject, round) do nothing
returning cell, account, id;

-- name: write_notices_of_events :many
-- why: What has happened to an account is told once, by what it is about, however often it is said to us.
insert into tokenhouse.notices (cell, account, id, kind, subject, at, facts)
select u.cell, u.account, u.id, u.kind, u.subject, $7::timestamptz, u.facts
from unnest($1::smallint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::json[])
     as u (cell, account, id, kind, subject, facts)
on conflict (cell, account, kind, subject, round) do nothing
returning cell, account, id;

-- name: list_notices_of_account :many
-- why: A page of one account's notices, newest first; ids tell the time, so the key is the order.
select {notice}
from tokenhouse.notices n
join tokenhouse.accounts a on a.cell = n.cell and a.id = n.account
where n.cell = $1 and n.account = $2 and ($3::uuid is null or n.id < $3) and (not $4 or n.read_at is null)
order by n.id desc
limit $5;

-- name: list_notices :many
-- why: A page of everybody's notices, newest first, for the operator.
select {notice}
from tokenhouse.notices n
join tokenhouse.accounts a on a.cell = n.cell and a.id = n.account
where ($1::uuid is null or n.id < $1) and ($2 = '' or n.kind = $2)
order by n.id desc
limit $3;

-- name: sum_notices :one
-- why: What the bell shows; the unread ones have an index of their own.
select (select count(*) from tokenhouse.notices n where n.cell = $1 and n.account = $2) as total,
       (select count(*) from tokenhouse.notices n
        where n.cell = $1 and n.account = $2 and n.read_at is null) as unread;

-- name: write_notice_read :maybe
-- why: The first time that a notice was read stands.
update tokenhouse.notices n set read_at = coalesce(n.read_at, $4)
from tokenhouse.accounts a
where n.cell = $1 and n.account = $2 and n.id = $3 and a.cell = n.cell and a.id = n.account
returning {notice};

-- name: write_notices_read :exec
-- why: All of an account's notices at once, as the bell's one button has it.
update tokenhouse.notices set read_at = $3 where cell = $1 and account = $2 and read_at is null;

-- name: find_notice_settings :one
-- why: How one account wants to be told, for its page of settings.
select a.email, a.locale, a.time_zone, s.levels, coalesce(s.by_email, true) as by_email
from tokenhouse.accounts a
left join tokenhouse.notice_settings s on s.cell = a.cell and s.account = a.id
where a.cell = $1 and a.id = $2;

-- name: write_notice_settings :exec
-- why: The levels and the channel of one account.
insert into tokenhouse.notice_settings (cell, account, levels, by_email) values ($1, $2, $3, $4)
on conflict (cell, account) do update set levels = excluded.levels, by_email = excluded.by_email;

-- name: write_contact :exec
-- why: Where and in which language and zone one account's person is told. The zone of its periods stays what
-- it was when it was opened.
update tokenhouse.accounts set email = $3, locale = $4, time_zone = $5 where cell = $1 and id = $2;

-- name: list_own_levels :many
-- why: Which accounts have levels of their own, so that these too are told at the moment.
select s.account, s.levels from tokenhouse.notice_settings s where s.levels is not null limit $1;

-- name: write_notices_pruned :exec
-- why: Notices that were read are kept for a stated time, not for ever; deliveries that ended go with age.
delete from tokenhouse.notices where read_at < $1;
