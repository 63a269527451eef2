"""A Postman collection of the API, made of its OpenAPI document: folders by tag, examples as bodies.

Its variables carry from request to request what a newcomer would otherwise copy by hand: where something was
made or listed, its id is kept, and the requests below that path name it. What only an account itself may do,
such as its conversations, goes out with a key of that account, which is kept when it is made.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from tokenhouse.edges.api.shapes import AN_ID

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
JSON: Final = "application/json"
METHODS: Final = ("get", "put", "post", "delete", "patch")
DEPTH_MAX: Final = 12
"""How deep an example goes into a schema that may hold itself."""
WRITTEN: Final = {"string": "text", "integer": 0, "number": 0, "boolean": False, "null": None}
FORMATS: Final = {"date-time": "2026-12-01T00:00:00Z", "uuid": "00000000-0000-7000-8000-000000000000"}

OWN: Final = (
    *("/api/v1/chat/sessions", "/api/chat", "/api/user/points", "/api/notifications"),
    "/api/ai-usage",
)
"""Where an account itself calls, and below."""
REHEARSED: Final = "/api/ai-usage/test-usage"
"""Where an operator does, none the less."""
VARIABLES: Final = [
    {"key": "baseUrl", "value": "http://127.0.0.1:8300", "description": "Where the server is."},
    {
        "key": "token",
        "value": "",
        "description": "The key of an owner: `tokenhouse keys create --role owner`.",
    },
    {
        "key": "userToken",
        "value": "",
        "description": "The key of an account, for its chat and its own pages; made by Create account key.",
    },
]

Document = Mapping[str, Any]


def collection(document: Document) -> dict[str, Any]:
    """Return the Postman collection (v2.1) of an OpenAPI document.

    Its variables `baseUrl`, `token` and `userToken` say where the server is and who calls.
    """
    folders: dict[str, list[dict[str, Any]]] = {one["name"]: [] for one in document["tags"]}
    ids = _ids(document)
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                folder = (operation.get("tags") or ["other"])[0]
                folders.setdefault(folder, []).append(_request(document, path, method, ids))
    said = {one["name"]: one.get("description", "") for one in document["tags"]}
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"].get("description", ""),
            "version": document["info"]["version"],
            "schema": SCHEMA,
        },
        "auth": _bearer("token"),
        "variable": [*VARIABLES, *({"key": name, "value": AN_ID} for name in sorted(set(ids.values())))],
        "item": [
            {"name": name, "description": said.get(name, ""), "item": items}
            for name, items in folders.items()
            if items
        ],
    }


def _ids(document: Document) -> dict[str, str]:
    """Return the path below which each id that we give is asked for, and the variable that keeps it."""
    found = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for one in operation.get("parameters", ()):
                if one["in"] == "path" and one["schema"].get("examples") == [AN_ID]:
                    found[path.partition("/{" + one["name"] + "}")[0]] = one["name"]
    return found


def _bearer(variable: str) -> dict[str, Any]:
    """Return how a caller proves itself: by the key that a variable holds."""
    return {"type": "bearer", "bearer": [{"key": "token", "value": "{{" + variable + "}}", "type": "string"}]}


def _kept(path: str, method: str, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the script that keeps what an answer names: the id of what was made, or of the first listed."""
    lines = []
    owned = path == "/api/v1/accounts/{ref}/keys" and method == "post"
    if path in ids and method in ("get", "post") and not owned:
        made = f"told.{ids[path]} || told" if method == "post" else "(told.items || [])[0]"
        lines += [
            f"const made = {made};",
            f"const id = made && (made.id || made.{ids[path]} || made);",
            f'if (typeof id === "string") pm.collectionVariables.set("{ids[path]}", id);',
        ]
    if owned:  # Its id is not kept: what the requests below revoke is another one, of an earlier run.
        lines.append('pm.collectionVariables.set("userToken", told.secret);')
    if not lines:
        return []
    script = ["if (pm.response.code < 300) {", "  const told = pm.response.json();"]
    return [
        {
            "listen": "test",
            "script": {"type": "text/javascript", "exec": [*script, *(f"  {line}" for line in lines), "}"]},
        }
    ]


def _request(document: Document, path: str, method: str, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return one request of the collection."""
    operation: Document = document["paths"][path][method]
    parameters = [_resolved(document, one) for one in operation.get("parameters", ())]
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": [
            {
                "key": one["name"],
                "value": str(_of(document, one)) if "examples" in one["schema"] else "",
                "description": one.get("description", ""),
                "disabled": "examples" not in one["schema"],
            }
            for one in parameters
            if one["in"] == "header"
        ],
        "url": _url(document, path, parameters),
    }
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    elif any(path == own or path.startswith(f"{own}/") for own in OWN) and path != REHEARSED:
        request["auth"] = _bearer("userToken")
    body = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if body is not None:
        request["header"].append({"key": "Content-Type", "value": JSON})
        request["body"] = {
            "mode": "raw",
            "raw": _pretty(body["example"] if "example" in body else example(document, body["schema"])),
            "options": {"raw": {"language": "json"}},
        }
    name = operation.get("summary") or operation["operationId"]
    scripts = _kept(path, method, ids)
    return {"name": name, **({"event": scripts} if scripts else {}), "request": request, "response": []}


def _url(document: Document, path: str, parameters: list[Document]) -> dict[str, Any]:
    """Return an address with its variables, and its query, each part of it to be switched on."""
    plain = re.sub(r"\{([^}]+)\}", r":\1", path)
    return {
        "raw": "{{baseUrl}}" + plain,
        "host": ["{{baseUrl}}"],
        "path": plain.strip("/").split("/"),
        "variable": [
            {"key": one["name"], "value": _named(document, one), "description": one.get("description", "")}
            for one in parameters
            if one["in"] == "path"
        ],
        "query": [
            {
                "key": one["name"],
                "value": str(_of(document, one)) if one.get("required") else "",
                "description": one.get("description", ""),
                "disabled": not one.get("required", False),
            }
            for one in parameters
            if one["in"] == "query"
        ],
    }


def _named(document: Document, parameter: Document) -> str:
    """Return what stands for a part of a path: an example, or the variable that keeps an id."""
    found = str(_of(document, parameter))
    return "{{" + parameter["name"] + "}}" if found == AN_ID else found


def _of(document: Document, parameter: Document) -> Any:
    """Return an example of a parameter."""
    found = parameter.get("examples") or parameter.get("example")
    if isinstance(found, Mapping):
        found = next(iter(found.values())).get("value")
    return found if isinstance(found, str | int) else example(document, parameter["schema"])


def example(document: Document, schema: Document, depth: int = 0) -> Any:
    """Return a value that a schema allows: its own example if it has one, and of its members those it wants.

    A member that may be left out is shown where the schema has an example for it.
    """
    schema = _resolved(document, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    for known in ("example", "const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if schema.get("enum"):
        return schema["enum"][0]
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        return example(document, several[0], depth + 1)
    kind = schema.get("type")
    if kind == "object" and depth < DEPTH_MAX:
        wanted = schema.get("required", ())
        return {
            name: example(document, one, depth + 1)
            for name, one in schema.get("properties", {}).items()
            if name in wanted or "examples" in _resolved(document, one)
        }
    if kind == "array":
        least = schema.get("minItems", 0) and depth < DEPTH_MAX
        return [example(document, schema["items"], depth + 1)] if least else []
    if kind == "integer":
        return schema.get("minimum", 0)
    return FORMATS.get(schema.get("format", ""), WRITTEN.get(str(kind)))


def _resolved(document: Document, part: Document) -> Document:
    """Return what a reference means; anything else as it is."""
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _pretty(value: Any) -> str:
    """Return a body as a person would write it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
