"""Errors have the shape that each vendor's SDK expects, and facts never break it."""

import json

import pytest

from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.native_errors import KINDS, native_error

pytestmark = pytest.mark.row("E7")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_both_shapes_carry_message_type_and_facts(kind):
    facts = {"short_by": 112, "type": "mine", "message": "mine"}
    openai = json.loads(native_error("openai", kind, "잔액이 부족합니다.", facts))
    assert set(openai) == {"error"}
    assert list(openai["error"]) == ["message", "type", "param", "code", "short_by"]
    assert openai["error"]["message"] == "잔액이 부족합니다."
    assert openai["error"]["type"] == KINDS[kind].openai_type
    anthropic = json.loads(native_error("anthropic", kind, "No.", facts))
    assert anthropic["type"] == "error"
    assert anthropic["error"] == {"type": KINDS[kind].anthropic_type, "message": "No.", "short_by": 112}


def test_a_credit_refusal_is_what_makes_clients_stop_at_once():
    chat, messages = DIALECTS["openai-chat"], DIALECTS["anthropic-messages"]
    error = json.loads(chat.refusal("insufficient_credit", "No.", resets_at=None))["error"]
    assert (error["type"], error["code"], error["param"]) == (
        "insufficient_quota",
        "insufficient_quota",
        None,
    )
    assert KINDS["insufficient_credit"].status == 402
    assert json.loads(messages.refusal("insufficient_credit", "No."))["error"]["type"] == "billing_error"


def test_param_names_the_field_and_code_may_be_another():
    error = json.loads(native_error("openai", "invalid_request", "No.", {"param": "n", "code": 402}))["error"]
    assert (error["param"], error["code"]) == ("n", 402)
