"""A document as TOML that reads back as the same document; the standard library only reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def written(document: Mapping[str, Any]) -> str:
    """Return the TOML of a document: plain values first, then its tables."""
    return "\n".join(_table(document, ())).strip("\n")


def _table(document: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Return the lines of one table and of those below it."""
    lines, below = [], []
    for name, value in document.items():
        place = (*path, name)
        if isinstance(value, Mapping):
            below += ["", f"[{_dotted(place)}]", *_table(value, place)]
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            for one in value:
                below += ["", f"[[{_dotted(place)}]]", *_table(one, place)]
        else:
            lines.append(f"{_dotted((name,))} = {_value(value)}")
    return lines + below


def _dotted(path: tuple[str, ...]) -> str:
    """Return a key, its parts quoted where they must be."""
    return ".".join(part if _BARE.fullmatch(part) else _value(part) for part in path)


def _value(value: object) -> str:
    """Return one plain value. A decimal keeps its point, without which it would come back as an integer."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text if "." in text else f"{text}.0"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    # JSON's text is TOML's basic text, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
