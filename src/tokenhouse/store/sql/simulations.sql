-- Simulations on demand: one at a time in a deployment, whichever node it runs on.

-- name: write_simulations_lost :exec
-- why: A node that died in the middle of one has not been heard of since; nobody waits for it.
update tokenhouse.simulations set state = 'lost', ended_at = $1
where state = 'running' and seen_at < $2;

-- name: write_simulations_forgotten :exec
-- why: What came out long ago says little about plans of today.
delete from tokenhouse.simulations where started_at < $1 and state <> 'running';

-- name: write_simulation :maybe
-- why: A new one begins, unless one is under way: the index lets no second one in.
insert into tokenhouse.simulations (id, source, plans, state, started_at, started_by, seen_at)
values ($1, $2, $3, 'running', $4, $5, $4)
on conflict do nothing
returning id;

-- name: write_simulation_progress :maybe
-- why: How far it is, and that its node lives; nothing comes back for one that was given up for lost.
update tokenhouse.simulations set seen_at = $2, steps_done = $3, steps_total = $4
where id = $1 and state = 'running'
returning id;

-- name: write_simulation_ended :exec
-- why: What became of it.
update tokenhouse.simulations
set state = $2, ended_at = $3, seen_at = $3, steps_done = $4, steps_total = $5, outcome = $6::json
where id = $1 and state = 'running';

-- name: find_simulation :maybe
-- why: One, for whoever asks how far it is.
select id, source, plans, state, started_at, started_by, seen_at, ended_at, steps_total, steps_done, outcome
from tokenhouse.simulations where id = $1;

-- name: list_simulations :many
-- why: The latest, newest first, without what came out of them, which may be long.
select id, source, plans, state, started_at, started_by, seen_at, ended_at, steps_total, steps_done,
       null::json as outcome
from tokenhouse.simulations where (started_at, id) < ($1, $2::uuid)
order by started_at desc, id desc
limit $3;

-- name: list_history :many
-- why: The newest calls of a time as they were charged, and the credit that came in it, for a simulation;
-- with a plan, of the accounts that are under it now. `kind` tells the two apart.
select a.ref, e.at, e.kind, e.model, e.usage, e.amount, e.source, e.lots
from tokenhouse.entries e
join tokenhouse.accounts a on a.cell = e.cell and a.id = e.account
join tokenhouse.balances b on b.cell = e.cell and b.account = e.account
where e.at >= $1 and e.at < $2
  and ((e.kind = 'charge' and e.usage is not null) or (e.kind = 'grant' and e.amount > 0))
  and ($3::text is null or b.plan = $3)
order by e.at desc
limit $4;
