"""Write docs/reference/api.md from the OpenAPI document: every route, what it does and who may call it.

python -m tests.edges.api.reference
"""

from pathlib import Path
from typing import Any

from tokenhouse.edges.api import assembled

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "api.md"
METHODS = ("get", "post", "put", "patch", "delete")
OPENING = """# REST API

Written by `python -m tests.edges.api.reference` from the OpenAPI document; a test compares. What each route
takes and answers stands in that document: `GET /api/openapi.json`, shown at `/api/docs`, printed by
`tokenhouse openapi`. How to use it: [REST](../how-to/rest.md).
"""


def page() -> str:
    """Return the page."""
    document = assembled().openapi()
    parts = [OPENING]
    for tag in document["tags"]:
        rows = [
            (f"`{method.upper()} {path}`", f"`{operation['operationId']}`", first(operation))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in METHODS and (operation.get("tags") or [""])[0] == tag["name"]
        ]
        said = tag.get("description")
        parts.append(f"## {tag['name'].capitalize()}\n")
        if said:
            parts.append(f"{said}\n")
        parts.append("| route | operation | does |\n|---|---|---|")
        parts += [f"| {' | '.join(one.replace('|', chr(92) + '|') for one in row)} |" for row in rows]
        parts.append("")
    return "\n".join(parts)


def first(operation: dict[str, Any]) -> str:
    """Return the first sentence of a description, on one line."""
    return " ".join(operation.get("description", "").partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
