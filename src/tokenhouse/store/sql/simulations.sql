-- What simulations of a deployment's own history run on.

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
