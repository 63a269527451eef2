"""Settings: one frozen value, read once from the environment, then `tokenhouse.toml`, then defaults."""

import os
import re
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
LISTS = ("cors_origins", "hosts", "proxies")
"""What the environment says with commas in between."""
SECRETIVE = re.compile(r"(^|_)(key|password|secret|token|headers)$")
"""Names of what opens something; their values appear in no text of ours."""
HIDDEN = "…"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
"""A site as browsers name it (RFC 6454): nothing behind the port, and not a star, which is every site."""
HOST = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\]")
"""A name, or a star for all names below one."""


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
        for name, low, high in (
            ("output_tokens", 16, 1_000_000),
            ("history_tokens", 0, 10_000_000),
            ("context_tokens", 64, 10_000_000),
            ("message_chars_max", 1, 1_000_000),
        ):
            if not low <= getattr(self, name) <= high:
                facts = {"name": f"chat.{name}", "value": getattr(self, name), "low": low, "high": high}
                raise StartRefused("setting_out_of_range", **facts)


class Jwt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of the application that knows the users already: the `[jwt]` table of `tokenhouse.toml`."""

    secret: str | None = None
    """The shared secret of HS256: 32 bytes or more from a random source. One of the three is given."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    public_key: str | None = None
    """The signer's public key, as PEM."""
    jwks: str | None = None
    """The https address where the signer publishes its keys; they are fetched anew as they rotate."""
    claim: str = "sub"
    """The claim that names the account."""
    role_claim: str | None = None
    """The claim that names a role, or a list of them; without it every caller is a user."""
    issuer: str | None = None
    """What `iss` must say."""
    audience: str | None = None
    """What `aud` must hold; a token for somebody is believed only by whom it names."""
    algorithms: tuple[str, ...] = ()
    """Signatures that are believed; HS256 with a secret and RS256, ES256 otherwise."""
    header: str = "authorization"
    """The header with the token; in `authorization` it stands behind `Bearer`."""
    leeway_s: int = 30
    """How far the clocks of signer and server may differ."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"Jwt({shown(self)})"

    def opened(self, environ: Mapping[str, str]) -> "Jwt":
        """Return it with its secret, from the variable that holds it."""
        return msgspec.structs.replace(self, secret=_of(environ, self.secret_env, self.secret))


class TrustedHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A header that a proxy of yours writes: the `[trusted_header]` table of `tokenhouse.toml`."""

    name: str = "x-user-id"
    """The header that names the account."""
    secret: str | None = None
    """What the proxy sends in `x-tokenhouse-secret`: 32 bytes or more from a random source."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    peers: tuple[str, ...] = ()
    """Addresses and networks of the proxy; with a secret, both must hold."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"TrustedHeader({shown(self)})"

    def opened(self, environ: Mapping[str, str]) -> "TrustedHeader":
        """Return it with its secret, from the variable that holds it."""
        return msgspec.structs.replace(self, secret=_of(environ, self.secret_env, self.secret))


class Callback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shop of your own that says over a signed call what was paid: the table `[payments.callback]`."""

    secret: str = ""
    """What it signs with: at least 32 random bytes, or `whsec_` and their base64; never shown."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    opens_orders: bool = False
    """Whether a signed call may name a payment for which nobody opened an order here: account and credit are
    then what the shop says. The path `/api/v1/user-quota/payment-callback` needs it."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"Callback(opens_orders={self.opens_orders!r})"


class Stripe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stripe: the table `[payments.stripe]`; it needs the extra `tokenhouse[stripe]`."""

    key: str = ""
    """Its API key (`sk_…` or `rk_…`); never shown."""
    key_env: str = ""
    """The variable of the environment that holds the key instead."""
    secret: str = ""
    """The signing secret (`whsec_…`) of the webhook endpoint; never shown."""
    secret_env: str = ""
    """The variable of the environment that holds the signing secret instead."""
    success_url: str = ""
    """Where a person comes back to who has paid."""
    cancel_url: str = ""
    """Where a person comes back to who has not."""
    url: str = "https://api.stripe.com"
    """Where its API is."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"Stripe(url={self.url!r})"


class Toss(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Toss Payments: the table `[payments.toss]`."""

    key: str = ""
    """Its secret key (`live_sk_…`, `test_sk_…`); never shown."""
    key_env: str = ""
    """The variable of the environment that holds the key instead."""
    client_key: str = ""
    """Its public key, with which a page opens the payment window."""
    url: str = "https://api.tosspayments.com"
    """Where its API is."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"Toss(url={self.url!r})"


class Payments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may say that an order is paid: the table `[payments]`."""

    callback: Callback | None = None
    """A shop of your own; none, and its path is closed."""
    stripe: Stripe | None = None
    """Stripe; none, and its path is closed."""
    toss: Toss | None = None
    """Toss Payments; none, and its path is closed."""
    seller: str = ""
    """Who sells, as receipts say it: name, address, registration number."""
    pending_days: int = 30
    """Days after which an order that nobody has paid for fails (1-365)."""
    grace_days: int = 3
    """Days for which a subscription goes on after its period while its payment is awaited (0-90)."""
    tolerance_s: int = 300
    """Seconds by which the time of a signature may be off (1-3,600); after that it is a replay."""

    def __post_init__(self) -> None:
        for name, low, high in (("pending_days", 1, 365), ("grace_days", 0, 90), ("tolerance_s", 1, 3_600)):
            if not low <= (value := getattr(self, name)) <= high:
                facts = {"name": f"payments.{name}", "value": value, "low": low, "high": high}
                raise StartRefused("setting_out_of_range", **facts)

    @property
    def providers(self) -> tuple[str, ...]:
        """Return who may say so: "manual" is an operator by hand."""
        named = (("callback", self.callback), ("stripe", self.stripe), ("toss", self.toss))
        return (*(name for name, one in named if one is not None), "manual")

    def opened(self, environ: Mapping[str, str]) -> "Payments":
        """Return it with its secrets, from the variables that hold them. Raises: StartRefused for none."""
        changed = {
            name: _with_secrets(one, name, environ)
            for name in ("callback", "stripe", "toss")
            if (one := getattr(self, name)) is not None
        }
        return msgspec.structs.replace(self, **changed)


def _with_secrets(one: msgspec.Struct, name: str, environ: Mapping[str, str]) -> msgspec.Struct:
    """Return a provider with what its variables of the environment hold."""
    found = {}
    for field in one.__struct_fields__:
        variable = getattr(one, field) if field.endswith("_env") else ""
        if variable:
            found[field.removesuffix("_env")] = environ.get(variable, "").strip()
            if not found[field.removesuffix("_env")]:
                raise StartRefused("secret_variable_empty", name=f"payments.{name}", variable=variable)
    return msgspec.structs.replace(one, **found)


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
        for name, low, high in (("port", 1, 65_535), ("timeout_s", 1, 25)):
            if not low <= getattr(self, name) <= high:
                facts = {"name": f"smtp.{name}", "value": getattr(self, name), "low": low, "high": high}
                raise StartRefused("setting_out_of_range", **facts)

    def __repr__(self) -> str:
        """Return its place; not what opens it."""
        return f"Smtp(host={self.host!r}, port={self.port!r}, tls={self.tls!r})"

    def opened(self, environ: Mapping[str, str]) -> "Smtp":
        """Return it with its password, from the variable that holds it."""
        if not self.password_env:
            return self
        return msgspec.structs.replace(self, password=environ.get(self.password_env, "").strip())


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
    """The page where a person buys credit; part of every credit refusal."""
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
        for name, low, high in (
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
            ("api_per_minute", 0, 1_000_000),
            ("address_per_minute", 0, 1_000_000),
            ("failures_per_minute", 0, 1_000_000),
        ):
            if not low <= getattr(self, name) <= high:
                raise StartRefused(
                    "setting_out_of_range", name=name, value=getattr(self, name), low=low, high=high
                )
        if self.queue_rows_max < self.batch_rows_max:
            raise StartRefused(
                "setting_queue_below_batch", queue=self.queue_rows_max, batch=self.batch_rows_max
            )
        if self.public_url is not None:
            place = _parted(self.public_url)
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
    ours = {k[len(PREFIX) :].lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    given: dict[str, Any] = {n: value for n, value in ours.items() if value and n not in OF_THE_COMMAND_LINE}
    given |= {name: _listed(given[name]) for name in LISTS if name in given}
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
        tables = {name: getattr(chosen, name) for name in chosen.__struct_fields__}
        opened = {name: table.opened(environ) for name, table in tables.items() if hasattr(table, "opened")}
        opened["upstream"] = tuple(one.opened(environ) for one in chosen.upstream)
        return msgspec.structs.replace(chosen, **opened)
    except msgspec.ValidationError as trouble:
        raise StartRefused("setting_invalid", problem=str(trouble), file=str(file)) from None


def plain(settings: Settings) -> dict[str, Any]:
    """Return settings as plain values, secrets among them: for a process of our own, and nobody else."""
    document: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    return document


def checked(document: Mapping[str, Any]) -> Settings:
    """Return the settings of which `plain` made these values."""
    return msgspec.convert(document, Settings, dec_hook=_path)


def shown(settings: msgspec.Struct) -> dict[str, Any]:
    """Return settings as a person may see them: whether there is a secret, and never which."""
    return {name: _shown(name, getattr(settings, name)) for name in settings.__struct_fields__}


def without_userinfo(url: str) -> str:
    """Return an address without user, password, query and fragment, any of which may open something."""
    place = _parted(url)
    return place._replace(netloc=place.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _shown(name: str, value: Any) -> Any:
    """Return one setting as a person may see it."""
    if isinstance(value, msgspec.Struct):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(name, one) for one in value]
    if SECRETIVE.search(name) and value:
        return HIDDEN
    if isinstance(value, str) and "://" in value:
        return without_userinfo(value)
    return value


def _listed(text: str) -> list[str]:
    """Return what stands between commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _of(environ: Mapping[str, str], variable: str, otherwise: str | None) -> str | None:
    """Return a secret from the variable that holds it: empty where it does, which no server starts with."""
    return environ.get(variable, "").strip() if variable else otherwise


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
