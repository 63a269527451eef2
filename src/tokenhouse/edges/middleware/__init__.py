"""The middleware: a meter inside an ASGI application. `TokenMiddleware` is its door."""

from tokenhouse.edges.middleware.endpoints import (
    ANSWER_FIELDS,
    QUOTA_ENDPOINTS,
    TEXT_FIELDS,
    Endpoint,
)
from tokenhouse.edges.middleware.handle import MeteredCall, tokenhouse_call
from tokenhouse.edges.middleware.meter import TokenMiddleware

__all__ = [
    "ANSWER_FIELDS",
    "QUOTA_ENDPOINTS",
    "TEXT_FIELDS",
    "Endpoint",
    "MeteredCall",
    "TokenMiddleware",
    "tokenhouse_call",
]
