"""The one tree of expected failures: every class has a stable code, facts, and a sentence in each language.

TokenhouseError
├── InvalidInput             a value that cannot be taken; names field, problem and way out
├── Refused                  an expected no of the rules
│   ├── AccountClosed        the account, or one above it, is suspended or closed
│   ├── ModelRefused         the plan does not allow the model, or has no rate for it
│   ├── LimitReached         a limit's window is full; lifts at `resets_at`
│   └── InsufficientCredit   too little credit; says by how much and when it lifts
├── Unauthenticated          no key came, or one that opens nothing: unknown, revoked or expired
├── Forbidden                a caller who is known, and may not do this
├── NotFound                 no such account, reservation, plan, rate, key or entry
│   └── MethodRefused        the path is there, and does not take this method
├── KeyReused                an idempotency key, or an ended reservation, with another payload
├── Busy                     the queue is full: come back in `retry_after_s`
│   └── StillRunning         the same idempotency key is at work: its answer comes
├── Throttled                more requests, or failed attempts, than one may make: `retry_after_s`
├── UpstreamTrouble          the provider cannot be reached, or does not answer in time
├── DatabaseTrouble          the database is away, full, too old or locked
└── StartRefused             settings or surroundings that cannot be started with
"""

from typing import Any, ClassVar

from tokenhouse import messages


class TokenhouseError(Exception):
    """An expected failure: a `code` that never changes, `facts`, and a `message()` for people."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, reason: str | None = None, **facts: Any) -> None:
        self.reason = reason or self.code
        self.facts = facts
        self.path: list[Any] = []
        """The account and those above it as they stood when the rules said no; empty where none did."""
        super().__init__(self.reason, facts)

    def message(self, locale: str = "en") -> str:
        """Return the sentence for a person, in `locale`; errors and amounts among its facts speak it too."""
        facts = {
            name: fact.message(locale) if hasattr(fact, "message") else fact
            for name, fact in self.facts.items()
        }
        return messages.say(f"error.{self.reason}", locale, **facts)

    def __str__(self) -> str:
        return self.message()


class InvalidInput(TokenhouseError):
    """A value that cannot be taken; facts: field, value, problem's figures. Nothing was changed."""

    code = "invalid_input"
    exit_code = 2


class Refused(TokenhouseError):
    """An expected no of the rules; facts as in `rules.verdict.Refusal`. Nothing was changed."""

    code = "refused"
    exit_code = 3


class AccountClosed(Refused):
    """The account, or one above it in its tree, is suspended or closed."""

    code = "account_closed"


class ModelRefused(Refused):
    """The plan does not allow this model, or no rate is known for it."""

    code = "model_refused"


class LimitReached(Refused):
    """A limit's window is full; `resets_at` says when it lifts."""

    code = "limit_reached"
    retryable = True


class InsufficientCredit(Refused):
    """Less credit than the call needs: `short_by` says how much, `resets_at` when more comes, if ever."""

    code = "insufficient_credit"

    def message(self, locale: str = "en") -> str:
        """Return the sentence, and where more can be bought: many clients show a person nothing else."""
        text, url = super().message(locale), self.facts.get("purchase_url")
        return f"{text} {messages.say('purchase.at', locale, purchase_url=url)}" if url else text


class Unauthenticated(TokenhouseError):
    """Nobody is known by what came with the call: no key, or one that is unknown, revoked or expired."""

    code = "unauthenticated"
    exit_code = 9


class Forbidden(TokenhouseError):
    """The caller is known, and may not do this: another's account, or a role that it does not have."""

    code = "forbidden"
    exit_code = 11


class NotFound(TokenhouseError):
    """There is no such account, reservation, plan, rate, key or entry."""

    code = "not_found"
    exit_code = 4


class MethodRefused(NotFound):
    """There is such a path, and it does not take this method; `allow` lists those that it takes."""

    code = "method_not_allowed"


class KeyReused(TokenhouseError):
    """A repeated write came with another payload; the first one stands."""

    code = "key_reused"
    exit_code = 5


class Busy(TokenhouseError):
    """The writer's queue is full; nothing was taken. Come back in `retry_after_s` seconds."""

    code = "busy"
    retryable = True
    exit_code = 6


class StillRunning(Busy):
    """A call under the same idempotency key is still at work; repeated later, its answer comes."""

    code = "still_running"


class Throttled(TokenhouseError):
    """More requests, or more failed attempts, than one caller may make. Come back in `retry_after_s`."""

    code = "throttled"
    retryable = True
    exit_code = 6


class UpstreamTrouble(TokenhouseError):
    """The provider cannot be reached, or does not answer in time; nothing was charged."""

    code = "upstream_trouble"
    retryable = True
    exit_code = 10


class DatabaseTrouble(TokenhouseError):
    """The database is away, full, too old, or in another's hands."""

    code = "database_trouble"
    retryable = True
    exit_code = 7


class StartRefused(TokenhouseError):
    """Settings or surroundings with which tokenhouse must not start."""

    code = "start_refused"
    exit_code = 8
