"""Credentials: whose call is it? Each kind reads one proof out of a request, and believes nothing else.

A kind says None where its proof did not come, so that the next may try, and raises where one came that proves
nothing. What could be read by anybody as "believe whatever the caller says" is refused when it is built.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from tokenhouse.errors import StartRefused, Unauthenticated
from tokenhouse.house import Tokenhouse
from tokenhouse.store.keys import Key, Role
from tokenhouse.store.sessions import Session

Scope = Mapping[str, Any]
Named = str | None | Awaitable[str | None]

SECRET_LENGTH_MIN: Final = 32
"""Characters of a shared secret at least: the 256 bits that RFC 7518 asks of an HS256 key, in bytes."""
SECRET_LETTERS_MIN: Final = 8
"""Different characters in it at least; fewer were typed to get past the length."""
DEFAULTS: Final = (
    "secret",
    "change",
    "default",
    "password",
    "example",
    "your-",
    "your_",
    "insecure",
    "123456",
)
"""What examples and templates call their secrets; a random one holds none of them but by chance."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the outside name of the account, the role, and the API key or the session that was shown."""

    account: str
    role: Role = "user"
    key: Key | None = None
    session: Session | None = None

    @property
    def api_key(self) -> str:
        """Return the id by which limits know the key."""
        return "" if self.key is None else self.key.id

    @property
    def actor(self) -> str:
        """Return what entries and the audit log say of the caller."""
        if self.session is not None:
            return self.session.person.actor
        return f"account:{self.account}" if self.key is None else f"key:{self.key.prefix}"


class Credential(Protocol):
    """One way to prove who calls."""

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:
        """Return who calls; None where this proof did not come. Raises: Unauthenticated."""


class Asked:
    """The application's own answer: a function of the ASGI scope, plain or a coroutine, names the account."""

    def __init__(self, ask: Callable[[Scope], Named]) -> None:
        self._ask = ask

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:  # noqa: ARG002
        """Return whom the application names; None and an empty name are nobody."""
        named = self._ask(scope)
        if inspect.isawaitable(named):
            named = await named
        return Identity(account=named) if named else None


def credentials_of(account: object) -> tuple[Credential, ...]:
    """Return the credentials that a setting means: one, several, or a function.

    Raises: StartRefused `account_open`, for a header's bare name above all: whoever calls could write it.
    """
    several: Sequence[object] = account if isinstance(account, list | tuple) else [account]
    found = tuple(_credential(one) for one in several)
    if not found:
        raise StartRefused("account_open", value=repr(account))
    return found


async def identify(credentials: Sequence[Credential], scope: Scope, house: Tokenhouse) -> Identity:
    """Return who calls, by the first proof that came. Raises: Unauthenticated."""
    for credential in credentials:
        identity = await credential.find(scope, house)
        if identity is not None:
            return identity
    raise Unauthenticated("credential_missing")


def header(scope: Scope, name: str) -> str | None:
    """Return a header that may come once; None if it did not.

    Raises: Unauthenticated `header_repeated`: of two, nobody knows which one a proxy has checked.
    """
    wanted = name.lower().encode("latin-1")
    values = [value for header_name, value in scope["headers"] if header_name == wanted]
    if len(values) > 1:
        raise Unauthenticated("header_repeated", name=name)
    return values[0].decode("utf-8", "replace").strip() if values else None


def bearer(scope: Scope) -> str | None:
    """Return what stands in `Authorization: Bearer …`; None for none and for other schemes."""
    scheme, _, value = (header(scope, "authorization") or "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


def checked_secret(secret: object, name: str) -> str:
    """Return a shared secret that nobody guesses. Raises: StartRefused that says what is wrong with it."""
    if not isinstance(secret, str) or not secret.strip():
        raise StartRefused("secret_empty", name=name)
    if len(secret.encode()) < SECRET_LENGTH_MIN:
        raise StartRefused("secret_short", name=name, length=len(secret.encode()), least=SECRET_LENGTH_MIN)
    known = next((word for word in DEFAULTS if word in secret.lower()), None)
    if known is not None or len(set(secret)) < SECRET_LETTERS_MIN:
        raise StartRefused("secret_default", name=name)
    return secret


def _credential(one: object) -> Credential:
    """Return one credential; a function is asked."""
    if inspect.iscoroutinefunction(getattr(one, "find", None)):
        return one  # type: ignore[return-value]  # just looked
    if callable(one):
        return Asked(one)
    raise StartRefused("account_open", value=repr(one))
