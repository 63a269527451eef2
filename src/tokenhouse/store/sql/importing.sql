-- Importing: lines wait in a table until all are known to be sound, then become accounts or chat
-- sessions at once.

-- name: write_import_twice_dropped :many
-- why: What stands twice in a file is a mistake that only its author can mend: the first stays. Chat sessions
-- count by account.
with twice as (
    select l.ref, case when $2 then l.parent else '' end as above
    from tokenhouse.import_lines l
    where l.job = $1
    group by 1, 2
    having count(*) > 1
), placed as (
    select l.nth, row_number() over same as time, first_value(l.line) over same as first
    from twice t
    join tokenhouse.import_lines l
        on l.job = $1 and l.ref = t.ref and case when $2 then l.parent else '' end = t.above
    window same as (partition by t.ref, t.above order by l.nth)
), dropped as (
    delete from tokenhouse.import_lines l using placed p
    where l.job = $1 and l.nth = p.nth and p.time > 1
    returning l.nth, l.line, l.ref, p.first
)
select d.line, d.ref, d.first, count(*) over () as dropped from dropped d order by d.nth limit $3;

-- name: write_import_orphans_dropped :many
-- why: A line that names an account which neither the file nor the database knows cannot be placed; nor can,
-- when it is gone, what lies below it.
with dropped as (
    delete from tokenhouse.import_lines l
    where l.job = $1 and l.parent <> ''
      and not exists (select 1 from tokenhouse.directory d where d.ref = l.parent)
      and not ($2 and exists (
          select 1 from tokenhouse.import_lines p where p.job = l.job and p.ref = l.parent))
    returning l.nth, l.line, l.parent
)
select d.line, d.parent as ref, d.line as first, count(*) over () as dropped
from dropped d order by d.nth limit $3;

-- name: write_import_paths_below_known :exec
-- why: The lines below an account that the database knows take its way up.
update tokenhouse.import_lines l
set path = l.account || d.path
from tokenhouse.directory d
where l.job = $1 and l.path is null and d.ref = l.parent;

-- name: write_import_paths_below :many
-- why: The next level of the tree: lines whose parent in the file has its way up by now.
update tokenhouse.import_lines l
set path = l.account || p.path
from tokenhouse.import_lines p
where l.job = $1 and l.path is null and p.job = $1 and p.ref = l.parent and p.path is not null
returning cardinality(l.path) as depth;

-- name: write_import_unplaced_dropped :many
-- why: A line that no level reached is part of a circle, or below one.
with dropped as (
    delete from tokenhouse.import_lines l where l.job = $1 and l.path is null
    returning l.nth, l.line, l.parent
)
select d.line, d.parent as ref, d.line as first, count(*) over () as dropped
from dropped d order by d.nth limit $2;

-- name: write_import_too_deep_dropped :many
-- why: A way up has a limit, for each account on it is locked with every call.
with dropped as (
    delete from tokenhouse.import_lines l where l.job = $1 and cardinality(l.path) > $2
    returning l.nth, l.line, l.parent
)
select d.line, d.parent as ref, d.line as first, count(*) over () as dropped
from dropped d order by d.nth limit $3;

-- name: write_import_pasts_dropped :exec
-- why: Lines whose past no plan would have allowed.
delete from tokenhouse.import_lines l where l.job = $1 and l.nth = any($2::bigint[]);

-- name: sum_import :one
-- why: What is new of the lines, what lacks its balance, and what the file says otherwise than what is there.
select count(*) filter (where d.ref is null) as fresh,
       count(*) filter (where d.ref is not null and not exists (
           select 1 from tokenhouse.balances b where b.cell = d.cell and b.account = d.account)) as waiting,
       count(*) filter (where d.ref is not null and (
           (p.name <> '' and p.name <> a.name) or (p.email <> '' and p.email <> a.email)
           or (p.locale <> '' and p.locale <> a.locale) or (p.time_zone <> '' and p.time_zone <> a.time_zone)
           or p.kind <> a.kind)) as differing
from tokenhouse.import_lines l
left join tokenhouse.directory d on d.ref = l.ref
left join tokenhouse.accounts a on a.cell = d.cell and a.id = d.account
cross join lateral json_to_record(l.document) as p (kind text, name text, email text, locale text,
                                                   time_zone text)
where l.job = $1;

-- name: write_import_directory :one
-- why: The accounts of the file come to be; one that is there already stays as it is.
with made as (
    insert into tokenhouse.directory (ref, cell, account, path)
    select l.ref, (l.path[cardinality(l.path)] % $2)::smallint, l.account, l.path
    from tokenhouse.import_lines l
    where l.job = $1
    order by l.nth
    on conflict (ref) do nothing
    returning 1
)
select count(*) from made;

-- name: write_import_accounts :exec
-- why: The profiles of those that came to be.
insert into tokenhouse.accounts (cell, id, ref, kind, parent, opening_plan, own_credit, name, email, locale,
                                 time_zone,
                                 tags, created_at)
select d.cell, d.account, d.ref, p.kind, d.path[2], p.plan, p.own_credit, p.name, p.email, p.locale,
       p.time_zone, p.tags, p.created_at
from tokenhouse.import_lines l
join tokenhouse.directory d on d.ref = l.ref and d.account = l.account
cross join lateral json_to_record(l.document) as p (
    kind text, plan text, own_credit boolean, name text, email text, locale text, time_zone text, tags json,
    created_at timestamptz)
where l.job = $1;

-- name: list_import_moves :many
-- why: What the file says of the past of accounts that have no balance yet, be it nothing where everyone is
-- to get one; an account that has one keeps it. Before the accounts are written, they are what they will be.
select l.nth, l.line, l.ref, coalesce(l.moves, '[]'::json) as moves,
       coalesce(d.cell, (l.path[cardinality(l.path)] % $5)::smallint) as cell,
       coalesce(d.account, l.account) as account,
       case when a.id is null then p.plan else a.opening_plan end as plan,
       coalesce(a.own_credit, p.own_credit) as own_credit, coalesce(a.time_zone, p.time_zone) as zone
from tokenhouse.import_lines l
left join tokenhouse.directory d on d.ref = l.ref
left join tokenhouse.accounts a on a.cell = d.cell and a.id = d.account
cross join lateral json_to_record(l.document) as p (plan text, own_credit boolean, time_zone text)
where l.job = $1 and l.nth > $2 and ($4 or l.moves is not null)
  and not exists (select 1 from tokenhouse.balances b where b.cell = d.cell and b.account = d.account)
order by l.nth
limit $3;

-- name: write_import_orders :exec
-- why: Credit that was bought elsewhere has its completed order, which `verify` holds it against.
insert into tokenhouse.orders (cell, id, account, type, state, credit, method, note, created_at, ended_at)
select u.cell, u.id, u.account, 'purchase', 'completed', u.credit, 'import', u.note, $6, $6
from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[]) as u (cell, id, account,
            credit, note);

-- name: write_import_sessions :one
-- why: The chat sessions of the file, with their accounts; one that is there already stays as it is.
with made as (
    insert into tokenhouse.chat_sessions (cell, account, id, title, tokens, turns, created_at)
    select d.cell, d.account, l.ref, s.title, s.tokens, s.turns, s.created_at
    from tokenhouse.import_lines l
    join tokenhouse.directory d on d.ref = l.parent
    cross join lateral json_to_record(l.document) as s (
        title text, tokens bigint, turns bigint, created_at timestamptz)
    where l.job = $1
    on conflict (cell, account, id) do nothing
    returning 1
)
select count(*) from made;

-- name: write_import_lines_dropped :exec
-- why: The lines have done their work.
delete from tokenhouse.import_lines where job = $1;
