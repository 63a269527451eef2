-- Accounts: who they are, where they are, and how they come to be.

-- columns: account
a.cell, a.id, a.ref, a.kind, a.parent, a.opening_plan, a.own_credit, a.name, a.email, a.locale, a.time_zone,
a.tags, a.created_at, b.plan, b.state, p.ref as parent_ref;

-- name: find_address :maybe
-- why: The way from an outside name to the rows that it means; immutable, so it is asked once a process.
select cell, account, path from tokenhouse.directory where ref = $1;

-- name: write_account_ids :many
-- why: Ids are drawn before the rows are written, for the cell follows from the root's id.
select nextval('tokenhouse.account_ids') as id from generate_series(1, $1::integer);

-- name: write_addresses :many
-- why: The first to name an account makes it; everybody else finds it there.
insert into tokenhouse.directory (ref, cell, account, path)
select u.ref, u.cell, u.account, case when u.above = '' then array[u.account]
                                      else u.account || string_to_array(u.above, ',')::bigint[] end
from unnest($1::text[], $2::smallint[], $3::bigint[], $4::text[]) as u (ref, cell, account, above)
on conflict (ref) do nothing
returning ref, cell, account, path;

-- name: write_accounts :exec
-- why: The profiles of new accounts, in the transaction that names them.
insert into tokenhouse.accounts (cell, id, ref, kind, parent, opening_plan, own_credit, name, email, locale,
    time_zone, tags, created_at)
select * from unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                     $7::boolean[], $8::text[], $9::text[], $10::text[], $11::text[], $12::json[],
                     $13::timestamptz[]);

-- name: find_account :maybe
-- why: One account with its terms, for a person.
select {account}
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.cell = $1 and a.id = $2;

-- name: list_accounts :many
-- why: A page of accounts in order of their id, by cell: the keyset makes any depth as fast as the first
-- page.
select {account}
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where (a.cell, a.id) > ($1::smallint, $2::bigint)
order by a.cell, a.id
limit $3;

-- name: list_children :many
-- why: The accounts directly below one; a tree lies in one cell.
select a.ref from tokenhouse.accounts a where a.cell = $1 and a.parent = $2 order by a.id;

-- name: find_balance :maybe
-- why: One account's row for a reader, without a lock.
select {balance},
       (select c.version from tokenhouse.catalog c) as catalog
from tokenhouse.balances b
where b.cell = $1 and b.account = $2;

-- name: list_entries :many
-- why: A page of one account's journal, newest first; the keyset makes any depth as fast as the first page.
select {entry}
from tokenhouse.entries e
where cell = $1 and account = $2 and seq < $3 and (cardinality($4::text[]) = 0 or kind = any($4::text[]))
order by seq desc
limit $5;

-- name: list_lapsing :many
-- why: Accounts with a reservation whose time is over, so that what it holds comes back though nobody calls.
select cell, account from tokenhouse.balances
where cell = $1 and lapses_at <= $2
order by account
limit $3;

-- name: list_due :many
-- why: Idle accounts whose period has ended or whose lots have expired, so that they show the same as busy
-- ones.
select cell, account from tokenhouse.balances
where cell = $1 and account > $2 and due_at <= $3
order by account
limit $4;

-- name: list_paths :many
-- why: The way up of accounts known by id, for the sweeps.
select d.account, d.path
from tokenhouse.accounts a
join tokenhouse.directory d on d.ref = a.ref
where a.cell = $1 and a.id = any($2::bigint[]);

-- name: list_refs :many
-- why: The outside names of accounts known by id, for messages and reports.
select a.id, a.ref from tokenhouse.accounts a
where (a.cell, a.id) in (select * from unnest($1::smallint[], $2::bigint[]));

-- name: write_month :exec
-- why: The journal's partition of a month is there before its first entry.
select tokenhouse.add_month($1);

-- name: write_keys_pruned :exec
-- why: Idempotency keys are kept for a stated time, not for ever.
delete from tokenhouse.idempotency_keys where at < $1;
