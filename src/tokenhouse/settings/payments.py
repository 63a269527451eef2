"""Payments: who may say that an order is paid."""

import msgspec

from tokenhouse.settings.checks import bounded


class Callback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shop of your own that says over a signed call what was paid: the table `[payments.callback]`."""

    secret: str = ""
    """What it signs with: at least 32 random bytes, or `whsec_` and their base64; never shown."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    checkout_url: str = ""
    """The shop's page on which a person pays; `{order}` in it becomes the order's id."""
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
    """Where a person comes back to who has paid; `{order}` is the order's id. None: the order's page here."""
    cancel_url: str = ""
    """Where a person comes back to who has not, in the same way."""
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
        bounded(self, "payments.", ("pending_days", 1, 365), ("grace_days", 0, 90), ("tolerance_s", 1, 3_600))

    @property
    def providers(self) -> tuple[str, ...]:
        """Return who may say so: "manual" is an operator by hand."""
        named = (("callback", self.callback), ("stripe", self.stripe), ("toss", self.toss))
        return (*(name for name, one in named if one is not None), "manual")
