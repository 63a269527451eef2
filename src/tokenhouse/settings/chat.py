"""The built-in chat: who answers, and how much goes along with a message."""

import msgspec

from tokenhouse.settings.checks import bounded


class Chat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The built-in chat: the `[chat]` table of `tokenhouse.toml`."""

    model: str = "demo"
    """Who answers; one of the upstreams must have it, by the name that callers use."""
    models: tuple[str, ...] = ()
    """Other models that a conversation may be opened with."""
    system: str = ""
    """The system prompt, which goes before every conversation; conversations do not show it."""
    name: str = ""
    """What the assistant is called where a conversation is exported; its model otherwise."""
    output_tokens: int = 1_024
    """Tokens of one answer at most (16-1,000,000)."""
    history_tokens: int = 8_000
    """Tokens of earlier turns that go along with a message at most; the oldest stay behind (0-10,000,000)."""
    context_tokens: int = 128_000
    """The model's context: system prompt, earlier turns, message and answer fit into it (64-10,000,000)."""
    message_chars_max: int = 32_000
    """Characters of one message at most (1-1,000,000)."""

    def __post_init__(self) -> None:
        bounded(
            self,
            "chat.",
            ("output_tokens", 16, 1_000_000),
            ("history_tokens", 0, 10_000_000),
            ("context_tokens", 64, 10_000_000),
            ("message_chars_max", 1, 1_000_000),
        )
