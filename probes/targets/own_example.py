"""A request as a server describes it in an OpenAPI document: its example, or one made from the schema.

FastAPI (and so LitServe and most services in Python) has `/openapi.json`, BentoML `/docs.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PLACES = ("/openapi.json", "/docs.json")
DEEPEST = 12
_TEXTS = {
    "date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "time": "00:00:00Z", "email": "a@example.org",
    "uri": "https://example.org/", "uuid": "00000000-0000-4000-8000-000000000000", "byte": "YQ==",
    "ipv4": "192.0.2.1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """A body that a server takes, and whether it is its own example or made from the types that it names."""

    body: bytes
    sample_from: Literal["server_example", "signature"]


def described_request(document: object, path: str) -> Described | None:
    """What `POST path` takes by an OpenAPI document; None where that is not said, or not in JSON."""
    try:
        assert isinstance(document, dict)
        operation = document["paths"][path.partition("?")[0]]["post"]
        content = _resolved(operation["requestBody"], document)["content"]
        media = next(content[kind] for kind in content if kind.partition(";")[0].strip().endswith("json"))
        example = _example(media)
        schema = _resolved(media.get("schema", {}), document)
        if example is None:
            example = _example(schema)
        if example is not None:
            return Described(json.dumps(example[0]).encode(), "server_example")
        if not schema:
            return None
        return Described(json.dumps(_value(schema, document, DEEPEST)).encode(), "signature")
    except (AssertionError, KeyError, TypeError, AttributeError, IndexError, StopIteration, ValueError):
        return None


def _resolved(part: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """The part itself, or what its `$ref` points to in the same document."""
    for _ in range(DEEPEST):
        reference = part.get("$ref")
        if reference is None:
            return dict(part)
        found: Any = document
        for name in str(reference).removeprefix("#/").split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        part = found
    raise ValueError("the references go round in a circle")


def _example(part: Mapping[str, Any]) -> tuple[Any] | None:
    """What the part gives as an example (None is a value), the first of several."""
    if "example" in part:
        return (part["example"],)
    examples = part.get("examples")
    if isinstance(examples, list) and examples:
        return (examples[0],)
    if isinstance(examples, dict) and examples:
        first = next(iter(examples.values()))
        return (first["value"],) if isinstance(first, dict) and "value" in first else None
    return None


def _value(part: Any, document: Mapping[str, Any], deep: int) -> Any:
    """A value of that schema: its own example, default or constant, else a plain one."""
    if deep <= 0:
        raise ValueError("the schema has no end")
    schema = _resolved(part, document)
    given = _example(schema)
    if given is not None:
        return given[0]
    for name in ("default", "const"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    if "allOf" in schema:
        whole: dict[str, Any] = {}
        for one in schema["allOf"]:
            value = _value(one, document, deep - 1)
            if not isinstance(value, dict):
                return value
            whole |= value
        return whole
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        real = [one for one in choices if one.get("type") != "null"]
        return _value((real or choices)[0], document, deep - 1)
    return _plain(schema, document, deep)


def _plain(schema: Mapping[str, Any], document: Mapping[str, Any], deep: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        wanted = schema.get("required") or list(properties)
        return {name: _value(properties.get(name, {}), document, deep - 1) for name in wanted}
    if kind == "array":
        items = schema.get("prefixItems")
        if items:
            return [_value(one, document, deep - 1) for one in items]
        count = min(max(1, int(schema.get("minItems", 1))), 10_000)
        return [_value(schema.get("items", {}), document, deep - 1)] * count
    if kind in ("number", "integer"):
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum", schema.get("exclusiveMaximum"))
        if isinstance(least, int | float):
            inside = least if "minimum" in schema else least + (1 if kind == "integer" else 1e-3)
            return int(inside) if kind == "integer" else inside
        return 1 if most is None or most > 1 else int(most) - 1
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = _TEXTS.get(str(schema.get("format")), "text")
    return text.ljust(int(schema.get("minLength", 0)), "x")[: int(schema.get("maxLength", 10_000))]
