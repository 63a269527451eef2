"""The OpenAPI document: complete enough that a generated client needs no hand work.

Most of it the framework makes of the routes' own types. Added here is what types do not say: what each group
of routes is about, how a caller proves itself and where it need not, and the routes of the hot path, whose
structs say their part themselves.
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from fastapi import FastAPI

from tokenhouse.edges.api.shapes import AN_ID, COMPONENT, Problem
from tokenhouse.edges.api.thin import JSON, Api, Thin
from tokenhouse.edges.credentials.cookies import PLAIN, SECURE
from tokenhouse.rules.plans import Plan

REF: Final = "#/components/schemas/{name}"
PLAN_REF: Final = "#/components/schemas/Plan{name}"
PLAN_NAME: Final = "PlanPlan"
PLAN_DOCUMENT: Final = "PlanDocument"
PROBLEM: Final = "Problem"

INTRODUCTION: Final = """
Native resources stand under `/api/v1`; the other paths are those of the systems that tokenhouse replaces.

**Amounts** go out as `{value, unit, shown}`: `value` is exact text in whole units. They come in as such text.
**Pages** hold `items` and `next`: hand `next` back as `cursor`; null is the end. **Times** are ISO 8601, UTC.
**Writes** take an `Idempotency-Key`: repeated under it, the first answer comes again; with another body, 422.
**Problems** are RFC 9457: `code` never changes, `detail` is a sentence in the caller's language, and facts
such as `field`, `short_by` or `resets_at` stand beside them.
"""
TAGS: Final = {
    "service": "Whether this process lives and is ready, and which release it is. Nobody is asked who calls.",
    "accounts": "Who pays: users, teams and companies, the tree that they form, and where each stands.",
    "credit": "What an account was given: giving it, taking it back, correcting it, refunding a charge.",
    "entries": "The journal: every movement of every account, at any depth; a charge explains itself.",
    "calls": "For back ends in any language: reserve before a call, settle or release after it.",
    "keys": "By which programs call: an account's keys, and those of back ends.",
    "plans": "The terms of accounts: versioned documents, and presets.",
    "rates": "What models cost, by whose list and since when.",
    "simulations": "A usage trace against a plan, before it goes live.",
    "imports": "Accounts out of a file, as a work: what would change first, then the change itself.",
    "verifications": "Every law of the ledger held against the journal, as a work that runs by itself.",
    "usage": "What an account used, by hour, day, month, model and key, and when it will run out.",
    "statistics": "Figures of all accounts: overview, distribution, trends, patterns, cost against charge.",
    "packages": "What can be bought, in every currency.",
    "orders": "What was bought: orders, their states and their receipts.",
    "payments": "Where payment providers call back; each call proves itself by its signature.",
    "coupons": "Codes that give credit, once or many times.",
    "subscriptions": "Plans that are paid for again and again.",
    "notices": "What people are told, over which channels, and what became of it.",
    "chat": "Conversations: kept, searched, archived and exported; turns whole or streamed.",
    "people": "Who logs in: users, auditors, operators and owners.",
    "card": "The usage card on any site: short-lived tokens, and what they open.",
    "samples": "Two weeks of real traffic for a new deployment, so that its pages show something.",
    "session": "Logging in and out of the pages.",
    "audit log": "Who changed what, when and why.",
    "jobs": "What runs by itself: when it last ran, when it runs next, how it went.",
    "sources": "The paths of the chat and points systems that tokenhouse replaces, with their fields.",
    "user-quota": "The paths of the quota system that tokenhouse replaces, with its fields.",
}
"""What each group of routes is about, in the order of the document."""
SECURITY: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer th_…`: an API key; or a token of the host application, where "
        "the deployment takes them.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same API key, as some vendors' clients send it.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SECURE,
        "description": "The session of a person who has logged in to the pages. Without https the cookie has "
        f"no prefix: `{PLAIN}`. A write also needs `x-csrf-token`.",
    },
}
STANDING: Final = {
    "x-tokenhouse-remaining": {
        "description": "What the account has left, in the unit's smallest part.",
        "schema": {"type": "integer"},
    },
    "ratelimit": {
        "description": 'What is left of the period, and for how many seconds: `"plan";r=99928;t=86400`.',
        "schema": {"type": "string"},
    },
    "ratelimit-policy": {
        "description": 'The quota of a period, and its seconds: `"plan";q=100000;w=2592000`.',
        "schema": {"type": "string"},
    },
}
"""Headers of an answer that concerns an account; a no has them too, once it is known whose it is."""
OPEN: Final = (
    *("get /api/v1/health", "get /api/v1/ready", "get /api/v1/version"),
    *("post /api/v1/session", "post /api/v1/session/link"),
    "post /api/v1/session/owner",
    *("post /api/v1/payments/callback", "post /api/v1/payments/stripe", "post /api/v1/payments/toss"),
    "post /api/v1/user-quota/payment-callback",
)
"""Where a call needs no credentials: it asks for nothing of anybody's, or its body proves who calls."""


def documented(app: Api) -> dict[str, Any]:
    """Return the OpenAPI document of an application, made once."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
        _add(schemas, _components(app.thin))
        _add(schemas, _plan_components())
        for route in app.thin:
            document["paths"].setdefault(route.path, {})["post"] = _operation(route)
        document["tags"] = [{"name": name, "description": said} for name, said in TAGS.items()]
        _say_problems(document)
        _point(document)
        document["components"]["securitySchemes"] = SECURITY
        document["security"] = [{name: []} for name in SECURITY]
        for place in OPEN:
            method, _, path = place.partition(" ")
            document["paths"][path][method]["security"] = []
        app.openapi_schema = document
    return app.openapi_schema


def _point(part: Any) -> None:
    """Turn every schema that names its component into a reference to it."""
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict) and COMPONENT in inner:
            name = inner[COMPONENT]
            inner.clear()
            inner["$ref"] = REF.format(name=name)
        elif isinstance(inner, dict | list):
            _point(inner)


def _say_problems(document: dict[str, Any]) -> None:
    """Say once, for all routes, what every answer is that is no success; ours has no other shape."""
    components = document["components"]
    components["responses"] = {
        "Problem": {
            "description": "A problem (RFC 9457): its code never changes, its text is for a person.",
            "content": {"application/problem+json": {"schema": {"$ref": REF.format(name=PROBLEM)}}},
        }
    }
    components["schemas"][PROBLEM] = Problem.model_json_schema()
    for operation in _operations(document):
        answers = operation["responses"]
        if "HTTPValidationError" in str(answers.get("422")):
            del answers["422"]
        answers["default"] = {"$ref": "#/components/responses/Problem"}
        for answer in answers.values():
            for kind, content in answer.get("content", {}).items():
                content.setdefault("schema", {"type": "string" if kind.startswith("text/") else "object"})
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)


def _operations(document: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    return (operation for path in document["paths"].values() for operation in path.values())


def _add(schemas: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add components; of those that two say, the framework's stands, for they say the same.

    That is asserted: one name for two shapes would have a generated client send what nobody takes.
    """
    for name, schema in more.items():
        known = schemas.setdefault(name, schema)
        assert known.get("properties", {}).keys() == schema.get("properties", {}).keys(), name  # noqa: S101


def _components(thin: Iterable[Thin[Any, Any]]) -> dict[str, Any]:
    """Return what the structs of thin routes say of themselves."""
    kinds = [kind for route in thin for kind in (route.asked, route.told)]
    _, components = msgspec.json.schema_components(kinds, ref_template=REF)
    return components


def _plan_components() -> dict[str, Any]:
    """Return what a plan's document may say, by the rules' own structs, under names that say whose."""
    _, components = msgspec.json.schema_components([Plan], ref_template=PLAN_REF)
    named = {f"Plan{name}": _numbers_too(schema) for name, schema in components.items()}
    plan = named.pop(PLAN_NAME)
    del plan["properties"]["version"]
    plan["properties"]["environment"] = {
        "type": "object",
        "description": "Parts that are laid over the plan in an environment: development, production.",
    }
    plan["title"] = PLAN_DOCUMENT
    return {**named, PLAN_DOCUMENT: plan}


def _numbers_too(schema: Any) -> Any:
    """Return a schema in which a decimal, which goes out as exact text, may come in as a number as well."""
    if isinstance(schema, list):
        return [_numbers_too(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        rest = {name: value for name, value in schema.items() if name not in ("type", "format")}
        return {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}], **rest}
    return {name: _numbers_too(value) for name, value in schema.items()}


def _operation(route: Thin[Any, Any]) -> dict[str, Any]:
    """Return a thin route's part of the document."""
    first, _, rest = (inspect.getdoc(route.verb) or "").partition("\n\n")
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"The {name}'s id.",
            "schema": {"type": "string", "maxLength": 36, "examples": [AN_ID]},
        }
        for name in route.parts
    ]
    if route.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Repeated under it, the first answer comes.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        )
    return {
        "tags": [route.tag],
        "summary": route.name.replace("_", " ").capitalize(),
        "description": "\n\n".join(filter(None, (first, rest))),
        "operationId": route.name,
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _ref(route.asked), "example": route.example}},
        },
        "responses": {
            str(route.status): {
                "description": inspect.getdoc(route.told) or "Done.",
                **({"headers": STANDING} if "account" in route.asked.__struct_fields__ else {}),
                "content": {JSON: {"schema": _ref(route.told)}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}
