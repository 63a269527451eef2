"""Wire formats as the meter sees them: a request read, an answer measured, a stream relayed, a no written."""

from typing import Any, Protocol

import msgspec

from tokenhouse.rules.usage import Usage


class Request(msgspec.Struct, kw_only=True):
    """What the meter must know of a caller's body; everything else of it is the provider's affair."""

    dialect: "Dialect"
    body: bytes
    """As it came."""
    document: dict[str, Any]
    """The body decoded, for counting its tokens; not to be changed."""
    model: str
    stream: bool
    choices: int = 1
    """How many answers may be produced, and paid: `n`, `best_of`, and a prompt of several prompts."""
    cap: int | None = None
    """The caller's cap on the output tokens of one answer; None: it named none."""
    shows_usage: bool = True
    """Whether the caller may see the usage chunk of a stream: it asked, or its format always has one."""


class Measured(msgspec.Struct, kw_only=True, frozen=True):
    """What an answer, or as much of it as has come, says that it took."""

    usage: Usage | None = None
    """The provider's own account of the whole answer; None: it gave none, so count `text`."""
    usage_input: Usage | None = None
    """Its account of the input alone, where an answer broke off after that (Anthropic says it first)."""
    parts: tuple[tuple[str, Usage], ...] = ()
    """`usage` by model, where one call ran several; their sum is `usage`."""
    text: str = ""
    """All text that was produced, thinking and the arguments of tools included."""
    bytes_unread: int = 0
    """Bytes that went by without being read: what is no JSON, or is too large to be held."""
    model: str = ""
    """Who answered, as the provider names it; the request's model where it says nothing."""
    finished: bool = False
    """Whether the provider came to its proper end."""
    error: dict[str, Any] | None = None
    """The error that came inside an answer of status 200."""
    marks: tuple[str, ...] = ()
    """What an auditor should know, in the words of `MARKS`."""


MARKS = ("total_larger", "iterations", "unread", "absurd")
"""`total_larger`: its total is more than its parts, and counts. `iterations`: a sum over several runs of
models. `unread`: a part of the answer could not be read; see `bytes_unread`. `absurd`: it said more than
can be believed, so that was passed over."""


class Dialect(Protocol):
    """One wire format. Pure: bytes in, values or bytes out."""

    @property
    def name(self) -> str:
        """Return "openai-chat", "openai-responses", "openai-completions", "openai-embeddings" or so."""

    @property
    def protocol(self) -> str:
        """Return whose errors and streams it speaks: "openai" or "anthropic"."""

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field."""

    def outgoing(self, request: Request, cap: int | None, model: str | None = None) -> bytes:
        """Return the body for the provider: output capped at `cap`, usage asked for, `model` named.

        A cap only ever lowers the caller's own. Where nothing changes, the very same bytes go, unless a name
        came twice: it goes once. All other values keep their bytes and their order. The dialect of the route
        is asked: it knows which fields its provider takes.
        """

    def measure(self, request: Request, body: bytes) -> Measured:
        """Return what a whole answer took. Never raises: the answer is on its way to the user."""

    def relay(self, request: Request) -> "Relay":
        """Return the relay of a streamed answer."""

    def refusal(self, kind: str, message: str, **facts: Any) -> bytes:
        """Return an error body as this format's clients expect it; kinds: `native_errors.KINDS`."""


class Relay(Protocol):
    """A stream on its way to the client. Never raises, whatever comes."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may go on now: all complete events, but for a usage chunk that nobody asked for."""

    def finish(self) -> bytes:
        """Return what is left when the provider has closed the stream."""

    def broken(self, error: bytes) -> bytes:
        """Return the end of a stream that we stop, with `error`, a body of `Dialect.refusal`, inside it.

        Afterwards nothing more goes to the client; feeding on only measures.
        """

    @property
    def measured(self) -> Measured:
        """Return what has come so far."""
