-- People and the browsers in which they are signed in.

-- columns: person
p.id, p.email, p.name, p.role, p.ref, p.locale, p.time_zone, p.password is not null as has_password,
p.link_expires_at, p.created_at, p.created_by, p.disabled_at, p.seen_at;

-- name: write_person :maybe
-- why: A new person, with a link to choose a password; nothing happens where the e-mail is taken.
insert into tokenhouse.people (id, email, name, role, ref, locale, time_zone, link, link_expires_at,
    created_at, created_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (email) do nothing
returning id;

-- name: find_person :maybe
-- why: One person as they are now.
select {person}
from tokenhouse.people p where id = $1;

-- name: find_password :maybe
-- why: Who signs in by e-mail is compared with this hash; it is read nowhere else.
select id, password, disabled_at from tokenhouse.people where email = $1;

-- name: find_person_by_link :maybe
-- why: Whoever has a one-time link that still holds is this person.
select {person}
from tokenhouse.people p where link = $1 and link_expires_at > $2 and disabled_at is null;

-- name: find_person_by_email :maybe
-- why: People are named by their e-mail on the command line.
select {person}
from tokenhouse.people p where email = $1;

-- name: list_people :many
-- why: A page of people, by e-mail.
select {person}
from tokenhouse.people p where email > $1 order by email limit $2;

-- name: lock_owners :many
-- why: Two owners who demote each other at once must not leave a deployment without any.
select id from tokenhouse.people where role = 'owner' and disabled_at is null order by id for update;

-- name: lock_person :maybe
-- why: A change is made of what stands there, and the audit log says what that was.
select {person}
from tokenhouse.people p where id = $1 for update;

-- name: write_person_changed :exec
-- why: What an owner may change of a person; who is disabled has no link either.
update tokenhouse.people
set name = $2, role = $3, ref = $4, locale = $5, time_zone = $6, disabled_at = $7,
    link = case when $7::timestamptz is null then link end,
    link_expires_at = case when $7::timestamptz is null then link_expires_at end
where id = $1;

-- name: write_password :exec
-- why: A password is replaced, and with it every link that could replace it once more.
update tokenhouse.people set password = $2, link = null, link_expires_at = null where id = $1;

-- name: write_password_again :exec
-- why: The same password, hashed with today's costs; not if it was changed meanwhile.
update tokenhouse.people set password = $3 where id = $1 and password = $2;

-- name: write_link :exec
-- why: A new link makes the one before it useless.
update tokenhouse.people set link = $2, link_expires_at = $3 where id = $1;

-- name: write_link_used :maybe
-- why: A link opens once: of two who come with it at the same time, one is too late.
update tokenhouse.people
set link = null, link_expires_at = null, password = coalesce($3, password)
where link = $1 and link_expires_at > $2 and disabled_at is null
returning id;

-- name: write_first_owner :exec
-- why: Whoever set the deployment up takes the placeholder's place, under an e-mail of their own.
update tokenhouse.people set email = $2, name = $3, locale = $4 where id = $1;

-- name: write_session :exec
-- why: A browser is signed in; of its cookie only the hash is kept.
insert into tokenhouse.sessions (digest, person, created_at, seen_at, expires_at, address, agent)
values ($1, $2, $3, $3, $4, $5, $6);

-- name: find_session :maybe
-- why: Who a cookie is, as they may now: every request asks, so that what an owner takes away is gone.
select s.created_at as began_at, s.seen_at as used_at, s.expires_at as ends_at, {person}
from tokenhouse.sessions s join tokenhouse.people p on p.id = s.person
where s.digest = $1 and s.expires_at > $2 and s.seen_at > $3 and p.disabled_at is null;

-- name: write_session_seen :exec
-- why: A session that is used goes on; a person was there.
with seen as (update tokenhouse.sessions set seen_at = $2 where digest = $1 returning person)
update tokenhouse.people p set seen_at = $2 from seen where p.id = seen.person;

-- name: write_session_ended :exec
-- why: Signed out.
delete from tokenhouse.sessions where digest = $1;

-- name: write_sessions_ended :many
-- why: Signed out everywhere, but for the browser that asks for it.
delete from tokenhouse.sessions where person = $1 and digest <> $2 returning digest;

-- name: list_sessions :many
-- why: Where somebody is signed in now, the last used first, so that they know a browser that is not theirs.
select digest, created_at, seen_at, expires_at, address, agent
from tokenhouse.sessions
where person = $1 and expires_at > $2 and seen_at > $3
order by seen_at desc, digest
limit $4;

-- name: write_sessions_forgotten :many
-- why: What ended long ago is cleared away, some rows at a time.
delete from tokenhouse.sessions where digest in
    (select digest from tokenhouse.sessions where expires_at <= $1 or seen_at <= $2 limit $3)
returning digest;
