"""Settings: one frozen value, read once from the environment, then `tokenhouse.toml`, then defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from tokenhouse.errors import StartRefused

PREFIX = "TOKENHOUSE_"
OF_THE_COMMAND_LINE = ("json", "quiet", "debug")
"""Variables with our prefix that only the command line reads."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deployment decides: `x` is `TOKENHOUSE_X` in the environment, `x` in `tokenhouse.toml`."""

    home: Path = Path("~/.tokenhouse")
    """Folder of everything that tokenhouse keeps: embedded database, `tokenhouse.toml`, exports."""
    database_url: str | None = None
    """Your PostgreSQL (15 or newer); without it the embedded one under `home` is used."""
    environment: Literal["development", "production"] = "development"
    """Chooses the variant of a preset that has one (`quota`: 10,000 or 5,000 tokens)."""
    plan: str = "chat-tokens"
    """The plan of an account that names none; at the first start it also fixes the deployment's unit."""
    time_zone: str = "UTC"
    """IANA zone of calendar periods and of schedules, where plan and account name none."""
    locale: Literal["en", "ko"] = "en"
    """Language of messages to a person whose own is not known."""
    port: int = 8300
    """TCP port of the server on 127.0.0.1."""
    lanes: int = 2
    """Writer lanes of this process, one database connection each (1-16); one works while the other waits."""
    batch_rows_max: int = 500
    """Operations in one transaction at most (1-5,000)."""
    queue_rows_max: int = 10_000
    """Operations that may wait in one lane; past it callers get `Busy`."""
    retry_s: int = 30
    """Seconds for which a lane keeps trying to reach a lost database before its callers are told."""
    key_days: int = 30
    """Days for which an idempotency key is remembered."""
    purchase_url: str | None = None
    """The page where a person buys credit; part of every credit refusal."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("lanes", 1, 16),
            ("batch_rows_max", 1, 5_000),
            ("queue_rows_max", 1, 1_000_000),
            ("retry_s", 0, 3_600),
            ("key_days", 1, 3_650),
            ("port", 1, 65_535),
        ):
            if not low <= getattr(self, name) <= high:
                raise StartRefused(
                    "setting_out_of_range", name=name, value=getattr(self, name), low=low, high=high
                )
        if self.queue_rows_max < self.batch_rows_max:
            raise StartRefused(
                "setting_queue_below_batch", queue=self.queue_rows_max, batch=self.batch_rows_max
            )
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise StartRefused("setting_unknown_zone", value=self.time_zone) from None

    @property
    def folder(self) -> Path:
        """Return `home`, absolute, with `~` resolved."""
        return self.home.expanduser().absolute()


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process.

    Order: environment, then `tokenhouse.toml` in the home folder, then defaults.
    Raises: StartRefused with one line that names the setting, for an unknown key or an impossible value.
    """
    ours = {k[len(PREFIX) :].lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    given = {name: value for name, value in ours.items() if value and name not in OF_THE_COMMAND_LINE}
    home = Path(given.get("home", str(Settings().home))).expanduser()
    file = home / "tokenhouse.toml"
    written: dict[str, object] = {}
    if file.exists():
        try:
            written = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as trouble:
            raise StartRefused("settings_unreadable", file=str(file), problem=str(trouble)) from None
    try:
        return msgspec.convert({**written, **given}, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as trouble:
        raise StartRefused("setting_invalid", problem=str(trouble), file=str(file)) from None


def _path(kind: type, value: object) -> Path:
    """Return a folder's path of its text, which is the one kind of value that the converter does not know."""
    if kind is not Path or not isinstance(value, str):
        raise msgspec.ValidationError(f"Expected text, got `{type(value).__name__}`")
    return Path(value)
