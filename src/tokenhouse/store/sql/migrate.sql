-- What migrations need to know about themselves. They run before any table exists.

-- name: lock_migrations :exec
-- why: Nodes that start at once apply each migration once; the lock ends with its transaction, so it holds
-- behind a pooler too.
select pg_advisory_xact_lock($1);

-- name: write_lock_timeout :exec
-- why: A migration gives up before it stops the calls that queue behind it; the setting ends with its
-- transaction.
select set_config('lock_timeout', $1, true);

-- name: find_schema_versions_table :one
-- why: A database that was never migrated has no record to read, which is no error.
select to_regclass('tokenhouse.schema_versions') is not null as exists;

-- name: write_schema :exec
-- why: The record of migrations needs its schema before the first migration runs.
create schema if not exists tokenhouse;

-- name: write_schema_versions_table :exec
-- why: What was applied, with its checksum, so that a later change of a file is noticed.
create table if not exists tokenhouse.schema_versions (
    version integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
);

-- name: list_schema_versions :many
-- why: Tells what is left to do, what was changed, and whether a newer release has been here.
select version, name, sha256, applied_at from tokenhouse.schema_versions order by version;

-- name: write_schema_version :exec
-- why: Recorded in the transaction of the migration itself: both happen or neither.
insert into tokenhouse.schema_versions (version, name, sha256) values ($1, $2, $3);
