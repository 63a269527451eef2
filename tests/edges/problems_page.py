"""Write docs/reference/problems.md from the one table: what each error becomes for each kind of client.

python -m tests.edges.problems_page
"""

from pathlib import Path

from tests.edges.cli.reference import table
from tokenhouse import messages
from tokenhouse.edges.problems import REASONS as BY_REASON
from tokenhouse.edges.problems import RETRY_AFTER_MOST_S, SHORT, TABLE
from tokenhouse.providers.native_errors import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "problems.md"

OPENING = f"""# Problems

Written by `python -m tests.edges.problems_page` from `edges/problems.py`; a test compares.

A call that fails is answered in the words of its client: OpenAI's error body, Anthropic's, or, on our own
paths, an RFC 9457 problem (`application/problem+json`, `type` = `urn:tokenhouse:error:<code>`). Beside the
message, in the account's language, stand the facts: `short_by`, `remaining`, `resets_at`, `purchase_url`,
`limit`, `account`, whichever there are. Troubles of ours (database, settings, faults) name no host and no
path: those are in the log.

- **Too little credit** has the plan's status: `stop.status`, 402 unless the plan says 429. A problem's `code`
  is then the plan's `stop.code` (such as `TOKEN_EXHAUSTED`); the vendors' bodies keep their own `code`, which
  their SDKs know, and carry it as `stop_code`. `recommended_action` says what to buy.
- **A limit** that lifts within {RETRY_AFTER_MOST_S} seconds is a {KINDS[SHORT].status} with a true
  `Retry-After`. A longer one is answered as too little credit is: no client should sleep until next month.
- `x-should-retry: false` goes with everything that the same request, sent again, cannot change.
"""


def page() -> str:
    """Return the whole page."""
    heads = ("code", "status", "OpenAI type, code", "Anthropic type", "again?", "exit code", "says")
    told = messages.catalogue("en")
    rows = []
    for kind, name in TABLE.items():
        native = KINDS[name]
        openai = f"`{native.openai_type}`" + (f", `{native.openai_code}`" if native.openai_code else "")
        status = f"{native.status} or the plan's" if name == "insufficient_credit" else str(native.status)
        again = "yes" if kind.retryable else "no"
        facts = (status, openai, f"`{native.anthropic_type}`", again, str(kind.exit_code))
        rows.append((kind.code, *facts, told[f"problem.{kind.code}"]))
    reasons = [
        (reason, str(KINDS[name].status), told[f"error.{reason}"]) for reason, name in BY_REASON.items()
    ]
    return "\n".join(
        [
            OPENING,
            table(heads, rows),
            "Some reasons have a status of their own:\n",
            table(("reason", "status", "says"), reasons),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
