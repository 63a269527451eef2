"""The language of a request: the first one that it accepts and that we speak."""

from collections.abc import Mapping
from typing import Any

from tokenhouse import messages
from tokenhouse.edges.headers import first


def language(scope: Mapping[str, Any], otherwise: str) -> str:
    """Return the first language that a request accepts and we speak."""
    accepted = first(scope, b"accept-language")
    for one in accepted.decode("latin-1").split(",") if accepted else ():
        wanted = one.strip()[:2].lower()
        if wanted in messages.LOCALES:
            return str(wanted)
    return otherwise
