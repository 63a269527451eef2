-- Jobs: who runs what the clock asks for, and how it went. The rules decide; the indexes keep uniqueness.

-- columns: run
r.id, r.job, r.slot, r.attempt, r.node, r.asked_by, r.started_at, r.lease_until, r.ended_at, r.outcome,
r.result, r.error;

-- name: lock_job :one
-- why: Whoever claims a run of a job does so alone, over all nodes; a job that was never seen gets its row.
insert into tokenhouse.jobs as j (name) values ($1)
on conflict (name) do update set name = j.name
returning j.slot;

-- name: list_runs_open :many
-- why: What a claim depends on: the run at work, and the one of the slot that the schedule has begun last.
select {run}
from tokenhouse.job_runs r
where r.job = $1 and (r.outcome = 'running' or (r.asked_by = '' and r.slot = $2));

-- name: write_job_slot :exec
-- why: The schedule has begun this slot; older ones are never caught up one by one.
update tokenhouse.jobs set slot = $2 where name = $1;

-- name: write_run :exec
-- why: A run begins: of a slot for the first time, or by hand.
insert into tokenhouse.job_runs (id, job, slot, attempt, node, asked_by, started_at, lease_until, outcome)
values ($1, $2, $3, 1, $4, $5, $6, $7, 'running');

-- name: write_run_retaken :exec
-- why: A slot whose run failed, or whose node is gone, is tried once more.
update tokenhouse.job_runs
set attempt = $2, node = $3, started_at = $4, lease_until = $5, ended_at = null, outcome = 'running',
    result = null, error = ''
where id = $1;

-- name: write_run_lease :maybe
-- why: A node still works on its run; no row comes back where the run has become somebody else's.
update tokenhouse.job_runs set lease_until = $4
where id = $1 and attempt = $2 and node = $3 and outcome = 'running'
returning id;

-- name: write_run_ended :maybe
-- why: A run is over, if it is still this node's.
update tokenhouse.job_runs set ended_at = $4, outcome = $5, result = $6, error = $7
where id = $1 and attempt = $2 and node = $3 and outcome = 'running'
returning id;

-- name: list_runs_last :many
-- why: Where each job stands: its last run that has ended, and the one at work.
select {run}
from tokenhouse.jobs j
cross join lateral (
    (select * from tokenhouse.job_runs e
     where e.job = j.name and e.outcome <> 'running' order by e.started_at desc, e.id desc limit 1)
    union all
    (select * from tokenhouse.job_runs w where w.job = j.name and w.outcome = 'running')
) r;

-- name: list_runs :many
-- why: A page of a job's history, the newest first, after one run of it.
select {run}
from tokenhouse.job_runs r
where r.job = $1 and (r.started_at, r.id) < ($2::timestamptz, $3::uuid)
order by r.started_at desc, r.id desc
limit $4;

-- name: write_runs_pruned :exec
-- why: A job that runs every few seconds would fill the disk with what nobody reads: of each job the newest
-- runs stay, and of what did not go well the last weeks.
delete from tokenhouse.job_runs r
where r.outcome <> 'running'
  and r.started_at < case when r.outcome = 'done' then $2::timestamptz else $3::timestamptz end
  and r.id not in (
      select k.id from tokenhouse.jobs j
      cross join lateral (
          select n.id from tokenhouse.job_runs n
          where n.job = j.name order by n.started_at desc, n.id desc limit $1
      ) k
  );

-- name: find_run :maybe
-- why: Where a page of the history goes on: after this run.
select {run}
from tokenhouse.job_runs r
where r.id = $1;

-- name: sum_standing :one
-- why: Where all accounts stand together, for the operator's alarms: one scan in some minutes, by one node.
select (select count(*) from tokenhouse.accounts) as accounts,
       count(*) as balances,
       count(*) filter (where b.lapses_at < 4611686018427387904) as reserving,
       coalesce(sum(b."left") filter (where b.own_credit), 0) as "left",
       coalesce(sum(b.held) filter (where b.own_credit), 0) as held,
       coalesce(sum(b.debt), 0) as debt,
       (select count(*) from tokenhouse.deliveries d where d.state = 'pending') as pending,
       (select count(*) from tokenhouse.deliveries d where d.state = 'dead') as dead
from tokenhouse.balances b;
