"""How a test talks with a client's script: a line in is an ask, a line out what the client showed."""

import json
import sys
from collections.abc import Callable
from typing import Any


def talk(ways: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """Answer every ask: `{"way": …}` and what that way takes; an exception is told as a user would see it."""
    base = sys.argv[1]
    print(json.dumps({"ready": sorted(ways)}), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            shown = ways[ask.pop("way")](base, **ask)
        except Exception as error:  # noqa: BLE001 -- whatever a client raises is what it shows
            shown = {"error": told(error)}
        print(json.dumps(shown), flush=True)


def told(error: Exception) -> dict[str, Any]:
    """Return an exception as a user sees it: its class, its status, its text, and the body that it kept."""
    return {
        "class": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "text": str(error),
        "body": getattr(error, "body", None),
    }


def spent(tokens_input: int, tokens_output: int) -> list[int]:
    """Return a usage in the one order that the tests compare."""
    return [tokens_input, tokens_output]
