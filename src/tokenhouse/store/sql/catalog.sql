-- Plans and rates: documents that are only ever followed by newer ones.

-- name: find_catalog :one
-- why: The version under which plans and rates are known.
select version from tokenhouse.catalog;

-- name: write_catalog_version :exec
-- why: The next batch of every process sees that terms have changed; the row's lock puts writers in line.
update tokenhouse.catalog set version = version + 1;

-- name: list_plans :many
-- why: The terms that hold, and those that are planned: no earlier ones will ever be asked for.
with at_once as (
    select distinct on (name) name, version, created_at
    from tokenhouse.plans
    where starts_at is null
    order by name, version desc
)
select p.name, p.version, p.document, p.created_at, p.actor, p.starts_at, p.withdrawn_at, p.withdrawn_by
from at_once a
join tokenhouse.plans p using (name)
where p.version = a.version or (p.starts_at > a.created_at and p.withdrawn_at is null)
order by p.name, p.version;

-- name: list_plan_versions :many
-- why: What a plan said before, and since when; a charge is explained by the terms of its day.
select version, document, created_at, actor, starts_at, withdrawn_at, withdrawn_by
from tokenhouse.plans
where name = $1
order by version desc;

-- name: write_plan :maybe
-- why: A document becomes the next version, unless it equals the version that would hold from then on anyway.
insert into tokenhouse.plans (name, version, document, created_at, actor, starts_at)
select $1, coalesce(max(version), 0) + 1, $2::json, $4, $3, $5
from tokenhouse.plans
where name = $1
having coalesce((array_agg(document::jsonb) filter (where version = $6))[1] <> $2::jsonb, true)
returning version;

-- name: write_plan_withdrawn :maybe
-- why: A version that has not started yet is called off; it stays on record.
update tokenhouse.plans set withdrawn_at = $3, withdrawn_by = $4
where name = $1 and version = $2 and starts_at > $3 and withdrawn_at is null
returning version;

-- name: list_rates :many
-- why: What the dated table has gained since a version; rates are only ever added, and in one line.
select version, document, listed from tokenhouse.rates where version > $1 order by version;

-- name: write_rate :one
-- why: A rate's version is stored with every charge that it priced.
insert into tokenhouse.rates (document, listed, created_at, actor) values ($1::json, $2, now(),
    $3) returning version;

-- name: lock_catalog :one
-- why: Who adds many rates compares them with what there is, and nobody may add meanwhile.
select version from tokenhouse.catalog for update;

-- name: write_rates :many
-- why: A price list of thousands comes in one statement; versions rise in the list's order.
insert into tokenhouse.rates (document, listed, created_at, actor)
select document::json, $2, now(), $3
from unnest($1::text[]) with ordinality as line (document, nth)
order by nth
returning version;

-- name: write_held :exec
-- why: A suspicious price waits for a person.
insert into tokenhouse.rates_held (document, listed, created_at, actor)
select document::json, $2, now(), $3 from unnest($1::text[]) with ordinality as line (document, nth)
order by nth;

-- name: list_held :many
-- why: What waits for a decision, and what was decided, so that it is not asked again.
select id, document, listed, created_at, actor, decided_at, decided_by, rate
from tokenhouse.rates_held order by id;

-- name: lock_held :maybe
-- why: Two operators decide one after the other.
select document, listed, decided_at from tokenhouse.rates_held where id = $1 for update;

-- name: write_decision :exec
-- why: Who decided, and the rate that an accepted price became.
update tokenhouse.rates_held set decided_at = now(), decided_by = $2, rate = $3 where id = $1;
