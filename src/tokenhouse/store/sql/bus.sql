-- The bus: words that nodes say to each other through the database. Nothing is kept.

-- name: write_word :exec
-- why: Every node that listens hears it when it is committed, or, said by itself, at once.
select pg_notify($1, $2);
