-- Importing: lines wait in a table until all are known to be sound, then become accounts or chat
-- sessions at once.

-- name: find_import_twice :maybe
-- why: What stands twice in a file is a mistake that only its author can mend; chat sessions count by
-- account.
select l.ref, min(l.line) as first, (array_agg(l.line order by l.nth))[2] as second, min(l.nth) as nth
from tokenhouse.import_lines l
where l.job = $1
group by l.ref, case when $2 then l.parent else '' end
having count(*) > 1
order by nth
limit 1;

-- name: find_import_orphan :maybe
-- why: A line that names an account which neither the file nor the database knows cannot be placed.
select l.line, l.parent from tokenhouse.import_lines l
where l.job = $1 and l.parent <> ''
  and not exists (select 1 from tokenhouse.directory d where d.ref = l.parent)
  and not ($2 and exists (select 1 from tokenhouse.import_lines p where p.job = l.job and p.ref = l.parent))
order by l.nth
limit 1;

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

-- name: find_import_unplaced :maybe
-- why: A line that no level reached is part of a circle.
select l.line, l.parent from tokenhouse.import_lines l
where l.job = $1 and l.path is null
order by l.nth
limit 1;

-- name: find_import_too_deep :maybe
-- why: A way up has a limit, for each account on it is locked with every call.
select l.line, l.parent from tokenhouse.import_lines l
where l.job = $1 and cardinality(l.path) > $2
order by l.nth
limit 1;

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
-- why: What the file says of the past of accounts that have no balance yet; an account that has one
-- keeps it.
select l.nth, l.line, l.ref, l.moves, d.cell, d.account, a.opening_plan, a.own_credit, a.time_zone
from tokenhouse.import_lines l
join tokenhouse.directory d on d.ref = l.ref
join tokenhouse.accounts a on a.cell = d.cell and a.id = d.account
where l.job = $1 and l.nth > $2 and l.moves is not null
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
