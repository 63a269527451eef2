"""Settings: one frozen value, read once from the environment, then `tokenhouse.toml`, then defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from tokenhouse.errors import StartRefused

PREFIX = "TOKENHOUSE_"
OF_THE_COMMAND_LINE = ("json", "quiet", "debug")
"""Variables with our prefix that only the command line reads."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider to which calls are sent: one `[[upstream]]` table of `tokenhouse.toml`."""

    name: str
    """What the operator calls it: in logs, in `GET /v1/models`."""
    url: str
    """Where its paths begin, `/v1` included: `https://api.openai.com/v1`, `https://api.anthropic.com/v1`."""
    protocol: Literal["openai", "anthropic"] = "openai"
    """Which calls it takes: "openai" or "anthropic". None is translated into the other."""
    key: str = ""
    """Its API key, which no text of ours ever shows."""
    key_env: str = ""
    """The variable of the environment that holds the key instead."""
    models: tuple[str, ...] = ("*",)
    """Names, or starts of names and `*`. Among all upstreams the most specific one has the model."""
    rename: dict[str, str] = {}
    """The name that callers use -> the provider's own."""
    headers: dict[str, str] = {}
    """Headers of every request, such as Azure's `api-key`; never shown either."""
    cap_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Where an OpenAI-compatible provider wants the cap; older ones know only `max_tokens`."""
    asks_usage: bool = True
    """Whether it takes `stream_options`; without it the usage of a stream may have to be estimated."""
    connect_s: float = 10
    """Seconds to reach it, a free connection of the pool included."""
    first_byte_s: float = 600
    """Seconds until its answer begins: a whole one begins when all of it has been thought."""
    idle_s: float = 120
    """Seconds between two pieces of an answer."""
    total_s: float = 840
    """Seconds for a whole call: less than the 15 minutes that a reservation lives in most plans."""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not 1 <= len(self.name) <= 63:
            raise StartRefused("upstream_name", value=ascii(self.name[:40]))
        place = _parted(self.url)
        if place.scheme not in ("http", "https") or not place.hostname or place.username or place.fragment:
            raise StartRefused("upstream_url", name=self.name)
        for pattern in self.models:
            if not pattern or "*" in pattern[:-1]:
                raise StartRefused("upstream_pattern", name=self.name, value=ascii(pattern[:40]))
        words = [self.key, *(word for pair in self.headers.items() for word in pair)]
        if not all(word.isprintable() and word.isascii() for word in words):
            raise StartRefused("upstream_header", name=self.name)
        for field in ("connect_s", "first_byte_s", "idle_s", "total_s"):
            if not 0 < getattr(self, field) <= 86_400:
                facts = {"name": f"upstream.{field}", "value": getattr(self, field), "low": 0, "high": 86_400}
                raise StartRefused("setting_out_of_range", **facts)

    def __repr__(self) -> str:
        """Return its name and place; not what opens it."""
        return f"Upstream(name={self.name!r}, place={self.place!r}, protocol={self.protocol!r})"

    @property
    def place(self) -> str:
        """Return its address without a query, which may hold what opens it."""
        return self.url.partition("?")[0]

    def opened(self, environ: Mapping[str, str]) -> "Upstream":
        """Return it with its key, from the variable that holds it. Raises: StartRefused if that is empty."""
        if not self.key_env:
            return self
        key = environ.get(self.key_env, "").strip()
        if not key:
            raise StartRefused("upstream_key_empty", name=self.name, variable=self.key_env)
        return msgspec.structs.replace(self, key=key)


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
    host: str = "127.0.0.1"
    """Address at which the server listens; `0.0.0.0` is every IPv4 address of the machine."""
    port: int = 8300
    """TCP port of the server; 0 takes one that is free."""
    workers: int = 1
    """Processes that share the port (1-64); as many as there are cores is right."""
    stop_s: int = 10
    """Seconds for which calls under way may go on when the server stops; then they are cut and charged."""
    lanes: int = 2
    """Writer lanes of this process, one database connection each (1-16); a light load needs one."""
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
    upstream: tuple[Upstream, ...] = ()
    """Providers, one `[[upstream]]` table each; in development, and without any, `demo` is one."""
    body_bytes_max: int = 32 * 1024 * 1024
    """The largest body of a call that the gateway takes (1,024 bytes - 1 GiB)."""
    warning_in_body: bool = True
    """Whether answers of the gateway hold the warning of an account near its end in their body as well."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("lanes", 1, 16),
            ("batch_rows_max", 1, 5_000),
            ("queue_rows_max", 1, 1_000_000),
            ("retry_s", 0, 3_600),
            ("key_days", 1, 3_650),
            ("port", 0, 65_535),
            ("workers", 1, 64),
            ("stop_s", 0, 3_600),
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
        chosen = msgspec.convert({**written, **given}, Settings, strict=False, dec_hook=_path)
        opened = tuple(one.opened(environ) for one in chosen.upstream)
        return msgspec.structs.replace(chosen, upstream=opened) if opened else chosen
    except msgspec.ValidationError as trouble:
        raise StartRefused("setting_invalid", problem=str(trouble), file=str(file)) from None


def plain(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values, secrets among them: for a process of our own, and nobody else."""
    document: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    return document


def checked(document: Mapping[str, Any]) -> Settings:
    """Return the settings of which `plain` made these values."""
    return msgspec.convert(document, Settings, dec_hook=_path)


def _parted(url: str) -> SplitResult:
    """Return the parts of an address; none of one that is no address at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _path(kind: type, value: object) -> Path:
    """Return a folder's path of its text, which is the one kind of value that the converter does not know."""
    if kind is not Path or not isinstance(value, str):
        raise msgspec.ValidationError(f"Expected text, got `{type(value).__name__}`")
    return Path(value)
