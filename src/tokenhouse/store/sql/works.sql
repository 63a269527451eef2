-- Works: what takes long and is started by a person; one of a kind at a time, whichever node it runs on.

-- name: write_works_lost :exec
-- why: A node that died in the middle of one has not been heard of since; nobody waits for it.
update tokenhouse.works set state = 'lost', ended_at = $2
where kind = $1 and state = 'running' and seen_at < $3;

-- name: write_works_forgotten :exec
-- why: What came out long ago says little about today.
delete from tokenhouse.works where kind = $1 and started_at < $2 and state not in ('running', 'waiting');

-- name: write_works_abandoned :exec
-- why: One that waits for a person who does not come back is called off.
update tokenhouse.works set state = 'cancelled', ended_at = $1 where state = 'waiting' and seen_at < $2;

-- name: write_work_files_dropped :many
-- why: What was sent for a work is kept until it has ended; for one that was lost, while it may be taken up.
delete from tokenhouse.work_files f
using tokenhouse.works w
where w.id = f.work and (w.state in ('done', 'failed', 'cancelled') or (w.state = 'lost' and w.seen_at < $1))
returning f.work;

-- name: write_work :maybe
-- why: A new one begins, unless one of its kind is under way: the index lets no second one in.
insert into tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, total)
values ($1, $2, $3::json, 'running', $4, $5, $4, $6)
on conflict do nothing
returning id;

-- name: write_work_file :exec
-- why: What was sent for it, so that any node can take it up.
insert into tokenhouse.work_files (work, content) values ($1, $2);

-- name: write_work_progress :maybe
-- why: How far it is, and that its node lives; nothing comes back for one that is not under way any more.
update tokenhouse.works set seen_at = $2, done = $3, total = $4
where id = $1 and state = 'running'
returning id;

-- name: write_work_halted :maybe
-- why: What became of it, once: it has ended, or waits for a person. What was sent for it goes with its end.
with halted as (
    update tokenhouse.works
    set state = $2, seen_at = $3, ended_at = case when $2 = 'waiting' then null else $3::timestamptz end,
        done = $4, total = $5, outcome = coalesce($6::json, outcome), problem = $7::json
    where id = $1 and state = 'running'
    returning id
), dropped as (
    delete from tokenhouse.work_files f using halted h where f.work = h.id and $2 not in ('waiting', 'lost')
)
select id from halted;

-- name: write_work_resumed :maybe
-- why: A person says go on, of one that waits or was lost, while what was sent for it is there.
update tokenhouse.works w set state = 'running', seen_at = $2, ended_at = null, done = 0, total = $3,
    outcome = coalesce($4::json, w.outcome), problem = null
where w.id = $1 and w.state in ('waiting', 'lost')
  and exists (select 1 from tokenhouse.work_files f where f.work = w.id)
returning w.id;

-- name: write_work_cancelled :maybe
-- why: A person calls it off; its node hears of it when it next says how far it is.
with cancelled as (
    update tokenhouse.works set state = 'cancelled', ended_at = $2, seen_at = $2
    where id = $1 and state in ('running', 'waiting')
    returning id
), dropped as (
    delete from tokenhouse.work_files f using cancelled c where f.work = c.id
)
select id from cancelled;

-- name: list_works_unheard :many
-- why: A node that died in the middle of one has not been heard of since; another may take it up.
select kind, id, asked, state, started_at, started_by, seen_at, ended_at, total, done, outcome, problem
from tokenhouse.works where state = 'running' and seen_at < $1
order by seen_at, id;

-- name: write_work_taken_up :maybe
-- why: Of all nodes that want it one gets it: whoever still finds it as its own node left it.
update tokenhouse.works set seen_at = $3, asked = $4::json, done = 0
where id = $1 and state = 'running' and seen_at = $2
returning id;

-- name: find_work :maybe
-- why: One, for whoever asks how far it is.
select id, asked, state, started_at, started_by, seen_at, ended_at, total, done, outcome, problem
from tokenhouse.works where kind = $1 and id = $2;

-- name: find_work_file :maybe
-- why: What was sent for it, for the node that carries it out.
select f.content from tokenhouse.work_files f where f.work = $1;

-- name: list_works :many
-- why: The latest, newest first; that one under way shows after a page is loaded again. What came out may be
-- long.
select id, asked, state, started_at, started_by, seen_at, ended_at, total, done,
       case when $5 then outcome end as outcome, problem
from tokenhouse.works where kind = $1 and (started_at, id) < ($2, $3::uuid)
order by started_at desc, id desc
limit $4;
