"""Settings: one frozen value, read once from the environment, then `tokenhouse.toml`, then defaults."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from tokenhouse.errors import StartRefused
from tokenhouse.settings.chat import Chat
from tokenhouse.settings.checks import bounded, opened, parted, shown, without_userinfo
from tokenhouse.settings.identity import Jwt, TrustedHeader
from tokenhouse.settings.mail import Smtp
from tokenhouse.settings.payments import Callback, Payments, Stripe, Toss
from tokenhouse.settings.upstreams import Upstream

__all__ = [
    "Callback",
    "Chat",
    "Jwt",
    "Payments",
    "Settings",
    "Smtp",
    "Stripe",
    "Toss",
    "TrustedHeader",
    "Upstream",
    "checked",
    "given",
    "plain",
    "read",
    "shown",
    "without_userinfo",
    "written",
]

PREFIX = "TOKENHOUSE_"
FILE = "tokenhouse.toml"
OF_THE_COMMAND_LINE = ("json", "quiet", "debug")
"""Variables with our prefix that only the command line reads."""
LISTS = ("cors_origins", "hosts", "proxies")
"""What the environment says with commas in between."""
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
"""A site as browsers name it (RFC 6454): nothing behind the port, and not a star, which is every site."""
HOST = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\]")
"""A name, or a star for all names below one."""


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
    metrics_public: bool = False
    """Whether `/metrics` answers this machine without a key; what comes through a proxy needs one anyway."""
    traces_url: str | None = None
    """Where spans go, an OTLP collector: `http://127.0.0.1:4318/v1/traces`; wants the extra `otel`."""
    log_format: Literal["text", "json"] = "text"
    """How the server writes its log: lines for people, or JSON for programs."""
    schedule: bool = True
    """Whether this node runs jobs. Several may: each run is one's. Without any nothing is swept or sent."""
    key_days: int = 30
    """Days for which an idempotency key is remembered."""
    redis_url: str | None = None
    """A Redis or Valkey in which nodes share what statistics they found out; wants the extra `redis`."""
    purchase_url: str | None = None
    """The page where a person buys credit, part of every credit refusal; otherwise the server's own."""
    chat: Chat = Chat()
    """The built-in chat: a table `[chat]`."""
    upstream: tuple[Upstream, ...] = ()
    """Providers, one `[[upstream]]` table each; in development, and without any, `demo` is one."""
    body_bytes_max: int = 32 * 1024 * 1024
    """The largest body of a call that the gateway takes (1,024 bytes - 1 GiB)."""
    public_url: str | None = None
    """Where people reach the server: `https://tokens.example.com`. Links begin so, cookies obey it."""
    jwt: Jwt | None = None
    """Tokens of your application as credentials of REST and gateway: a table `[jwt]`."""
    trusted_header: TrustedHeader | None = None
    """A header of your proxy as credential of REST and gateway: a table `[trusted_header]`."""
    proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` and `-Proto` are believed."""
    hosts: tuple[str, ...] = ()
    """Names that `Host` may say, `*.example.com` among them; any without."""
    cors_origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call the REST API: `https://app.example.com`."""
    session_days: int = 14
    """Days after which somebody who signed in signs in again (1-365)."""
    session_idle_hours: int = 12
    """Hours without a request after which they do (1-8,760)."""
    api_body_bytes_max: int = 1024 * 1024
    """The largest body that the REST API takes (1,024 bytes - 1 GiB)."""
    import_bytes_max: int = 16 * 1024 * 1024
    """The largest file of accounts that can be imported over REST (1,024 bytes - 512 MiB)."""
    api_per_minute: int = 1_200
    """Requests a minute to the REST API of one user, on each process; 0 for any number."""
    address_per_minute: int = 6_000
    """Requests a minute of callers from one address who are not known yet, on each process; 0 for any."""
    failures_per_minute: int = 60
    """Refused credentials a minute from one address, before no unknown one is looked at; 0 for any number."""
    smtp: Smtp | None = None
    """The mail server for notices: a table `[smtp]`; without it none goes by e-mail."""
    webhooks_private: bool | None = None
    """Whether webhooks may go to private addresses and without TLS; otherwise in development alone."""
    warning_in_body: bool = True
    """Whether answers of the gateway hold the warning of an account near its end in their body as well."""

    payments: Payments = Payments()
    """Who may say that an order is paid: the table `[payments]`, and one below it for each provider."""

    def __post_init__(self) -> None:
        bounded(
            self,
            "",
            ("lanes", 1, 16),
            ("batch_rows_max", 1, 5_000),
            ("queue_rows_max", 1, 1_000_000),
            ("retry_s", 0, 3_600),
            ("key_days", 1, 3_650),
            ("port", 0, 65_535),
            ("workers", 1, 64),
            ("stop_s", 0, 3_600),
            ("session_days", 1, 365),
            ("session_idle_hours", 1, 8_760),
            ("api_body_bytes_max", 1_024, 1024**3),
            ("import_bytes_max", 1_024, 512 * 1024**2),
            ("api_per_minute", 0, 1_000_000),
            ("address_per_minute", 0, 1_000_000),
            ("failures_per_minute", 0, 1_000_000),
        )
        if self.queue_rows_max < self.batch_rows_max:
            raise StartRefused(
                "setting_queue_below_batch", queue=self.queue_rows_max, batch=self.batch_rows_max
            )
        if self.public_url is not None:
            place = parted(self.public_url)
            if place.scheme not in ("http", "https") or not place.hostname or place.query or place.fragment:
                raise StartRefused("setting_public_url", value=without_userinfo(self.public_url))
        for origin in self.cors_origins:
            if not ORIGIN.fullmatch(origin):
                raise StartRefused("setting_origin", value=ascii(origin[:80]))
        for host in self.hosts:
            if not HOST.fullmatch(host):
                raise StartRefused("setting_host", value=ascii(host[:80]))
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise StartRefused("setting_unknown_zone", value=self.time_zone) from None

    def __repr__(self) -> str:
        """Return them without what opens something."""
        return f"Settings({shown(self)})"

    @property
    def private_webhooks(self) -> bool:
        """Whether notices may be sent to addresses that only this network knows, and unencrypted."""
        return self.environment == "development" if self.webhooks_private is None else self.webhooks_private

    @property
    def folder(self) -> Path:
        """Return `home`, absolute, with `~` resolved."""
        return self.home.expanduser().absolute()

    @property
    def place(self) -> str:
        """Return where people reach the server, without a slash at the end."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{name}:{self.port}").rstrip("/")


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process.

    Order: environment, then `tokenhouse.toml` in the home folder, then defaults.
    Raises: StartRefused with one line that names the setting, for an unknown key or an impossible value.
    """
    ours = given(environ)
    home = Path(ours.get("home", str(Settings().home))).expanduser()
    file = home / FILE
    try:
        chosen = msgspec.convert({**written(home), **ours}, Settings, strict=False, dec_hook=_path)
        return opened(chosen, environ)
    except msgspec.ValidationError as trouble:
        raise StartRefused("setting_invalid", problem=str(trouble), file=str(file)) from None


def given(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the environment says; an empty variable says nothing."""
    ours = {k[len(PREFIX) :].lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    found: dict[str, Any] = {n: value for n, value in ours.items() if value and n not in OF_THE_COMMAND_LINE}
    return found | {name: _listed(found[name]) for name in LISTS if name in found}


def written(home: Path) -> dict[str, Any]:
    """Return what the file in a home folder says, if there is one. Raises: StartRefused."""
    file = home / FILE
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as trouble:
        raise StartRefused("settings_unreadable", file=str(file), problem=str(trouble)) from None


def plain(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values, secrets among them: for a process of our own, and nobody else."""
    document: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    return document


def checked(document: Mapping[str, Any]) -> Settings:
    """Return the settings of which `plain` made these values."""
    return msgspec.convert(document, Settings, dec_hook=_path)


def _listed(text: str) -> list[str]:
    """Return what stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _path(kind: type, value: object) -> Path:
    """Return a folder's path of its text, which is the one kind of value that the converter does not know."""
    if kind is not Path or not isinstance(value, str):
        raise msgspec.ValidationError(f"Expected text, got `{type(value).__name__}`")
    return Path(value)
