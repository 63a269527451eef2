-- Search: the ways by which people find an account among a million, each page as fast as the first.

-- name: list_accounts_by_ref :many
-- why: A person typed how the outside name begins; the keyset makes any depth as fast as the first page. It
-- has the lower bound in it, for of two lower bounds the index takes one to begin with, and not the better.
select {account},
       lower(a.ref) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where lower(a.ref) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.ref) collate "C", a.cell, a.id)
      > (greatest($2::text collate "C", lower($1::text) collate "C"), $3::smallint, $4::bigint)
order by lower(a.ref) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_by_email :many
-- why: The same for the e-mail address; whom the outside name found already is left out.
select {account},
       lower(a.email) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.email <> ''
  and lower(a.email) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.email) collate "C", a.cell, a.id)
      > (greatest($2::text collate "C", lower($1::text) collate "C"), $3::smallint, $4::bigint)
  and not starts_with(lower(a.ref), lower($1::text))
order by lower(a.email) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_by_name :many
-- why: The same for a person's name; whom the other two ways found already is left out.
select {account},
       lower(a.name) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.name <> ''
  and lower(a.name) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.name) collate "C", a.cell, a.id)
      > (greatest($2::text collate "C", lower($1::text) collate "C"), $3::smallint, $4::bigint)
  and not starts_with(lower(a.ref), lower($1::text))
  and not starts_with(lower(a.email), lower($1::text))
order by lower(a.name) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_within :many
-- why: Whoever contains the text and does not begin with it, among the next so many accounts: a text that
-- many contain has filled its page before these come to an end.
with stretch as materialized (
    select a.cell, a.id, a.ref, a.email, a.name, lower(a.ref) collate "C" as found
    from tokenhouse.accounts a
    where (lower(a.ref) collate "C", a.cell, a.id) > ($2::text collate "C", $3::smallint, $4::bigint)
    order by lower(a.ref) collate "C", a.cell, a.id
    limit $6
), found as materialized (
    select s.cell, s.id, s.found
    from stretch s
    where strpos(lower(s.ref || chr(10) || s.email || chr(10) || s.name), lower($1::text)) > 0
      and not starts_with(lower(s.ref), lower($1::text))
      and not starts_with(lower(s.email), lower($1::text))
      and not starts_with(lower(s.name), lower($1::text))
    order by s.found, s.cell, s.id
    limit $5
)
select {account}, f.found
from found f
cross join lateral (select * from tokenhouse.accounts o where o.cell = f.cell and o.id = f.id offset 0) a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
order by f.found, f.cell, f.id;

-- name: list_accounts_by_part :many
-- why: The same among all accounts that follow, by the index over pairs of letters: for a text that few
-- contain. The fence keeps the planner from a walk through all of them that it hopes will soon be over.
with found as materialized (
    select a.cell, a.id, lower(a.ref) collate "C" as found
    from tokenhouse.accounts a
    where tokenhouse.pairs(a.ref || chr(10) || a.email || chr(10) || a.name) @> tokenhouse.pairs($1::text)
      and (lower(a.ref) collate "C", a.cell, a.id) > ($2::text collate "C", $3::smallint, $4::bigint)
      and strpos(lower(a.ref || chr(10) || a.email || chr(10) || a.name), lower($1::text)) > 0
      and not starts_with(lower(a.ref), lower($1::text))
      and not starts_with(lower(a.email), lower($1::text))
      and not starts_with(lower(a.name), lower($1::text))
)
select {account}, f.found
from (select o.cell, o.id, o.found from found o order by o.found, o.cell, o.id limit $5) f
cross join lateral (select * from tokenhouse.accounts o where o.cell = f.cell and o.id = f.id offset 0) a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
order by f.found, f.cell, f.id;

-- name: list_accounts_below :many
-- why: A page of the accounts directly below one; a company may have ten thousand.
select {account}
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.cell = $1 and a.parent = $2 and a.id > $3
order by a.id
limit $4;

-- name: write_profile :exec
-- why: Who an account is may be corrected; null leaves a column as it is.
update tokenhouse.accounts a
set name = coalesce($3, a.name), email = coalesce($4, a.email), locale = coalesce($5, a.locale),
    tags = coalesce($6::json, a.tags)
where a.cell = $1 and a.id = $2;
