"""Tools: the tokens that descriptions of functions take, by OpenAI's published formula."""

from typing import Any, Final

from tokenhouse.providers.prompts import Prompt

FUNCTION: Final = 7
FUNCTION_OLDER: Final = 10
PROPERTIES: Final = 3
PROPERTY: Final = 3
CHOICES: Final = -3
CHOICE: Final = 3
END: Final = 12
"""OpenAI's cookbook, "How to count tokens with tiktoken", section 7; `_OLDER` is for gpt-4 and gpt-3.5."""

_FLAT: Final = frozenset(("type", "properties", "required", "additionalProperties", "title", "$schema"))


def add_tools(found: Prompt, tools: list[Any]) -> None:
    """Add the functions that a model may call; what the formula does not know is added as JSON."""
    if not tools:
        return
    older = found.model == "gpt-4" or found.model.startswith(("gpt-4-", "gpt-3.5", "gpt-35"))
    for tool in tools:
        function = tool.get("function", tool) if isinstance(tool, dict) else tool
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found.fixed += FUNCTION_OLDER if older else FUNCTION
            _function(found, function)
        else:
            found.add_json(tool)
    found.fixed += END


def add_schema(found: Prompt, form: object) -> None:
    """Add the schema that an answer must have, which the provider shows to the model."""
    if isinstance(form, dict) and form.get("type") == "json_schema":
        found.add_json(form)


def _function(found: Prompt, function: dict[str, Any]) -> None:
    found.add(f"{function['name']}:{_sentence(function.get('description'))}")
    schema = function.get("parameters")
    if not isinstance(schema, dict):
        if schema is not None:
            found.add_json(schema)
        return
    properties = schema.get("properties")
    rest = {key: value for key, value in schema.items() if key not in _FLAT}
    if isinstance(properties, dict) and properties:
        found.fixed += PROPERTIES
        for name, property_ in properties.items():
            _property(found, name, property_)
    elif properties:
        rest["properties"] = properties
    if rest:
        found.add_json(rest)


def _property(found: Prompt, name: object, schema: object) -> None:
    """Add one parameter: `name:type:description`, the values to choose from, and what is nested as JSON."""
    found.fixed += PROPERTY
    rest: dict[str, Any] = dict(schema) if isinstance(schema, dict) else {"schema": schema}
    kind, choices = rest.pop("type", ""), rest.pop("enum", None)
    if not isinstance(kind, str):
        rest["type"], kind = kind, ""
    found.add(f"{name}:{kind}:{_sentence(rest.pop('description', ''))}")
    if isinstance(choices, list) and choices:
        found.fixed += CHOICES + CHOICE * len(choices)
        for choice in choices:
            found.add(choice)
    if rest:
        found.add_json(rest)


def _sentence(value: object) -> str:
    """Return a description as the formula counts it: without its full stop."""
    return value.removesuffix(".") if isinstance(value, str) else ""
