"""Errors in a vendor's own words: the body that its SDKs show to a person, and how a stream ends with it."""

from typing import Any, Final

import msgspec


class Native(msgspec.Struct, frozen=True):
    """What one kind of no is called by each vendor, and the status that goes with it."""

    status: int
    openai_type: str
    openai_code: str | None
    anthropic_type: str


KINDS: Final = {
    "insufficient_credit": Native(402, "insufficient_quota", "insufficient_quota", "billing_error"),
    "rate_limit": Native(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
    "invalid_request": Native(400, "invalid_request_error", None, "invalid_request_error"),
    "authentication": Native(401, "authentication_error", "invalid_api_key", "authentication_error"),
    "permission": Native(403, "permission_error", None, "permission_error"),
    "not_found": Native(404, "invalid_request_error", "not_found", "not_found_error"),
    "model_not_found": Native(404, "invalid_request_error", "model_not_found", "not_found_error"),
    "method": Native(405, "invalid_request_error", "method_not_supported", "invalid_request_error"),
    "conflict": Native(409, "conflict_error", "still_running", "invalid_request_error"),
    "too_large": Native(413, "invalid_request_error", "request_too_large", "request_too_large"),
    "key_reused": Native(422, "invalid_request_error", "idempotency_key_reused", "invalid_request_error"),
    "internal": Native(500, "server_error", None, "api_error"),
    "upstream": Native(502, "server_error", "upstream_error", "api_error"),
    "busy": Native(503, "server_error", "overloaded", "overloaded_error"),
    "upstream_timeout": Native(504, "server_error", "upstream_timeout", "timeout_error"),
}
"""The kinds of no. Types as OpenAI's and Anthropic's error references list them; a test shows each to their
own SDK in edges/."""

_ENCODER: Final = msgspec.json.Encoder()
_OWN: Final = {"message", "type"}
"""Members that no fact may take."""


def native_error(protocol: str, kind: str, message: str, facts: dict[str, Any] | None = None) -> bytes:
    """Return the error body of `kind` in the shape of `protocol`, "openai" or "anthropic".

    Args:
        protocol: whose SDK reads it.
        kind: one of `KINDS`.
        message: the sentence for a person, in the person's language.
        facts: further members, such as `short_by` and `resets_at`. For OpenAI `param` names the field and
            `code` may be another one than the kind's.
    """
    native, facts = KINDS[kind], facts or {}
    further = {name: fact for name, fact in facts.items() if name not in _OWN}
    if protocol == "anthropic":
        error = {"type": native.anthropic_type, "message": message, **further}
        return _ENCODER.encode({"type": "error", "error": error})
    named = {"message": message, "type": native.openai_type, "param": None, "code": native.openai_code}
    return _ENCODER.encode({"error": named | further})
