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
MOST_VALUES = 20_000
LONGEST_TEXT = 10_000
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
    if not isinstance(document, dict):
        return None
    try:
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
        return Described(json.dumps(_Made(document).value(schema, DEEPEST)).encode(), "signature")
    except (
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        AttributeError,
        IndexError,
        StopIteration,
        ValueError,
    ):
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


class _Made:
    """Values made from the schemas of one document, of which no more than `MOST_VALUES` are made.

    A document comes from the server that is asked, so that it may ask for more than memory holds.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._left = MOST_VALUES

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise ValueError("the schema asks for too much")

    def value(self, part: Any, deep: int) -> Any:
        """A value of that schema: its own example, default or constant, else a plain one."""
        if deep <= 0:
            raise ValueError("the schema has no end")
        self._spend(1)
        schema = _resolved(part, self._document)
        given = _given(schema)
        if given is not None:
            self._spend(len(json.dumps(given[0])) // 100)
            return given[0]
        if "allOf" in schema:
            whole: dict[str, Any] = {}
            for one in schema["allOf"]:
                value = self.value(one, deep - 1)
                if not isinstance(value, dict):
                    return value
                whole |= value
            return whole
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            real = [one for one in choices if one.get("type") != "null"]
            return self.value((real or choices)[0], deep - 1)
        return self._plain(schema, deep)

    def _plain(self, schema: Mapping[str, Any], deep: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), None)
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            wanted = schema.get("required") or list(properties)
            return {name: self.value(properties.get(name, {}), deep - 1) for name in wanted}
        if kind == "array":
            return self._array(schema, deep)
        if kind in ("number", "integer"):
            return _number(schema, kind)
        if kind == "boolean":
            return True
        if kind == "null":
            return None
        return self._text(schema)

    def _array(self, schema: Mapping[str, Any], deep: int) -> list[Any]:
        items = schema.get("prefixItems")
        if items:
            return [self.value(one, deep - 1) for one in items]
        count = max(1, int(schema.get("minItems", 1)))
        before = self._left
        first = self.value(schema.get("items", {}), deep - 1)
        self._spend((before - self._left) * (count - 1))
        return [first] * count

    def _text(self, schema: Mapping[str, Any]) -> str:
        least = int(schema.get("minLength", 0))
        if least > LONGEST_TEXT:
            raise ValueError("the schema asks for too much")
        text = _TEXTS.get(str(schema.get("format")), "text").ljust(least, "x")
        self._spend(len(text) // 100)  # many long texts are much, too
        return text[: int(schema.get("maxLength", LONGEST_TEXT))]


def _given(schema: Mapping[str, Any]) -> tuple[Any] | None:
    """The value that a schema names itself (None is one): an example, a default, a constant, a choice."""
    example = _example(schema)
    if example is not None:
        return example
    for name in ("default", "const"):
        if name in schema:
            return (schema[name],)
    return (schema["enum"][0],) if schema.get("enum") else None


def _number(schema: Mapping[str, Any], kind: str) -> float | int:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(least, int | float):
        inside = least if "minimum" in schema else least + (1 if kind == "integer" else 1e-3)
        return int(inside) if kind == "integer" else inside
    return 1 if most is None or most > 1 else int(most) - 1
