"""Mail: the server that notices go through."""

from typing import Literal

import msgspec

from tokenhouse.errors import StartRefused
from tokenhouse.settings.checks import bounded


class Smtp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail server that notices go through: the `[smtp]` table of `tokenhouse.toml`."""

    host: str
    """Its name."""
    port: int = 587
    """Its port: 587 with `tls = "starttls"`, 465 with "tls"."""
    sender: str
    """Whom mails come from: `tokens@example.com` or `Tokens <tokens@example.com>`."""
    user: str = ""
    """Who logs in; nobody without."""
    password: str = ""
    """The user's password, which no text of ours ever shows."""
    password_env: str = ""
    """The variable of the environment that holds the password instead."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the way there is encrypted: a plain greeting first, from the first byte, or not at all."""
    timeout_s: float = 20
    """Seconds for one mail (up to 25)."""

    def __post_init__(self) -> None:
        if not self.host.isprintable() or not self.host or "@" not in self.sender:
            raise StartRefused("smtp_incomplete")
        if not self.sender.isprintable():
            raise StartRefused("smtp_incomplete")
        bounded(self, "smtp.", ("port", 1, 65_535), ("timeout_s", 1, 25))

    def __repr__(self) -> str:
        """Return its place; not what opens it."""
        return f"Smtp(host={self.host!r}, port={self.port!r}, tls={self.tls!r})"
