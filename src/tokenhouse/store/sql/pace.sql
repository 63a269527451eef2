-- Pace: calls of the last minutes, added up by ten seconds over all nodes.

-- name: write_pace :exec
-- why: Each process adds what it counted since it last did.
insert into tokenhouse.calls_recent as c (slot, allowed, refused)
select u.slot, u.allowed, u.refused
from unnest($1::timestamptz[], $2::bigint[], $3::bigint[]) as u (slot, allowed, refused)
order by u.slot
on conflict (slot) do update
set allowed = c.allowed + excluded.allowed, refused = c.refused + excluded.refused;

-- name: write_pace_pruned :exec
-- why: Nobody watches what was an hour ago; the roll-ups know it.
delete from tokenhouse.calls_recent where slot < $1;

-- name: list_pace :many
-- why: What happened since a moment, the oldest first.
select slot, allowed, refused from tokenhouse.calls_recent where slot >= $1 and slot < $2 order by slot;
