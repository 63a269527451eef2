"""The catalogue: every metric there is, its kind, its labels, and what it says. Nothing else is exposed.

A metric with the label `worker` is one process's and starts at zero with it: sum over `worker`. One without
is the whole deployment's, read from the database, and the same on every node: take the greatest.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """One metric."""

    kind: Kind
    labels: tuple[str, ...]
    what: str


CATALOGUE: Final[dict[str, Metric]] = {
    "tokenhouse_calls": Metric(
        "counter", ("worker", "protocol", "model", "outcome"), "Model calls that have ended, by how."
    ),
    "tokenhouse_charged": Metric(
        "counter", ("worker", "model"), "What calls were charged, in the unit's smallest part."
    ),
    "tokenhouse_tokens": Metric(
        "counter", ("worker", "model", "kind"), "Tokens of calls: input (cached ones too) and output."
    ),
    "tokenhouse_usage_estimated": Metric(
        "counter", ("worker",), "Calls charged by our own count, for their provider said no usage."
    ),
    "tokenhouse_refusals": Metric(
        "counter", ("worker", "code"), "Reservations and charges that the rules refused, by code."
    ),
    "tokenhouse_requests": Metric(
        "counter", ("worker", "edge", "status"), "HTTP requests answered: gateway, api or page."
    ),
    "tokenhouse_request_seconds": Metric(
        "histogram", ("worker", "edge"), "Time from a request to the last byte of its answer."
    ),
    "tokenhouse_calls_open": Metric("gauge", ("worker",), "Model calls under way in the gateway."),
    "tokenhouse_upstream_seconds": Metric(
        "histogram", ("worker", "upstream"), "Time until a provider's answer began."
    ),
    "tokenhouse_upstream_errors": Metric(
        "counter", ("worker", "upstream", "reason"), "Provider calls that failed: a status, or why none came."
    ),
    "tokenhouse_batch_operations": Metric(
        "histogram", ("worker",), "Operations that a transaction of the ledger carried out."
    ),
    "tokenhouse_batch_seconds": Metric("histogram", ("worker",), "Time that such a transaction took."),
    "tokenhouse_batch_wait_seconds": Metric(
        "histogram", ("worker",), "Time that the first operation of a batch had waited for its turn."
    ),
    "tokenhouse_queue_operations": Metric("gauge", ("worker",), "Operations that wait for their turn now."),
    "tokenhouse_lanes": Metric("gauge", ("worker",), "Lanes at work: one, until batches are large."),
    "tokenhouse_spool_charges": Metric(
        "gauge", ("worker",), "Charges on disk that wait for the database; 0 where all is well."
    ),
    "tokenhouse_spool_bytes": Metric("gauge", ("worker",), "What they take; past 64 MiB charges are lost."),
    "tokenhouse_database_connections": Metric(
        "gauge", ("worker", "state"), "Connections of the pool, idle and used; lanes have their own."
    ),
    "tokenhouse_info": Metric(
        "gauge", ("worker", "version", "unit", "decimals"), "Always 1: what runs here."
    ),
    "tokenhouse_database_up": Metric("gauge", (), "Whether the database answered this scrape."),
    "tokenhouse_job_last_timestamp_seconds": Metric("gauge", ("job",), "When a job's last run ended."),
    "tokenhouse_job_last_seconds": Metric("gauge", ("job",), "How long it took."),
    "tokenhouse_job_ok": Metric("gauge", ("job",), "1 if it ended well, 0 if it failed or was lost."),
    "tokenhouse_job_running": Metric("gauge", ("job",), "1 while a job is at work, on whichever node."),
    "tokenhouse_job_next_timestamp_seconds": Metric("gauge", ("job",), "When a job is due next."),
    "tokenhouse_watched_timestamp_seconds": Metric(
        "gauge", (), "When the figures below were taken, by the job `watch`."
    ),
    "tokenhouse_accounts": Metric("gauge", (), "Accounts."),
    "tokenhouse_accounts_waiting": Metric("gauge", (), "Accounts without a balance; `init` gives them one."),
    "tokenhouse_accounts_reserving": Metric("gauge", (), "Accounts with a call under way."),
    "tokenhouse_credit": Metric(
        "gauge", ("state",), "Credit of all accounts: left, held by open reservations, and their debt."
    ),
    "tokenhouse_today": Metric(
        "gauge",
        ("what",),
        "Since the day began in the deployment's zone: signups, signups_waiting (without a balance), "
        "periods_renewed, turns, tokens, charged.",
    ),
    "tokenhouse_periods": Metric(
        "gauge",
        ("state",),
        "Accounts by their period: renewed, first, idle (renewed when next used), stuck (must be 0).",
    ),
    "tokenhouse_deliveries": Metric("gauge", ("state",), "Deliveries of notices: pending, and dead letters."),
}
"""Name -> metric. A counter's samples end in `_total`, a histogram's in `_bucket`, `_sum` and `_count`."""


class Family(msgspec.Struct):
    """One metric with its samples: (what the name ends in, the labels' values, the value)."""

    name: str
    samples: list[tuple[str, dict[str, str], float]]
