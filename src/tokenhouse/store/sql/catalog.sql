-- Plans and rates: documents that are only ever followed by newer ones.

-- name: find_catalog :one
-- why: The version under which plans and rates are known.
select version from tokenhouse.catalog;

-- name: write_catalog_version :exec
-- why: The next batch of every process sees that terms have changed; the row's lock puts writers in line.
update tokenhouse.catalog set version = version + 1;

-- name: list_plans :many
-- why: The newest version of every plan.
select distinct on (name) name, version, document from tokenhouse.plans order by name, version desc;

-- name: write_plan :exec
-- why: A changed document becomes the next version; an equal one changes nothing.
insert into tokenhouse.plans (name, version, document, created_at, actor)
select $1, coalesce(max(version), 0) + 1, $2::json, now(), $3
from tokenhouse.plans
where name = $1
having coalesce((array_agg(document::jsonb order by version desc))[1] <> $2::jsonb, true);

-- name: list_rates :many
-- why: The whole dated table; the rules find the one that applies.
select version, document, listed from tokenhouse.rates order by version;

-- name: write_rate :one
-- why: A rate's version is stored with every charge that it priced.
insert into tokenhouse.rates (document, listed, created_at, actor) values ($1::json, $2, now(),
    $3) returning version;
