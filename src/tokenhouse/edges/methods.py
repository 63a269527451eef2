"""Methods: which of them a path takes, and the no to all others: alike at every edge, as RFC 9110 has them.

Wherever GET goes HEAD goes too, and every path says to OPTIONS what it takes. Another method is answered by
405 and the same list; only a path that takes none at all is unknown.
"""

from collections.abc import Collection
from typing import Final

from tokenhouse.errors import MethodRefused, NotFound

GET: Final = ("GET", "HEAD")
HARMLESS: Final = (*GET, "OPTIONS")
"""What changes nothing, and so needs no proof that its own page asked."""
ORDER: Final = (*GET, "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATH_SHOWN_MAX: Final = 200


def allow(taken: Collection[str]) -> tuple[str, str]:
    """Return the header that lists what a path takes that has routes for these methods."""
    found = {*taken, "OPTIONS", *(GET if "GET" in taken else ())}
    return "allow", ", ".join(method for method in ORDER if method in found)


def refused(method: str, path: str, taken: Collection[str]) -> NotFound:
    """Return the no to a method that a path does not take, or to a path that takes none."""
    shown = path[:PATH_SHOWN_MAX]
    if not taken:
        return NotFound("path_unknown", method=method, path=shown)
    return MethodRefused(method=method, path=shown, allow=allow(taken)[1])
