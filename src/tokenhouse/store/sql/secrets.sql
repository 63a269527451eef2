-- Keys of the deployment's own signatures.

-- name: write_secret :exec
-- why: Whoever needs a key first makes it; of two at the same time the first one's stays.
insert into tokenhouse.secrets (name, value) values ($1, $2) on conflict (name) do nothing;

-- name: find_secret :maybe
-- why: The key that every node signs with.
select value from tokenhouse.secrets where name = $1;
