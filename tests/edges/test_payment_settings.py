"""Payment settings: a secret that is empty, short or known stops the start, and none is ever shown."""

from typing import Any

import pytest

from tests.edges.api.paying import SECRET, STRIPE_KEY, STRIPE_SECRET, TOSS_KEY
from tokenhouse.edges.payments import Providers
from tokenhouse.errors import NotFound, StartRefused
from tokenhouse.settings import Callback, Payments, Settings, Stripe, Toss, read

pytestmark = pytest.mark.row("E9", "C6")


@pytest.mark.parametrize(
    "payments",
    [
        {"callback": Callback()},
        {"callback": Callback(secret="   ")},
        {"callback": Callback(secret="too-short")},
        {"callback": Callback(secret="whsec_c2hvcnQ")},
        {"callback": Callback(secret="whsec_" + "ä" * 40)},
        {"callback": Callback(secret="whsec_" + "A1b2" * 7)},
        {"callback": Callback(secret="change-me-please-change-me-please")},
        {"callback": Callback(secret="a" * 40)},
        {"callback": Callback(secret=SECRET, checkout_url="javascript:alert(1)")},
        {"stripe": Stripe(key=STRIPE_KEY)},
        {"stripe": Stripe(secret=STRIPE_SECRET)},
        {"stripe": Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET, url="http://stripe.test")},
        {"stripe": Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET, url="nonsense")},
        {"toss": Toss()},
        {"toss": Toss(key=TOSS_KEY, url="http://[")},
        {"toss": Toss(key=TOSS_KEY, url="https://user:pass@toss.test")},
    ],
)
def test_what_anybody_could_open_is_not_opened(payments: dict[str, Any]):
    with pytest.raises(StartRefused) as caught:
        Providers(Settings(payments=Payments(**payments)))
    assert "payments." in str(caught.value)


def test_what_is_not_set_up_is_closed():
    providers = Providers(Settings())
    for name in ("callback", "stripe", "toss"):
        with pytest.raises(NotFound):
            getattr(providers, name)


def test_a_key_may_be_plain_text_or_base64():
    for secret in (SECRET, "x7Kq2Lw9Zp4Rt6Vb1Nm3Cd5Gh8Jf0SaYe"):
        assert Providers(Settings(payments=Payments(callback=Callback(secret=secret)))).callback


def test_no_secret_shows():
    payments = Payments(
        callback=Callback(secret=SECRET),
        stripe=Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET),
        toss=Toss(key=TOSS_KEY),
    )
    shown = repr(Settings(payments=payments))
    assert not any(secret in shown for secret in (SECRET, STRIPE_KEY, STRIPE_SECRET, TOSS_KEY))


def test_secrets_come_from_the_environment(tmp_path):
    file = tmp_path / "tokenhouse.toml"
    file.write_text('[payments]\nseller = "We"\n[payments.toss]\nkey_env = "TOSS"\n', encoding="utf-8")
    found = read({"TOKENHOUSE_HOME": str(tmp_path), "TOSS": TOSS_KEY})
    assert found.payments.toss is not None
    assert (found.payments.toss.key, found.payments.seller) == (TOSS_KEY, "We")
    with pytest.raises(StartRefused, match="TOSS"):
        read({"TOKENHOUSE_HOME": str(tmp_path)})
    file.write_text("[payments]\npending_days = 0\n", encoding="utf-8")
    with pytest.raises(StartRefused, match="pending_days"):
        read({"TOKENHOUSE_HOME": str(tmp_path)})
