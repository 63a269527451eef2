-- Search: the ways by which people find an account among a million, each by an index, each page as fast.

-- name: list_accounts_by_ref :many
-- why: A person typed how the outside name begins; the keyset makes any depth as fast as the first page.
select a.cell, a.id, a.ref, a.kind, a.parent, a.opening_plan, a.own_credit, a.name, a.email, a.locale,
       a.time_zone, a.tags, a.created_at, b.plan, b.state, p.ref as parent_ref,
       lower(a.ref) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where lower(a.ref) collate "C" >= lower($1::text) collate "C"
  and lower(a.ref) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.ref) collate "C", a.cell, a.id) > ($2::text collate "C", $3::smallint, $4::bigint)
order by lower(a.ref) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_by_email :many
-- why: The same for the e-mail address; whom the outside name found already is left out.
select a.cell, a.id, a.ref, a.kind, a.parent, a.opening_plan, a.own_credit, a.name, a.email, a.locale,
       a.time_zone, a.tags, a.created_at, b.plan, b.state, p.ref as parent_ref,
       lower(a.email) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.email <> ''
  and lower(a.email) collate "C" >= lower($1::text) collate "C"
  and lower(a.email) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.email) collate "C", a.cell, a.id) > ($2::text collate "C", $3::smallint, $4::bigint)
  and not starts_with(lower(a.ref), lower($1::text))
order by lower(a.email) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_by_name :many
-- why: The same for a person's name; whom the other two ways found already is left out.
select a.cell, a.id, a.ref, a.kind, a.parent, a.opening_plan, a.own_credit, a.name, a.email, a.locale,
       a.time_zone, a.tags, a.created_at, b.plan, b.state, p.ref as parent_ref,
       lower(a.name) collate "C" as found
from tokenhouse.accounts a
left join tokenhouse.balances b on b.cell = a.cell and b.account = a.id
left join tokenhouse.accounts p on p.cell = a.cell and p.id = a.parent
where a.name <> ''
  and lower(a.name) collate "C" >= lower($1::text) collate "C"
  and lower(a.name) collate "C" < (lower($1::text) || chr(1114111)) collate "C"
  and (lower(a.name) collate "C", a.cell, a.id) > ($2::text collate "C", $3::smallint, $4::bigint)
  and not starts_with(lower(a.ref), lower($1::text))
  and not starts_with(lower(a.email), lower($1::text))
order by lower(a.name) collate "C", a.cell, a.id
limit $5;

-- name: list_accounts_below :many
-- why: A page of the accounts directly below one; a company may have ten thousand.
select a.cell, a.id, a.ref, a.kind, a.parent, a.opening_plan, a.own_credit, a.name, a.email, a.locale,
       a.time_zone, a.tags, a.created_at, b.plan, b.state, p.ref as parent_ref
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
