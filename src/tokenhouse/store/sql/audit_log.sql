-- The audit log: who changed what. Rows are added and read; a trigger refuses all else.

-- name: write_audit :one
-- why: What somebody decided is kept, with what stood there before and what stands there now.
insert into tokenhouse.audit_log (at, actor, action, subject, before, after, reason, address)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id;

-- name: list_audit :many
-- why: A page of the log, newest first; what is not asked for ("", null) is not looked at.
select id, at, actor, action, subject, before, after, reason, address
from tokenhouse.audit_log
where id < $1 and ($2 = '' or subject = $2) and ($3 = '' or actor = $3)
  and ($4 = '' or action = $4 or action like $4 || '.%')
  and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
order by id desc
limit $7;
