-- API keys: made once, shown never again, revoked for good.

-- name: write_key :maybe
-- why: A new key, unless its account has as many as it may; those that are revoked do not count.
insert into tokenhouse.keys (id, prefix, digest, cell, account, ref, name, models, created_at, created_by,
    expires_at, role)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13
where (select count(*) from tokenhouse.keys where cell = $4::smallint and account = $5::bigint
       and revoked_at is null) < $12::bigint
returning id;

-- name: list_keys_by_prefix :many
-- why: Who comes with a secret is one of the few, nearly always the one, whose visible part is the same.
select id, prefix, digest, ref, name, models, created_at, created_by, expires_at, revoked_at, revoked_by,
       last_used_at, role
from tokenhouse.keys where prefix = $1;

-- name: list_keys_of_account :many
-- why: An account's keys, newest first, for its owner; the digest stays where it is.
select id, prefix, ref, name, models, created_at, created_by, expires_at, revoked_at, revoked_by,
       last_used_at, role
from tokenhouse.keys where cell = $1 and account = $2
order by created_at desc, id desc
limit $3;

-- name: write_key_revoked :maybe
-- why: A key ends for good; revoked again, it keeps the first time and who it was.
update tokenhouse.keys
set revoked_by = case when revoked_at is null then $3 else revoked_by end,
    revoked_at = coalesce(revoked_at, $2)
where id = $1
returning id, prefix, ref, name, models, created_at, created_by, expires_at, revoked_at, revoked_by,
          last_used_at, role;

-- name: write_keys_used :exec
-- why: When keys were last used: many at once, now and then, and never back in time.
update tokenhouse.keys k set last_used_at = greatest(k.last_used_at, u.at)
from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
where k.id = u.id;
