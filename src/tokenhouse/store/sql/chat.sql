-- The built-in chat: sessions, their messages, and the two steps of a turn.

-- columns: chat
s.id, s.title, s.model, s.tokens, s.turns, s.charged, s.created_at, coalesce(s.updated_at, s.created_at) as
updated_at, s.archived_at, s.erased_at;

-- columns: message
m.seq, m.role, m.content, m.length, m.tokens, m.charge, m.usage, m.model, m.operation, m.ended, m.at;

-- name: write_chat :maybe
-- why: A session is made once; who names one that is there gets that.
insert into tokenhouse.chat_sessions as s (cell, account, id, title, model, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $6)
on conflict (cell, account, id) do nothing
returning {chat};

-- name: find_chat :maybe
-- why: One session of one account.
select {chat}
from tokenhouse.chat_sessions s
where s.cell = $1 and s.account = $2 and s.id = $3;

-- name: list_chats :many
-- why: A page of an account's sessions, the last used first, below one that was seen; archived or not, or
-- both; and with a text somewhere in them, which is looked for in this account's own messages and no others.
-- The fence `offset 0` keeps it going session by session, so that it ends when the page is full.
select {chat}
from tokenhouse.chat_sessions s
where s.cell = $1 and s.account = $2
  and ($3::boolean is null or (s.archived_at is not null) = $3)
  and ($4::timestamptz is null or (coalesce(s.updated_at, s.created_at), s.id) < ($4, $5::text))
  and ($6::text is null or s.title ilike $6 or exists (
      select from tokenhouse.chat_messages m
      where m.cell = s.cell and m.account = s.account and m.session = s.id and m.content ilike $6
      offset 0))
order by coalesce(s.updated_at, s.created_at) desc, s.id desc
limit $7;

-- name: write_chat_amended :maybe
-- why: A new title, the archive, or back from it; null leaves as it is.
update tokenhouse.chat_sessions s
set title = coalesce($4::text, s.title),
    archived_at = case when $5::boolean is null then s.archived_at
                       when $5 then coalesce(s.archived_at, $6::timestamptz) end
where s.cell = $1 and s.account = $2 and s.id = $3 and s.erased_at is null
returning {chat};

-- name: write_chat_erased :maybe
-- why: What was said goes for good; what it cost stays, for the journal says so as well.
with gone as (
    delete from tokenhouse.chat_messages m where m.cell = $1 and m.account = $2 and m.session = $3
)
update tokenhouse.chat_sessions s
set title = '', erased_at = coalesce(s.erased_at, $4), archived_at = coalesce(s.archived_at, $4)
where s.cell = $1 and s.account = $2 and s.id = $3
returning {chat};

-- name: write_chat_asked :maybe
-- why: A question gets the next number of its session, which begins with it if it is new and comes back from
-- the archive if it was there. An erased one takes none.
with session as (
    insert into tokenhouse.chat_sessions as s (cell, account, id, title, model, asked, created_at, updated_at)
    values ($1, $2, $3, $4, $5, 1, $6, $6)
    on conflict (cell, account, id) do update
    set asked = s.asked + 1,
        updated_at = greatest(excluded.updated_at, s.updated_at),
        archived_at = null,
        title = case when s.title = '' then excluded.title else s.title end,
        model = case when s.model = '' then excluded.model else s.model end
    where s.erased_at is null
    returning s.id, s.title, s.model, s.asked, s.tokens, s.turns, s.charged, s.created_at, s.updated_at,
              s.archived_at, s.erased_at
), question as (
    insert into tokenhouse.chat_messages (cell, account, session, seq, role, content, length, model,
        operation, key, at)
    select $1, $2, session.id, 2 * session.asked - 1, 'user', $7, $8, $5, $9, $10, $6 from session
    returning seq
)
select session.id, session.title, session.model, session.tokens, session.turns, session.charged,
       session.created_at, session.updated_at, session.archived_at, session.erased_at, question.seq
from session, question;

-- name: write_chat_unasked :exec
-- why: A question that nobody answered, and that cost nothing, leaves no trace; one with an answer stays.
delete from tokenhouse.chat_messages q
where q.cell = $1 and q.account = $2 and q.session = $3 and q.seq = $4 and q.role = 'user'
  and not exists (
      select from tokenhouse.chat_messages a
      where a.cell = q.cell and a.account = q.account and a.session = q.session and a.seq = q.seq + 1);

-- name: list_chat_turn :many
-- why: What a repeated idempotency key said before: the question, and its answer if there is one.
select {message}
from tokenhouse.chat_messages q
join tokenhouse.chat_messages m
  on m.cell = q.cell and m.account = q.account and m.session = q.session and m.seq in (q.seq, q.seq + 1)
where q.cell = $1 and q.account = $2 and q.session = $3 and q.key = $4 and q.key <> ''
order by m.seq;

-- name: list_chat_messages :many
-- why: A page of a session in the order in which it was said, after a message that was seen.
select {message}
from tokenhouse.chat_messages m
where m.cell = $1 and m.account = $2 and m.session = $3 and m.seq > $4
order by m.seq
limit $5;

-- name: list_chat_messages_back :many
-- why: A page of a session from its end towards its beginning, before a message that was seen: a page of a
-- browser begins with what was said last.
select {message}
from tokenhouse.chat_messages m
where m.cell = $1 and m.account = $2 and m.session = $3 and m.seq < $4
order by m.seq desc
limit $5;

-- name: list_chat_history :many
-- why: The turns before a new one that have an answer, the newest first: a model is told these.
select q.seq, q.content as question, a.content as answer, q.length + a.length as length
from tokenhouse.chat_messages a
join tokenhouse.chat_messages q
  on q.cell = a.cell and q.account = a.account and q.session = a.session and q.seq = a.seq - 1
where a.cell = $1 and a.account = $2 and a.session = $3 and a.seq < $4 and a.role = 'assistant'
  and a.content <> ''
order by a.seq desc
limit $5;

-- name: write_turns :exec
-- why: Answers and the figures of their sessions, in the transaction of their charges: both or neither.
with ended as (
    select * from unnest($1::smallint[], $2::bigint[], $3::text[], $4::integer[], $5::text[], $6::integer[],
                         $7::bigint[], $8::bigint[], $9::json[], $10::text[], $11::uuid[], $12::text[],
                         $13::timestamptz[])
        as u (cell, account, session, seq, content, length, tokens, charge, usage, model, operation, ended,
              at)
), answers as (
    insert into tokenhouse.chat_messages (cell, account, session, seq, role, content, length, tokens, charge,
        usage, model, operation, ended, at)
    select e.cell, e.account, e.session, e.seq, 'assistant', e.content, e.length, e.tokens, e.charge, e.usage,
           e.model, e.operation, e.ended, e.at
    from ended e
    join tokenhouse.chat_sessions s
      on s.cell = e.cell and s.account = e.account and s.id = e.session and s.erased_at is null
    on conflict (cell, account, session, seq) do nothing
)
update tokenhouse.chat_sessions s
set tokens = s.tokens + t.tokens, metered = s.metered + t.tokens, charged = s.charged + t.charge,
    turns = s.turns + t.turns, updated_at = greatest(s.updated_at, t.at)
from (
    select e.cell, e.account, e.session, sum(e.tokens)::bigint as tokens, sum(e.charge)::bigint as charge,
           count(*) as turns, max(e.at) as at
    from ended e
    group by e.cell, e.account, e.session
) t
where s.cell = t.cell and s.account = t.account and s.id = t.session;
