"""What the tables of the settings have in common: bounds, addresses, secrets, and how they are shown."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from tokenhouse.errors import StartRefused

SECRETIVE: Final = re.compile(r"(^|_)(key|password|secret|token|headers)$")
"""Names of settings that open something."""
HIDDEN: Final = "…"
DSN: Final = re.compile(r"(password|passwd|pwd|passphrase|secret|token)\w*[\"']?\s*[=:]", re.IGNORECASE)
"""How an address that is no URL says its password, as libpq's keys and values and service files do."""
FROM_ENVIRONMENT: Final = "_env"
"""How the name of a setting ends that names the variable in which another one, a secret, is."""

Table = TypeVar("Table", bound=msgspec.Struct)


def bounded(table: msgspec.Struct, place: str, *bounds: tuple[str, float, float]) -> None:
    """Return if every setting of (name, low, high) lies within; `place` stands before the names: "chat.".

    Raises: StartRefused that names it.
    """
    for name, low, high in bounds:
        value = getattr(table, name)
        if not low <= value <= high:
            facts = {"name": f"{place}{name}", "value": value, "low": low, "high": high}
            raise StartRefused("setting_out_of_range", **facts)


def opened(table: Table, environ: Mapping[str, str], place: str = "") -> Table:
    """Return a table, and all below it, with the secrets that are in variables of the environment.

    Raises: StartRefused for a variable that is empty: whoever names one means it.
    """
    found: dict[str, Any] = {}
    for name in table.__struct_fields__:
        value = getattr(table, name)
        if isinstance(value, msgspec.Struct):
            found[name] = opened(value, environ, f"{place}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            found[name] = tuple(opened(one, environ, f"{place}{name}.") for one in value)
        elif name.endswith(FROM_ENVIRONMENT) and value:
            secret = environ.get(value, "").strip()
            if not secret:
                raise StartRefused("secret_variable_empty", name=f"{place}{name}", variable=value)
            found[name.removesuffix(FROM_ENVIRONMENT)] = secret
    return msgspec.structs.replace(table, **found)


def shown(table: msgspec.Struct) -> dict[str, Any]:
    """Return settings as a person may see them: whether there is a secret, and never which."""
    return {name: _shown(name, getattr(table, name)) for name in table.__struct_fields__}


def parted(url: str) -> SplitResult:
    """Return the parts of an address; none of one that is no address at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def without_userinfo(url: str) -> str:
    """Return an address without user, password, query and fragment, any of which may open something."""
    place = parted(url)
    return place._replace(netloc=place.netloc.rpartition("@")[2], query="", fragment="").geturl()


def without_credentials(text: str) -> str:
    """Return a text that may be an address without what opens it; what only looks like one shows nothing.

    So do several addresses in one text, and one with an `@` behind its host: the password before it may have
    had a slash in it.
    """
    if "://" not in text:
        return HIDDEN if DSN.search(text) else text
    place = parted(text)
    if text.count("://") > 1 or not (place.netloc or text.startswith("file:")):
        return HIDDEN
    if "@" in f"{place.path}{place.query}{place.fragment}" or DSN.search(place.path):
        return HIDDEN
    return without_userinfo(text)


def _shown(name: str, value: Any) -> Any:
    """Return one setting as a person may see it."""
    if isinstance(value, msgspec.Struct):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(name, one) for one in value]
    if SECRETIVE.search(name) and value:
        return HIDDEN
    if isinstance(value, str) and "://" in value:
        return without_credentials(value)
    return value
