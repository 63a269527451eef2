"""The OpenAPI document, made once for all tests that hold something against it."""

from typing import Any, Final

from tokenhouse.edges.api import assembled

DOCUMENT: Final[dict[str, Any]] = assembled().openapi()
