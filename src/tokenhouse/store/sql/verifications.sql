-- Verifications on demand: one at a time in a deployment, whichever node it runs on.

-- name: write_verifications_lost :exec
-- why: A node that died in the middle of one has not been heard of since; nobody waits for it.
update tokenhouse.verifications set state = 'lost', ended_at = $1
where state = 'running' and seen_at < $2;

-- name: write_verification :maybe
-- why: A new one begins, unless one is under way: the index lets no second one in.
insert into tokenhouse.verifications (id, account, cell, state, started_at, started_by, seen_at,
    entries_total)
values ($1, $2, $3, 'running', $4, $5, $4, $6)
on conflict do nothing
returning id;

-- name: write_verification_progress :maybe
-- why: How far it is, and that its node lives; nothing comes back for one that was given up for lost.
update tokenhouse.verifications set seen_at = $2, entries_read = $3
where id = $1 and state = 'running'
returning id;

-- name: write_verification_ended :exec
-- why: What it found.
update tokenhouse.verifications
set state = $2, ended_at = $3, seen_at = $3, entries_read = coalesce($4::bigint, entries_read),
    verdict = $5::json
where id = $1 and state = 'running';

-- name: find_verification :maybe
-- why: One, for whoever asks how far it is.
select id, account, cell, state, started_at, started_by, seen_at, ended_at, entries_total, entries_read,
       verdict
from tokenhouse.verifications where id = $1;

-- name: list_verifications :many
-- why: The latest, newest first; that one under way shows after a page is loaded again.
select id, account, cell, state, started_at, started_by, seen_at, ended_at, entries_total, entries_read,
       verdict
from tokenhouse.verifications where (started_at, id) < ($1, $2::uuid)
order by started_at desc, id desc
limit $3;
