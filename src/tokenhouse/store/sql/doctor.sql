-- What `tokenhouse doctor` asks a server. Nothing here leaves a row behind.

-- name: find_server :one
-- why: Version, clock, durability and room for connections decide whether a server can be trusted with a
-- ledger.
select current_setting('server_version') as version, clock_timestamp() as now,
       current_setting('fsync') as fsync,
       current_setting('synchronous_commit') as synchronous_commit,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('max_connections')::int as connections_max,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       pg_database_size(current_database()) as bytes;

-- name: find_version :one
-- why: The cheapest question that only a server at work can answer, for whoever asks whether we are ready.
select current_setting('server_version') as version;

-- name: list_partitions :many
-- why: A month without a partition goes to the default one, where it can no longer be dropped by itself.
select c.relname as name
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass('tokenhouse.entries')
order by c.relname;

-- name: find_default_used :one
-- why: Entries in the default partition mean that a month was missing when they came.
select exists (select from tokenhouse.entries_default) as used;

-- name: write_probe :exec
-- why: Shows that this user may write here; the transaction around it is rolled back.
insert into tokenhouse.idempotency_keys (cell, account, key, operation, digest, at)
values (-1, 0, $1, '00000000-0000-0000-0000-000000000000', '', now());

-- name: find_probe :one
-- why: Reads back what the probe wrote.
select key from tokenhouse.idempotency_keys where cell = -1 and account = 0 and key = $1;

-- name: write_wal_mark :exec
-- why: A commit that must reach the disk and changes no table: its time is the time of every yes.
select pg_logical_emit_message(true, 'tokenhouse', 'doctor');
