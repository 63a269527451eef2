-- Roll-ups: the journal folded into sums by hour, and sums read together with what is not folded yet.

-- name: list_waiting_ids :many
-- why: The oldest news of journals that grew. They are taken away by their ids alone when all that they stand
-- for is folded, for ids are not in the order of commits: a smaller one may appear later.
select n.id from tokenhouse.usage_waiting n order by n.id limit $1;

-- name: list_unfolded :many
-- why: Which accounts of some news have entries that no roll-up has: a balance says how far its journal goes,
-- a mark how far it is folded. Account by account, so that it costs as much as has happened.
select w.cell, w.account, b.seq - coalesce(m.seq, 0) as waiting
from (
    select distinct u.cell, u.account
    from tokenhouse.usage_waiting n
    cross join lateral unnest(n.cells, n.accounts) as u (cell, account)
    where n.id = any($1::bigint[])
) w
cross join lateral (
    select s.seq from tokenhouse.balances s where s.cell = w.cell and s.account = w.account offset 0
) b
left join lateral (
    select s.seq from tokenhouse.usage_marks s where s.cell = w.cell and s.account = w.account offset 0
) m on true
where b.seq > coalesce(m.seq, 0)
limit $2;

-- name: write_waiting_done :exec
-- why: News whose entries are folded. Another node that takes the same away has folded the same.
delete from tokenhouse.usage_waiting n
where n.id in (
    select o.id from tokenhouse.usage_waiting o
    where o.id = any($1::bigint[])
    order by o.id
    for update skip locked
);

-- name: write_waiting_found :exec
-- why: Entries of which nobody gave news: a program of an older release wrote them, or a person by hand. One
-- scan of balances and marks, so once an hour.
insert into tokenhouse.usage_waiting (cells, accounts)
select array_agg(w.cell), array_agg(w.account)
from (
    select b.cell, b.account, row_number() over () / 1000 as page
    from tokenhouse.balances b
    left join tokenhouse.usage_marks m on m.cell = b.cell and m.account = b.account
    where b.seq > coalesce(m.seq, 0)
      and not exists (select 1 from tokenhouse.usage_tails t where t.cell = b.cell and t.account = b.account)
) w
group by w.page;

-- name: lock_fold :one
-- why: One fold a cell at a time. It stands alone, so that the next statement's snapshot is younger than the
-- commit of whoever held the lock.
select f.cell from tokenhouse.usage_folds f where f.cell = $1 for update;

-- name: write_fold :many
-- why: Sums and marks move in one statement, so by one snapshot: each entry is in a sum exactly when its mark
-- says so. The fence `offset 0` goes to the journal account by account. Rows in order of their keys.
with waiting as materialized (
    select b.account, coalesce(m.seq, 0) as after, least(b.seq, coalesce(m.seq, 0) + $5) as seq
    from unnest($2::bigint[]) as u (account)
    join tokenhouse.balances b on b.cell = $1 and b.account = u.account
    left join tokenhouse.usage_marks m on m.cell = $1 and m.account = u.account
    where b.seq > coalesce(m.seq, 0)
), used as materialized (
    select w.account, c.once, c.kind <> 'period' as used, date_trunc('hour', c.at, $3) as hour, c.model,
           c.api_key, sum(c.turns) as turns, sum(c.input) as input, sum(c.cached_input) as cached_input,
           sum(c.cache_write) as cache_write, sum(c.cache_write_1h) as cache_write_1h,
           sum(c.output) as output, sum(c.reasoning) as reasoning, sum(c.audio_input) as audio_input,
           sum(c.audio_output) as audio_output, sum(c.charged) as charged, sum(c.renewed) as renewed,
           sum(coalesce(c.tokens, case when $4 then c.cost else 0 end)) as tokens,
           sum(c.charged) filter (where c.charged > 0) as gross
    from waiting w
    cross join lateral (
        select * from tokenhouse.entry_usage e
        where e.cell = $1 and e.account = w.account and e.seq > w.after and e.seq <= w.seq offset 0
    ) c
    group by 1, 2, 3, 4, 5, 6
), hourly as (
    insert into tokenhouse.usage_hourly as h (cell, account, hour, model, api_key, turns, tokens_input,
        tokens_output, tokens, charged)
    select $1, account, hour, model, api_key, sum(turns),
           sum(input + cached_input + cache_write + cache_write_1h + audio_input),
           sum(output + reasoning + audio_output), sum(tokens), sum(charged)
    from used where used
    group by account, hour, model, api_key
    order by account, hour, model, api_key
    on conflict (cell, account, hour, model, api_key) do update
    set turns = h.turns + excluded.turns, tokens_input = h.tokens_input + excluded.tokens_input,
        tokens_output = h.tokens_output + excluded.tokens_output, tokens = h.tokens + excluded.tokens,
        charged = h.charged + excluded.charged
), totals as (
    insert into tokenhouse.usage_totals as t (cell, hour, model, turns, input, cached_input, cache_write,
        cache_write_1h, output, reasoning, audio_input, audio_output, tokens, charged, renewed)
    select $1, hour, model, sum(turns), sum(input), sum(cached_input), sum(cache_write),
           sum(cache_write_1h), sum(output), sum(reasoning), sum(audio_input), sum(audio_output),
           sum(tokens), sum(charged), sum(renewed)
    from used where once
    group by hour, model
    order by hour, model
    on conflict (cell, hour, model) do update
    set turns = t.turns + excluded.turns, input = t.input + excluded.input,
        cached_input = t.cached_input + excluded.cached_input,
        cache_write = t.cache_write + excluded.cache_write,
        cache_write_1h = t.cache_write_1h + excluded.cache_write_1h, output = t.output + excluded.output,
        reasoning = t.reasoning + excluded.reasoning, audio_input = t.audio_input + excluded.audio_input,
        audio_output = t.audio_output + excluded.audio_output, tokens = t.tokens + excluded.tokens,
        charged = t.charged + excluded.charged, renewed = t.renewed + excluded.renewed
), monthly as (
    insert into tokenhouse.usage_monthly as m (cell, account, month, charged)
    select $1, u.account, e.month, sum(u.gross)
    from used u
    cross join lateral (
        select distinct date_trunc('month', u.hour at time zone 'UTC' + t.edge)::date as month
        from unnest(array[interval '-14 hours', interval '14 hours']) as t (edge)
    ) e
    where u.used and u.gross > 0
    group by u.account, e.month
    order by u.account, e.month
    on conflict (cell, account, month) do update set charged = m.charged + excluded.charged
), marks as (
    insert into tokenhouse.usage_marks as m (cell, account, seq)
    select $1, account, seq from waiting order by account
    on conflict (cell, account) do update set seq = excluded.seq
)
select account, seq - after as folded from waiting;

-- name: list_usage :many
-- why: What the deployment used, by model and by hour, day or month of a zone: the roll-up, and the entries
-- since, in one snapshot; so it is right whenever the last fold was. What is folded is added up by itself, so
-- that several processes can.
with tail as materialized (
    select c.* from tokenhouse.usage_unfolded c where c.once and c.at >= $1 and c.at < $2
)
select t.start_at, t.model, sum(t.turns)::bigint as turns, sum(t.input) as input,
       sum(t.cached_input) as cached_input, sum(t.cache_write) as cache_write,
       sum(t.cache_write_1h) as cache_write_1h, sum(t.output) as output, sum(t.reasoning) as reasoning,
       sum(t.audio_input) as audio_input, sum(t.audio_output) as audio_output, sum(t.tokens) as tokens,
       sum(t.charged) as charged, sum(t.renewed)::bigint as renewed
from (
    select date_trunc($3, r.hour, $4) as start_at, r.model, sum(r.turns) as turns, sum(r.input) as input,
           sum(r.cached_input) as cached_input, sum(r.cache_write) as cache_write,
           sum(r.cache_write_1h) as cache_write_1h, sum(r.output) as output, sum(r.reasoning) as reasoning,
           sum(r.audio_input) as audio_input, sum(r.audio_output) as audio_output, sum(r.tokens) as tokens,
           sum(r.charged) as charged, sum(r.renewed) as renewed
    from tokenhouse.usage_totals r
    where r.hour >= $1 and r.hour < $2
    group by 1, 2
    union all
    select date_trunc($3, c.at, $4), c.model, c.turns, c.input, c.cached_input, c.cache_write,
           c.cache_write_1h, c.output, c.reasoning, c.audio_input, c.audio_output,
           coalesce(c.tokens, case when $5 then c.cost else 0 end), c.charged, c.renewed
    from tail c
) t
group by 1, 2
order by 1, 2;

-- name: list_folded_of_account :many
-- why: What is folded of one account, by its key; with it, in the same snapshot, up to where that is and how
-- far its journal goes, so that there is always a row.
select w.mark, w.seq, date_trunc($5, h.hour, $6) as start_at, h.model, h.api_key,
       sum(h.turns)::bigint as turns, sum(h.tokens_input) as tokens_input,
       sum(h.tokens_output) as tokens_output, sum(h.tokens) as tokens, sum(h.charged) as charged
from (
    select coalesce((select m.seq from tokenhouse.usage_marks m where m.cell = $1 and m.account = $2), 0)
               as mark,
           coalesce((select b.seq from tokenhouse.balances b where b.cell = $1 and b.account = $2), 0) as seq
) w
left join tokenhouse.usage_hourly h on h.cell = $1 and h.account = $2 and h.hour >= $3 and h.hour < $4
group by 1, 2, 3, 4, 5;

-- name: list_tail_of_account :many
-- why: The account's entries beyond what was found folded. The journal only grows, so this is right though it
-- is asked a moment later; and asked only where there are any, for to plan it takes longer than all else.
select date_trunc($5, e.at, $6) as start_at, e.model, e.api_key, sum(e.turns)::bigint as turns,
       sum(e.input + e.cached_input + e.cache_write + e.cache_write_1h + e.audio_input) as tokens_input,
       sum(e.output + e.reasoning + e.audio_output) as tokens_output,
       sum(coalesce(e.tokens, case when $7 then e.cost else 0 end))
           as tokens,
       sum(e.charged) as charged
from tokenhouse.entry_usage e
where e.cell = $1 and e.account = $2 and e.kind <> 'period' and e.at >= $3 and e.at < $4 and e.seq > $8
group by 1, 2, 3;

-- name: list_users_by_use :many
-- why: Who used most between two moments, however much of it is folded. Days are counted of those few alone:
-- to tell the days of all apart would sort all that was ever folded. What is folded is added up by itself, so
-- that several processes can.
with tail as materialized (
    select c.cell, c.account, c.at, c.turns, c.charged,
           coalesce(c.tokens, case when $4 then c.cost else 0 end) as tokens
    from tokenhouse.usage_unfolded c
    where c.kind <> 'period' and c.at >= $1 and c.at < $2
), most as (
    select t.cell, t.account, sum(t.turns)::bigint as turns, sum(t.tokens) as tokens,
           sum(t.charged) as charged
    from (
        select h.cell, h.account, sum(h.turns) as turns, sum(h.tokens) as tokens, sum(h.charged) as charged
        from tokenhouse.usage_hourly h
        where h.hour >= $1 and h.hour < $2
        group by h.cell, h.account
        union all
        select cell, account, turns, tokens, charged from tail
    ) t
    group by t.cell, t.account
    order by sum(t.charged) desc, t.cell, t.account
    limit $5
)
select a.cell, a.id, a.ref, a.email, m.turns, m.tokens, m.charged, d.days
from most m
join tokenhouse.accounts a on a.cell = m.cell and a.id = m.account
cross join lateral (
    select count(distinct date_trunc('day', o.hour, $3)) as days
    from (
        select h.hour from tokenhouse.usage_hourly h
        where h.cell = m.cell and h.account = m.account and h.hour >= $1 and h.hour < $2 and h.turns > 0
        union all
        select t.at from tail t where t.cell = m.cell and t.account = m.account and t.turns > 0
    ) o
) d
order by m.charged desc, m.cell, m.account;

-- name: list_months_by_charge :many
-- why: The accounts that were charged most in each of some months, by its index: whoever is not among them
-- was charged at most what the last of them was.
select m.month, u.cell, u.account, u.charged
from unnest($1::date[]) as m (month)
cross join lateral (
    select y.cell, y.account, y.charged
    from tokenhouse.usage_monthly y
    where y.month = m.month
    order by y.charged desc, y.cell, y.account
    limit $2
) u
order by m.month, u.charged desc, u.cell, u.account;

-- name: list_users_among :many
-- why: As `list_users_by_use`, of the given accounts and of those with entries that are not folded: by key.
with tail as materialized (
    select c.cell, c.account, c.at, c.turns, c.charged,
           coalesce(c.tokens, case when $4 then c.cost else 0 end) as tokens
    from tokenhouse.usage_unfolded c
    where c.kind <> 'period' and c.at >= $1 and c.at < $2
), few as (
    select u.cell, u.account from unnest($6::smallint[], $7::bigint[]) as u (cell, account)
    union
    select t.cell, t.account from tail t
), used as materialized (
    select f.cell, f.account, h.hour, h.turns, h.tokens, h.charged
    from few f
    cross join lateral (
        select o.hour, o.turns, o.tokens, o.charged
        from tokenhouse.usage_hourly o
        where o.cell = f.cell and o.account = f.account and o.hour >= $1 and o.hour < $2 offset 0
    ) h
    union all
    select t.cell, t.account, t.at, t.turns, t.tokens, t.charged from tail t
), most as (
    select u.cell, u.account, sum(u.turns)::bigint as turns, sum(u.tokens) as tokens,
           sum(u.charged) as charged,
           count(distinct date_trunc('day', u.hour, $3)) filter (where u.turns > 0) as days
    from used u
    group by u.cell, u.account
    order by sum(u.charged) desc, u.cell, u.account
    limit $5
)
select a.cell, a.id, a.ref, a.email, m.turns, m.tokens, m.charged, m.days
from most m
join tokenhouse.accounts a on a.cell = m.cell and a.id = m.account
order by m.charged desc, m.cell, m.account;

-- name: write_refusals :exec
-- why: What this process has counted since it last said so, added to what the others said.
insert into tokenhouse.refusals_daily as r (cell, account, day, code, refused)
select u.cell, u.account, u.day, u.code, u.refused
from unnest($1::smallint[], $2::bigint[], $3::date[], $4::text[], $5::bigint[])
     as u (cell, account, day, code, refused)
order by u.cell, u.account, u.day, u.code
on conflict (cell, account, day, code) do update set refused = r.refused + excluded.refused;

-- name: list_refusals :many
-- why: How many calls were refused on each day of a span, and why.
select r.day, r.code, sum(r.refused)::bigint as refused
from tokenhouse.refusals_daily r
where r.day >= $1 and r.day < $2
group by r.day, r.code
order by r.day, r.code;

-- name: list_refusals_of_account :many
-- why: The same of one account, by its key.
select r.day, r.code, r.refused
from tokenhouse.refusals_daily r
where r.cell = $1 and r.account = $2 and r.day >= $3 and r.day < $4
order by r.day, r.code;
