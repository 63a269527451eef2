"""Passwords: what is kept of them, and whether one is right, at a price that nobody pays a million times."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from tokenhouse.errors import Busy, InvalidInput, Throttled
from tokenhouse.flow.throttle import Throttle
from tokenhouse.rules.periods import Instant

T = TypeVar("T")

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
LETTERS_MIN: Final = 5
"""Different characters at least; fewer were typed to get past the length."""

HASHER: Final = PasswordHasher(
    time_cost=3, memory_cost=65_536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
)
"""The second recommended option of RFC 9106, section 4: 64 MiB, some tenths of a second."""
NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$EmdCAZ2R7ZScadEVJ8kK9w$aJAksRcdIMZEffc7yUSb+P6kGFIdyumPwo9WEC+kFI0"
)
"""The hash of a password that nobody knows: it is compared where there is no person, so that the answer takes
as long as for one who is there."""
AT_ONCE: Final = 2
WAITING_MAX: Final = 32
"""How many passwords are hashed at once, 64 MiB each, and how many may wait for that."""
TRIES_PER_MINUTE: Final = 10
"""How many wrong passwords an address, and an e-mail, may be tried with in a minute."""


@dataclass(slots=True)
class Lodge:
    """Where those who sign in wait: what one process counts of them."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    waiting: int = 0
    by_address: Throttle = field(default_factory=lambda: Throttle(TRIES_PER_MINUTE))
    by_email: Throttle = field(default_factory=lambda: Throttle(TRIES_PER_MINUTE))

    def admit(self, email: str, address: str, now: Instant) -> None:
        """Count an attempt to sign in. Raises: Throttled, after too many from here or for them."""
        wait_s = max(self.by_email.wait(email, now), self.by_address.wait(address, now))
        if wait_s:
            raise Throttled("sign_in_throttled", retry_after_s=wait_s)
        self.by_email.take(email, now)
        self.by_address.take(address, now)

    def acquit(self, email: str, address: str) -> None:
        """Count an attempt no longer: the password was right."""
        self.by_email.give_back(email)
        self.by_address.give_back(address)

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password. Raises: Busy."""
        return await self._worked(lambda: HASHER.hash(normalize("NFKC", password)))

    async def matches(self, password: object, kept: str | None) -> bool:
        """Return whether a password is that of the hash `kept`; as slow for None. Raises: Busy."""
        given = normalize("NFKC", password) if isinstance(password, str) else ""
        given = given if len(given) <= LENGTH_MAX else ""
        right = await self._worked(lambda: _verified(NOBODY if kept is None else kept, given))
        return right and kept is not None

    async def _worked(self, work: Callable[[], T]) -> T:
        """Return what comes of work that takes long, done in a thread, few at a time."""
        if self.waiting >= WAITING_MAX:
            raise Busy("passwords_waiting", retry_after_s=5)
        self.waiting += 1
        try:
            async with self.turns:
                return await asyncio.to_thread(work)
        finally:
            self.waiting -= 1


def checked_password(password: object, email: str) -> str:
    """Return a password, in the one form of its characters, that is not easily guessed. Raises: InvalidInput.

    What stands against guessing is length; nobody is made to use a digit.
    """
    if not isinstance(password, str):
        raise InvalidInput("text_expected", field="password", value=type(password).__name__)
    form = normalize("NFKC", password)
    if not LENGTH_MIN <= len(form) <= LENGTH_MAX:
        raise InvalidInput(
            "password_length",
            field="password",
            value="",
            length=len(form),
            least=LENGTH_MIN,
            most=LENGTH_MAX,
        )
    try:
        form.encode()
    except UnicodeEncodeError:
        raise InvalidInput("password_unwritable", field="password", value="") from None
    if len(set(form)) < LETTERS_MIN or form.lower() in (email, email.partition("@")[0] * 2):
        raise InvalidInput("password_easy", field="password", value="")
    return form


def outdated(kept: str) -> bool:
    """Return whether a hash was made with other costs than today's."""
    return HASHER.check_needs_rehash(kept)


def _verified(kept: str, given: str) -> bool:
    """Return whether a password is that of a hash."""
    try:
        return HASHER.verify(kept, given)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
